import type { Queries } from './database.ts'

/** A public JWK (RFC 7517), with the members that its registration keeps. */
export type PublicJwk = Readonly<Record<string, string>>

export interface ClientKeyRow {
  readonly id: string
  /** RFC 7638, by SHA-256. */
  readonly thumbprint: Buffer
  readonly jwk: PublicJwk
  readonly addedAt: Date
  /** Null: it lets its client in. */
  readonly removedAt: Date | null
}

const COLUMNS = 'id, thumbprint, jwk, added_at as "addedAt", removed_at as "removedAt"'

/** @returns false when the key is some client's already. */
export async function insertClientKey(
  q: Queries,
  clientId: string,
  made: Pick<ClientKeyRow, 'id' | 'thumbprint' | 'jwk'>,
): Promise<boolean> {
  const rows = await q.query({
    text: `insert into client_key (client_id, id, thumbprint, jwk)
           values ($1::text, $2::uuid, $3::bytea, $4::jsonb)
           on conflict (thumbprint) where removed_at is null do nothing returning id`,
    values: [clientId, made.id, made.thumbprint, JSON.stringify(made.jwk)],
  })
  return rows.length === 1
}

/** In order of registration, those removed as well; `after` is the id of the last one of the page before. */
export async function listClientKeys(
  q: Queries,
  clientId: string,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<ClientKeyRow[]> {
  return q.query<ClientKeyRow>({
    text: `select ${COLUMNS} from client_key
            where client_id = $1::text and ($3::uuid is null
               or (added_at, id) > ((select added_at from client_key where id = $3::uuid), $3::uuid))
            order by added_at, id limit $2::int`,
    values: [clientId, query.limit, query.after ?? null],
  })
}

export async function findClientKey(
  q: Queries,
  clientId: string,
  id: string,
): Promise<ClientKeyRow | undefined> {
  const rows = await q.query<ClientKeyRow>({
    text: `select ${COLUMNS} from client_key where client_id = $1::text and id = $2::uuid`,
    values: [clientId, id],
  })
  return rows[0]
}

/** For good: the same key may be registered again, as another row. */
export async function removeClientKey(q: Queries, id: string): Promise<void> {
  await q.query({
    text: 'update client_key set removed_at = now() where id = $1::uuid and removed_at is null',
    values: [id],
  })
}

/** The keys that let a client in. */
export async function clientJwks(q: Queries, clientId: string): Promise<PublicJwk[]> {
  const rows = await q.query<{ jwk: PublicJwk }>({
    name: 'client-keys',
    text: `select jwk from client_key where client_id = $1::text and removed_at is null order by added_at`,
    values: [clientId],
  })
  return rows.map((row) => row.jwk)
}
