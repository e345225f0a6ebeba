import { sqlState, type Queries } from './database.ts'

/** Seconds for which a request may be sent again: a day, as clients' queues have it. */
const REMEMBERED_S = 86_400
/** Each new one takes this many expired ones with it, and one of its own name, so that the table never needs a sweep. */
const SWEPT_PER_INSERT = 10
/** SQLSTATE of a unique constraint that says no. */
const TAKEN = '23505'

export interface IdempotentRequest {
  readonly clientId: string
  /** SHA-256 of the Idempotency-Key. */
  readonly nameHash: Buffer
  /** SHA-256 of what was asked, without its secrets. */
  readonly requestHash: Buffer
}

/** What a name was used for before. */
export async function findIdempotent(
  q: Queries,
  { clientId, nameHash }: Pick<IdempotentRequest, 'clientId' | 'nameHash'>,
): Promise<{ readonly requestHash: Buffer; readonly id: string } | undefined> {
  const rows = await q.query<{ requestHash: Buffer; id: string }>({
    text: `select r.request_hash as "requestHash", h.id from idempotent_request r join holder_key h using (key_id)
            where r.client_id = $1::text and r.name_hash = $2::bytea and r.expires_at > now()`,
    values: [clientId, nameHash],
  })
  return rows[0]
}

/** @returns false where another request with this name was faster; the transaction is then void */
export async function insertIdempotent(
  tx: Queries,
  made: IdempotentRequest & { readonly keyId: string },
): Promise<boolean> {
  try {
    await tx.query({
      text: `with expired as (
          select client_id, name_hash from idempotent_request where expires_at < now()
           order by expires_at limit ${SWEPT_PER_INSERT} for update skip locked)
        delete from idempotent_request r
         where (r.client_id = $1::text and r.name_hash = $2::bytea and r.expires_at <= now())
            or (r.client_id, r.name_hash) in (select client_id, name_hash from expired)`,
      values: [made.clientId, made.nameHash],
    })
    await tx.query({
      text: `insert into idempotent_request (client_id, name_hash, request_hash, key_id, expires_at)
             values ($1::text, $2::bytea, $3::bytea, $4::uuid, now() + interval '${REMEMBERED_S} seconds')`,
      values: [made.clientId, made.nameHash, made.requestHash, made.keyId],
      answers: [TAKEN],
    })
    return true
  } catch (error) {
    if (sqlState(error) === TAKEN) return false
    throw error
  }
}
