import type { AuditEntry } from '../audit.ts'
import { endAsynchronous } from './asynchronousEnds.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest, insertAudit } from './audit.ts'
import { uuids } from './binary.ts'
import type { Database, Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/**
 * Transaction 2 of a signature: the open attempt goes, and its result is written, durable when this resolves. Whoever
 * deletes the attempt decides the outcome: nobody else can write another result.
 * @param item.result with the signatures' hashes; its signatureId is the attempt.
 * @returns false when the attempt was closed meanwhile: then nothing may leave.
 */
export const complete = grouped<Closing, boolean>({
  name: 'authorisation-complete',
  rows: () => 1,
  flush: async (db, items) => {
    const rows = await db.query<{ id: string }>({
      name: 'authorisation-complete',
      text: `with closed as (delete from attempt where id = any($1::uuid[]) returning id),
        result as (
          ${AUDIT_INSERT} from ${auditUnnest(2)} join closed on closed.id = entry.signature_id returning 1)
        select id from closed`,
      values: [uuids(items.map((item) => item.attempt)), ...auditColumns(items.map((item) => item.result))],
    })
    const closed = new Set(rows.map((row) => row.id))
    return items.map((item) => closed.has(item.attempt))
  },
})

export interface Closing {
  readonly attempt: string
  readonly result: AuditEntry
}

/**
 * The token definitely refused: the occurrences are free again. A service's permit, or an authorisation that was
 * extended meanwhile, has nothing to go back to, so its occurrences stay taken.
 */
export async function release(db: Database, { attempt, result }: Closing): Promise<void> {
  await db.transaction(async (tx) => {
    const [closed] = await tx.query<{ authorisationId: string }>({
      text: `delete from attempt where id = $1::uuid returning authorisation_id as "authorisationId"`,
      values: [attempt],
    })
    if (closed === undefined) return
    await freeOccurrences(tx, { attempt, authorisationId: closed.authorisationId })
    await insertAudit(tx, [result])
    await endAsynchronous(tx, { id: attempt, failure: 'operation_failed' })
  })
}

/** What an attempt took, where there is something that it can go back to. */
export async function freeOccurrences(
  q: Queries,
  { attempt, authorisationId }: { readonly attempt: string; readonly authorisationId: string },
): Promise<void> {
  await q.query({
    text: `update authorised_hash h set attempt = null from authorisation a
            where a.id = h.authorisation_id and a.sad_hash is not null
              and h.authorisation_id = $1::uuid and h.attempt = $2::uuid`,
    values: [authorisationId, attempt],
  })
}

/** Nobody knows whether the token signed: the occurrences stay burned for ever. */
export async function closeUnknown(db: Database, { attempt, result }: Closing): Promise<void> {
  await db.transaction(async (tx) => {
    const closed = await tx.query({
      text: `delete from attempt where id = $1::uuid returning id`,
      values: [attempt],
    })
    if (closed.length === 0) return
    await insertAudit(tx, [result])
    await endAsynchronous(tx, { id: attempt, failure: 'operation_failed' })
  })
}

export interface OpenAttempt {
  readonly attempt: string
  readonly keyId: string
  readonly credentialId: string | null
  /** As its intent says. */
  readonly act: string
}

/** What nobody will complete: how it is known. */
export interface Abandoned {
  /** An attempt that is older than any request lives. */
  readonly olderThanS: number
  /** Attempts that this process gave up, and could not close at the time. */
  readonly givenUp: readonly string[]
}

/** Attempts that no living process is at: given up, too old, or their instance's lease ran out. */
export async function openAttempts(q: Queries, { olderThanS, givenUp }: Abandoned): Promise<OpenAttempt[]> {
  return q.query<OpenAttempt>({
    text: `select t.id as attempt, a.key_id as "keyId", a.credential_id as "credentialId",
                  (select n.act from audit n where n.signature_id = t.id and n.kind = 'intent') as act
             from attempt t
             join authorisation a on a.id = t.authorisation_id
             left join instance i on i.id = t.instance and i.lease_until > now()
            where i.id is null or t.reserved_at < now() - $1::int * interval '1 second' or t.id = any($2::uuid[])
            limit 1000`,
    values: [olderThanS, givenUp],
  })
}
