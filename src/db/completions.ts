import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest, insertAudit } from './audit.ts'
import type { Database, Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

export interface Completion {
  readonly attempt: string
  readonly authorisationId: string
  readonly positions: readonly number[]
  /** SHA-256 of each signature, in the order of the positions. */
  readonly signatureHashes: readonly Buffer[]
  readonly result: AuditEntry
}

/**
 * Transaction 2 of a signature: RESERVED → CONSUMED and the audit result, durable when this resolves.
 * @returns false when the attempt was closed meanwhile: then nothing may leave.
 */
export const complete = grouped<Completion, boolean>({
  rows: (item) => item.positions.length,
  flush: async (db, items) => {
    const rows = await db.query<{ attempt: string }>({
      name: 'authorisation-complete',
      text: `with closing as materialized (
          select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::bytea[])
            as c(attempt, authorisation_id, position, signature_hash)),
        locked as materialized (
          select h.authorisation_id, h.position from authorised_hash h join closing c using (authorisation_id, position)
           where h.state = 'RESERVED' and h.attempt = c.attempt
           order by h.authorisation_id, h.position for update of h),
        whole as (
          select c.attempt from closing c left join locked l using (authorisation_id, position)
           group by c.attempt having bool_and(l.position is not null)),
        consumed as (
          update authorised_hash h set state = 'CONSUMED', signature_hash = c.signature_hash
            from closing c join whole using (attempt)
           where h.authorisation_id = c.authorisation_id and h.position = c.position
          returning 1),
        result as (
          ${AUDIT_INSERT} from ${auditUnnest(5)} join whole on whole.attempt = entry.signature_id returning 1)
        select attempt from whole`,
      values: [
        items.flatMap((item) => item.positions.map(() => item.attempt)),
        items.flatMap((item) => item.positions.map(() => item.authorisationId)),
        items.flatMap((item) => item.positions),
        items.flatMap((item) => item.signatureHashes),
        ...auditColumns(items.map((item) => item.result)),
      ],
    })
    const done = new Set(rows.map((row) => row.attempt))
    return items.map((item) => done.has(item.attempt))
  },
})

/** The token definitely refused: the occurrences are free again. A service's permit has nothing to go back to. */
export async function release(db: Database, attempt: string, result: AuditEntry): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query({
      text: `update authorised_hash h set state = case when a.sad_hash is null then 'UNKNOWN' else 'AUTHORIZED' end,
                    attempt = null, instance = null, reserved_at = null
               from authorisation a
              where a.id = h.authorisation_id and h.attempt = $1::uuid and h.state = 'RESERVED' returning 1`,
      values: [attempt],
    })
    if (rows.length > 0) await insertAudit(tx, [result])
  })
}

/** Nobody knows whether the token signed: the occurrences stay burned for ever. */
export async function closeUnknown(db: Database, attempt: string, result: AuditEntry): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query({
      text: `update authorised_hash set state = 'UNKNOWN' where attempt = $1::uuid and state = 'RESERVED' returning 1`,
      values: [attempt],
    })
    if (rows.length > 0) await insertAudit(tx, [result])
  })
}

export interface OpenAttempt {
  readonly attempt: string
  readonly keyId: string
  readonly credentialId: string | null
}

/**
 * Attempts that no living process is at: their instance's lease ran out, or they are older than any request lives.
 */
export async function openAttempts(q: Queries, olderThanS: number): Promise<OpenAttempt[]> {
  return q.query<OpenAttempt>({
    text: `select distinct h.attempt, a.key_id as "keyId", a.credential_id as "credentialId"
             from authorised_hash h
             join authorisation a on a.id = h.authorisation_id
             left join instance i on i.id = h.instance and i.lease_until > now()
            where h.state = 'RESERVED'
              and (i.id is null or h.reserved_at < now() - $1::int * interval '1 second')
            limit 1000`,
    values: [olderThanS],
  })
}
