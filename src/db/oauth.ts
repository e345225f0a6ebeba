import type { Queries } from './database.ts'

/** An expired object is kept so long, so that its bearer is told that it expired, not that it never was. */
const KEPT_AFTER_EXPIRY = '1 hour'
/** Each new object takes this many expired ones with it, so that the table never needs a sweep. */
const SWEPT_PER_INSERT = 10

export interface OauthObject {
  /** The library's name for the kind of object. */
  readonly model: string
  /** SHA-256 of the bearer value. */
  readonly idHash: Buffer
  /** Holds no bearer value. */
  readonly payload: Readonly<Record<string, unknown>>
  readonly clientId: string | undefined
  /** SHA-256 of the authorization code that it came from. */
  readonly grantHash?: Buffer
  /** Seconds from now, by the database's clock; undefined: does not expire. */
  readonly expiresIn: number | undefined
}

export async function storeOauthObject(q: Queries, object: OauthObject): Promise<void> {
  await q.query({
    name: 'oauth-store',
    text: `with expired as (
        select model, id_hash from oauth_object
         where expires_at < now() - interval '${KEPT_AFTER_EXPIRY}'
         order by expires_at limit ${SWEPT_PER_INSERT} for update skip locked),
      swept as (
        delete from oauth_object o using expired e where o.model = e.model and o.id_hash = e.id_hash)
      insert into oauth_object (model, id_hash, payload, client_id, expires_at, grant_hash)
      values ($1::text, $2::bytea, $3::jsonb, $4::text, now() + $5::int * interval '1 second', $6::bytea)
      on conflict (model, id_hash) do update
        set payload = excluded.payload, client_id = excluded.client_id, expires_at = excluded.expires_at`,
    values: [
      object.model,
      object.idHash,
      JSON.stringify(object.payload),
      object.clientId ?? null,
      object.expiresIn ?? null,
      object.grantHash ?? null,
    ],
  })
}

/** The payload as stored; undefined when there is none or it has expired. */
export async function findOauthObject(
  q: Queries,
  id: { readonly model: string; readonly idHash: Buffer },
): Promise<Record<string, unknown> | undefined> {
  const rows = await q.query<{ payload: Record<string, unknown> }>({
    name: 'oauth-find',
    text: `select payload from oauth_object
            where model = $1::text and id_hash = $2::bytea and (expires_at is null or expires_at > now())`,
    values: [id.model, id.idHash],
  })
  return rows[0]?.payload
}

export async function deleteOauthObject(
  q: Queries,
  id: { readonly model: string; readonly idHash: Buffer },
): Promise<void> {
  await q.query({
    text: 'delete from oauth_object where model = $1::text and id_hash = $2::bytea',
    values: [id.model, id.idHash],
  })
}

interface OwnObject {
  readonly model: string
  readonly idHash: Buffer
  /** Another client's is not found, and stays as it is. */
  readonly clientId: string
}

/** Takes an object that works once; of several who try, one gets it. */
export async function takeOauthObject(
  q: Queries,
  { model, idHash, clientId }: OwnObject,
): Promise<Record<string, unknown> | undefined> {
  const rows = await q.query<{ payload: Record<string, unknown> }>({
    name: 'oauth-take',
    text: `delete from oauth_object
            where model = $1::text and id_hash = $2::bytea and client_id = $3::text and expires_at > now()
            returning payload`,
    values: [model, idHash, clientId],
  })
  return rows[0]?.payload
}

export interface Consumed {
  /** 'first': it was neither used nor expired, and now it is used. */
  readonly verdict: 'first' | 'again' | 'expired'
  readonly payload: Record<string, unknown>
  /** SHA-256 of the authorization code that it came from. */
  readonly grantHash: Buffer | null
  /** Whole seconds that it would have lived on. */
  readonly seconds: number
}

const CONSUMED = `payload, grant_hash as "grantHash", floor(extract(epoch from expires_at - now()))::int as seconds`

/** Uses an object that is remembered after its use, so that a second use is noticed. Call it in a transaction. */
export async function consumeOauthObject(
  q: Queries,
  { model, idHash, clientId }: OwnObject,
): Promise<Consumed | undefined> {
  const values = [model, idHash, clientId]
  const first = await q.query<Omit<Consumed, 'verdict'>>({
    name: 'oauth-consume',
    text: `update oauth_object set consumed_at = now()
            where model = $1::text and id_hash = $2::bytea and client_id = $3::text
              and consumed_at is null and expires_at > now()
            returning ${CONSUMED}`,
    values,
  })
  if (first[0] !== undefined) return { ...first[0], verdict: 'first' }
  const rows = await q.query<Omit<Consumed, 'verdict'> & { consumed: boolean }>({
    text: `select ${CONSUMED}, consumed_at is not null as consumed from oauth_object
            where model = $1::text and id_hash = $2::bytea and client_id = $3::text`,
    values,
  })
  const [row] = rows
  return row && { ...row, verdict: row.consumed ? 'again' : 'expired' }
}

/**
 * Deletes every token that came from an authorization code. Call it in a transaction: a token that is being renewed while
 * this runs is waited for, and the next statement sees what it became.
 */
export async function deleteTokensOf(q: Queries, grantHash: Buffer): Promise<void> {
  const values = [grantHash]
  await q.query({
    text: `select 1 from oauth_object where grant_hash = $1::bytea order by model, id_hash for update`,
    values,
  })
  await q.query({ text: `delete from oauth_object where grant_hash = $1::bytea`, values })
}

/** What tokens that the API takes are stored as: those of the library, and those that codes are redeemed for. */
export const ACCESS_TOKEN = 'AccessToken'
/** Of either kind, where it wants a proof with each use: a binary that knows of no proofs does not find it. */
export const PROVEN_TOKEN = 'ProvenAccessToken'
export const REFRESH_TOKEN = 'RefreshToken'

/**
 * Ends a client's token, and with a refresh token every other that came from the same login (RFC 7009, 2.1). Call it in a
 * transaction. Another client's, or none at all, is left alone.
 * @returns what was stored with it
 */
export async function revokeToken(
  tx: Queries,
  { idHash, clientId }: Pick<OwnObject, 'idHash' | 'clientId'>,
): Promise<Record<string, unknown> | undefined> {
  const rows = await tx.query<Pick<Consumed, 'payload' | 'grantHash'> & { model: string }>({
    text: `delete from oauth_object
            where model in ('ClientCredentials', '${ACCESS_TOKEN}', '${PROVEN_TOKEN}', '${REFRESH_TOKEN}')
              and id_hash = $1::bytea and client_id = $2::text
            returning model, payload, grant_hash as "grantHash"`,
    values: [idHash, clientId],
  })
  const [gone] = rows
  if (gone?.model === REFRESH_TOKEN && gone.grantHash !== null) await deleteTokensOf(tx, gone.grantHash)
  return gone?.payload
}

export interface Bearer {
  readonly clientId: string
  /** Space-separated. */
  readonly scope: string
  /** Whose credentials alone it is for; null: all that are linked to the client. */
  readonly personId: string | null
  /** The one credential that it is for; null where its scope is not that of a credential. */
  readonly credentialId: string | null
  /** By the database's clock. */
  readonly expired: boolean
  /** `x5t#S256` of the certificate that it was given to (RFC 8705, 3); null: to whoever has it. */
  readonly thumbprint: string | null
  /** Thumbprint of the key that each use is proven by (RFC 9449, 6.1); null: none. */
  readonly proofKey: string | null
  /** Hashes of the keys that let its client in; null where it is bound to none. */
  readonly keys: readonly Buffer[] | null
}

/** What an access token is for; undefined for an unknown one and for one whose client is disabled. */
export async function findBearer(q: Queries, idHash: Buffer): Promise<Bearer | undefined> {
  const rows = await q.query<Bearer>({
    name: 'oauth-bearer',
    // A client that was given a certificate is served by tokens that are bound to one, also where it had others before.
    text: `select c.id as "clientId", coalesce(o.payload ->> 'scope', '') as scope,
                  o.payload ->> 'personId' as "personId", o.payload ->> 'credentialId' as "credentialId",
                  o.expires_at <= now() as expired,
                  o.payload ->> 'x5t#S256' as thumbprint, o.payload ->> 'jkt' as "proofKey",
                  case when o.payload ? 'x5t#S256' then
                    (select coalesce(array_agg(k.spki_hash), '{}') from client_certificate k
                      where k.client_id = c.id and k.removed_at is null) end as keys
             from oauth_object o join client c on c.id = o.client_id
            where o.model in ('ClientCredentials', '${ACCESS_TOKEN}', '${PROVEN_TOKEN}')
              and o.id_hash = $1::bytea and c.state = 'enabled'
              and (c.authentication = 'certificate') = (o.payload ? 'x5t#S256')`,
    values: [idHash],
  })
  return rows[0]
}
