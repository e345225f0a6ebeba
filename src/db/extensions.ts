import type { Queries } from './database.ts'
import { one } from './database.ts'

/** What an authorisation has left. */
export interface Unused {
  /** Of each free occurrence, in order; empty where digests are not named. */
  readonly digests: readonly Buffer[]
  /** How often its chain was extended. */
  readonly extensions: number
  /** The database's clock, in ms. */
  readonly now: number
}

export async function findUnused(
  q: Queries,
  of: { readonly authorisationId: string; readonly originId: string },
): Promise<Unused> {
  const rows = await q.query<{ digests: Buffer[]; extensions: number; now: string }>({
    text: `select coalesce(array_agg(digest order by position), '{}') as digests,
                  (select count(*)::int from authorisation where origin_id = $2::uuid) as extensions,
                  (extract(epoch from now()) * 1000)::bigint as now
             from authorised_hash where authorisation_id = $1::uuid and attempt is null`,
    values: [of.authorisationId, of.originId],
  })
  const { now, ...left } = one(rows)
  return { ...left, now: Number(now) }
}

export interface Ending {
  readonly hash: Buffer
  readonly authorisationId: string
  /** What its chain began with; itself, where it was not extended. */
  readonly originId: string
  readonly successor: string
}

/**
 * Ends a SAD, and takes what its authorisation has left for the one that replaces it. Part of the transaction that stores
 * the other one.
 * @returns the digests of what was taken, in order; undefined when the SAD stands for nothing any more, was taken back, or
 * has expired
 */
export async function takeOver(tx: Queries, sad: Ending): Promise<Buffer[] | undefined> {
  if (sad.originId !== sad.authorisationId && !(await isOriginGood(tx, sad.originId))) return undefined
  // Whoever comes second waits at this row, and then finds the hash gone.
  const ended = await tx.query({
    text: `update authorisation set sad_hash = null
            where id = $1::uuid and sad_hash = $2::bytea and revoked_at is null and expires_at > now()
            returning id`,
    values: [sad.authorisationId, sad.hash],
  })
  if (ended.length === 0) return undefined
  // An occurrence that a signature takes meanwhile is waited for, and is then its own; one that is taken here fails the
  // signature that tried it.
  const taken = await tx.query<{ digest: Buffer; position: number }>({
    text: `with free as (
        select position from authorised_hash where authorisation_id = $1::uuid and attempt is null
         order by position for update)
      update authorised_hash h set attempt = $2::uuid from free
       where h.authorisation_id = $1::uuid and h.position = free.position
      returning h.digest, h.position`,
    values: [sad.authorisationId, sad.successor],
  })
  return taken.toSorted((a, b) => a.position - b.position).map(({ digest }) => digest)
}

/** Who takes a chain back begins with this row: it waits for us, and then finds what we store, or we find it taken back. */
async function isOriginGood(tx: Queries, originId: string): Promise<boolean> {
  const rows = await tx.query({
    text: `select id from authorisation where id = $1::uuid and revoked_at is null for share`,
    values: [originId],
  })
  return rows.length > 0
}
