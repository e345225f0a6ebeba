import type { SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { keyRecord, type KeyRow } from './keys.ts'
import type { Queries } from './database.ts'

/** A client's identity that issues credentials by a rule of the service. */
export interface IssuerRow {
  readonly id: string
  readonly clientId: string
  /** A DID. */
  readonly identifier: string
  readonly state: 'enabled' | 'disabled'
  readonly createdAt: Date
}

/** A key of an issuer, as its row says; src/credentials/issuers.ts judges the seal. */
export interface IssuerKeyRow {
  readonly issuerId: string
  readonly clientId: string
  readonly identifier: string
  readonly verificationMethod: string
  readonly scheme: SchemeName
  readonly state: 'enabled' | 'rotated'
  readonly seal: Buffer
  readonly key: Sealed<KeyRecord>
  readonly keyState: KeyRow['state']
}

const COLUMNS = `id, client_id as "clientId", identifier, state, created_at as "createdAt"`

export async function insertIssuer(
  q: Queries,
  issuer: Pick<IssuerRow, 'id' | 'clientId' | 'identifier'>,
): Promise<void> {
  await q.query({
    text: `insert into credential_issuer (id, client_id, identifier) values ($1::uuid, $2::text, $3::text)`,
    values: [issuer.id, issuer.clientId, issuer.identifier],
  })
}

/** Enters a key, in a transaction; the ones before it sign nothing more. Who is second waits, and sees the first one's. */
export async function insertIssuerKey(
  tx: Queries,
  key: Pick<IssuerKeyRow, 'issuerId' | 'verificationMethod' | 'scheme' | 'seal'> & { readonly keyId: string },
): Promise<void> {
  await tx.query({
    text: 'select from credential_issuer where id = $1::uuid for update',
    values: [key.issuerId],
  })
  await tx.query({
    text: `with rotated as (
        update credential_issuer_key set state = 'rotated' where issuer_id = $1::uuid and state = 'enabled')
      insert into credential_issuer_key (issuer_id, key_id, verification_method, scheme, seal)
      values ($1::uuid, $2::uuid, $3::text, $4::text, $5::bytea)`,
    values: [key.issuerId, key.keyId, key.verificationMethod, key.scheme, key.seal],
  })
}

export async function findIssuer(q: Queries, id: string): Promise<IssuerRow | undefined> {
  const [row] = await q.query<IssuerRow>({
    text: `select ${COLUMNS} from credential_issuer where id = $1::uuid`,
    values: [id],
  })
  return row
}

export async function setIssuerState(q: Queries, id: string, state: IssuerRow['state']): Promise<void> {
  await q.query({
    text: 'update credential_issuer set state = $2::text where id = $1::uuid',
    values: [id, state],
  })
}

/** In order of id. @param query.clientId one client's alone */
export async function listIssuers(
  q: Queries,
  query: {
    readonly clientId?: string | undefined
    readonly limit: number
    readonly after?: string | undefined
  },
): Promise<IssuerRow[]> {
  return q.query<IssuerRow>({
    text: `select ${COLUMNS} from credential_issuer
            where ($1::text is null or client_id = $1::text) and ($2::uuid is null or id > $2::uuid)
            order by id limit $3::int`,
    values: [query.clientId ?? null, query.after ?? null, query.limit],
  })
}

const KEYS = `select i.id as "issuerId", i.client_id as "clientId", i.identifier,
         ik.verification_method as "verificationMethod", ik.scheme, ik.state, ik.seal as "issuerSeal",
         k.id, k.token_serial as "tokenSerial", k.cka_id as "ckaId", k.key_type as "keyType", k.purpose, k.spki, k.seal,
         k.state as "keyState", k.created_at as "createdAt"
    from credential_issuer i join credential_issuer_key ik on ik.issuer_id = i.id join key k on k.id = ik.key_id`

type Joined = Omit<IssuerKeyRow, 'key' | 'seal'> &
  Omit<KeyRow, 'state'> & { readonly issuerSeal: Buffer; readonly keyState: KeyRow['state'] }

/**
 * The keys that sign now: of issuers that are enabled, the newest first.
 * @param by.evenDisabled also of issuers that are not: their lists go on
 */
export async function signingKeys(
  q: Queries,
  by: {
    readonly clientId?: string | undefined
    readonly issuerId?: string | undefined
    readonly identifier?: string | undefined
    readonly evenDisabled?: boolean | undefined
  },
): Promise<IssuerKeyRow[]> {
  const rows = await q.query<Joined>({
    name: 'issuer-signing-keys',
    text: `${KEYS} join client c on c.id = i.client_id
            where ($1::text is null or i.client_id = $1::text) and ($2::uuid is null or i.id = $2::uuid)
              and ($3::text is null or i.identifier = $3::text) and ik.state = 'enabled' and k.state = 'enabled'
              and ($4::boolean or (i.state = 'enabled' and c.state = 'enabled'))
            order by ik.created_at desc limit 2`,
    values: [by.clientId ?? null, by.issuerId ?? null, by.identifier ?? null, by.evenDisabled ?? false],
  })
  return rows.map(rowOf)
}

/** All keys that an issuer ever had, the newest first. */
export async function issuerKeys(q: Queries, issuerId: string): Promise<IssuerKeyRow[]> {
  const rows = await q.query<Joined>({
    text: `${KEYS} where i.id = $1::uuid order by ik.created_at desc`,
    values: [issuerId],
  })
  return rows.map(rowOf)
}

/** The key that a verification method names, of whichever issuer. */
export async function issuerKeyByMethod(q: Queries, method: string): Promise<IssuerKeyRow | undefined> {
  const [row] = await q.query<Joined>({
    name: 'issuer-key-by-method',
    text: `${KEYS} where ik.verification_method = $1::text`,
    values: [method],
  })
  return row && rowOf(row)
}

function rowOf(row: Joined): IssuerKeyRow {
  const { issuerId, clientId, identifier, verificationMethod, scheme, state, issuerSeal } = row
  const key = keyRecord({ ...row, state: row.keyState })
  const named = { issuerId, clientId, identifier, verificationMethod, scheme, state }
  return { ...named, seal: issuerSeal, key, keyState: row.keyState }
}
