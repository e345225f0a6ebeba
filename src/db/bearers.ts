import type { Queries } from './database.ts'

/**
 * Gives an authorisation that has none its bearer value.
 * @returns whole seconds that it lives on; undefined when it has expired, was taken back, or has one already
 */
export async function giveBearer(
  q: Queries,
  given: { readonly authorisationId: string; readonly sadHash: Buffer },
): Promise<number | undefined> {
  const rows = await q.query<{ seconds: number }>({
    name: 'authorisation-bearer',
    text: `update authorisation set sad_hash = $2::bytea
            where id = $1::uuid and sad_hash is null and revoked_at is null and client_id is not null
              and expires_at > now() + interval '1 second'
            returning floor(extract(epoch from expires_at - now()))::int as seconds`,
    values: [given.authorisationId, given.sadHash],
  })
  return rows[0]?.seconds
}

/**
 * From now on nothing is signed by it, nor by what it was extended to. Call it in a transaction: an extension under way is
 * waited for, and the second statement sees what it made.
 * @param id what the chain began with
 * @returns the ids of all that was not taken back before
 */
export async function revokeChain(tx: Queries, id: string): Promise<string[]> {
  const values = [id]
  const first = await tx.query<{ id: string }>({
    text: `update authorisation set revoked_at = now() where id = $1::uuid and revoked_at is null returning id`,
    values,
  })
  const others = await tx.query<{ id: string }>({
    text: `update authorisation set revoked_at = now()
            where origin_id = $1::uuid and revoked_at is null returning id`,
    values,
  })
  return [...first, ...others].map((row) => row.id)
}

/** Takes back what a SAD stands for: of a chain, the one that is good. @returns the ids of what was taken back */
export async function revokeSad(
  tx: Queries,
  { sadHash, clientId }: { readonly sadHash: Buffer; readonly clientId: string },
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>({
    text: `update authorisation set revoked_at = now()
            where sad_hash = $1::bytea and client_id = $2::text and revoked_at is null returning id`,
    values: [sadHash, clientId],
  })
  return rows.map((row) => row.id)
}

/** Takes back all that is authorised with a key now: it is replaced, or goes. @returns the ids of what was taken back */
export async function revokeAllOfKey(tx: Queries, keyId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>({
    text: `update authorisation set revoked_at = now()
            where expires_at > now() and key_id = $1::uuid and revoked_at is null returning id`,
    values: [keyId],
  })
  return rows.map((row) => row.id)
}
