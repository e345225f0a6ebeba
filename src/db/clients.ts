import type { Queries } from './database.ts'

/** A customer's system: an OAuth client. */
export interface ClientRow {
  readonly id: string
  readonly name: string
  readonly state: 'enabled' | 'disabled'
  /** The secret is derived over (id, version); another version is another secret. */
  readonly secretVersion: number
  /** What it is let in by. */
  readonly authentication: 'secret' | 'certificate' | 'key'
  /** Where authorization codes may be sent; compared as strings (RFC 6749, 3.1.2.3). */
  readonly redirectUris: readonly string[]
  /** Where it may be notified: addresses, and with a / at the end all below them. */
  readonly responseUris: readonly string[]
  /** Authorization requests that the client did not push itself are refused (RFC 9126, 5). */
  readonly requirePushed: boolean
  /** How many credentials one person may have before the client can have no more made; 0: it can have none made. */
  readonly creationLimit: number
  readonly createdAt: Date
}

const COLUMNS = `id, name, state, secret_version as "secretVersion", authentication, redirect_uris as "redirectUris",
  response_uris as "responseUris", require_pushed as "requirePushed", creation_limit as "creationLimit",
  created_at as "createdAt"`

/** @returns false when the id is taken. */
export async function insertClient(
  q: Queries,
  client: Pick<ClientRow, 'id' | 'name' | 'redirectUris' | 'requirePushed'>,
): Promise<boolean> {
  const rows = await q.query({
    text: `insert into client (id, name, redirect_uris, require_pushed)
           values ($1::text, $2::text, $3::text[], $4::boolean) on conflict (id) do nothing returning id`,
    values: [client.id, client.name, client.redirectUris, client.requirePushed],
  })
  return rows.length === 1
}

export async function findClient(q: Queries, id: string): Promise<ClientRow | undefined> {
  const rows = await q.query<ClientRow>({
    name: 'client-find',
    text: `select ${COLUMNS} from client where id = $1::text`,
    values: [id],
  })
  return rows[0]
}

/** In order of id; `after` is the id of the last client of the page before. */
export async function listClients(
  q: Queries,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<ClientRow[]> {
  return q.query<ClientRow>({
    text: `select ${COLUMNS} from client where $2::text is null or id > $2::text order by id limit $1::int`,
    values: [query.limit, query.after ?? null],
  })
}

/** A disabled client gets no tokens, and those it has are refused. */
export async function setClientState(q: Queries, id: string, state: ClientRow['state']): Promise<void> {
  await q.query({
    text: `update client set state = $2::text where id = $1::text`,
    values: [id, state],
  })
}

/** Replaces the list. */
export async function setRedirectUris(q: Queries, id: string, uris: readonly string[]): Promise<void> {
  await q.query({
    text: `update client set redirect_uris = $2::text[] where id = $1::text`,
    values: [id, uris],
  })
}

/** Replaces the list. */
export async function setResponseUris(q: Queries, id: string, uris: readonly string[]): Promise<void> {
  await q.query({
    text: `update client set response_uris = $2::text[] where id = $1::text`,
    values: [id, uris],
  })
}

export async function setRequirePushed(q: Queries, id: string, required: boolean): Promise<void> {
  await q.query({
    text: `update client set require_pushed = $2::boolean where id = $1::text`,
    values: [id, required],
  })
}

export async function setCreationLimit(q: Queries, id: string, limit: number): Promise<void> {
  await q.query({
    text: `update client set creation_limit = $2::int where id = $1::text`,
    values: [id, limit],
  })
}

/** From now on the client is let in by certificates that are registered, and by nothing else. */
export async function requireClientCertificate(q: Queries, id: string): Promise<void> {
  await q.query({
    text: `update client set authentication = 'certificate' where id = $1::text`,
    values: [id],
  })
}

/**
 * From now on the client is let in by what it signs with keys that are registered, and by nothing else. What it got by
 * another way is gone. Call it in a transaction.
 */
export async function requireClientKey(tx: Queries, id: string): Promise<void> {
  const rows = await tx.query<Pick<ClientRow, 'authentication'>>({
    text: `update client set authentication = 'key'
             from (select id, authentication from client where id = $1::text for update) was
            where client.id = was.id returning was.authentication`,
    values: [id],
  })
  if (rows[0]?.authentication === 'key') return
  await tx.query({ text: `delete from oauth_object where client_id = $1::text`, values: [id] })
}

/** From now on the client has another secret, and its tokens are gone: they may be in the hands that the secret was in. */
export async function rotateClientSecret(q: Queries, id: string): Promise<void> {
  await q.query({
    text: `with gone as (delete from oauth_object where client_id = $1::text)
           update client set secret_version = secret_version + 1, authentication = 'secret' where id = $1::text`,
    values: [id],
  })
}
