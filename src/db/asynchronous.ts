import type { SchemeName } from '../../hsm/algorithms.ts'
import type { RefusalCode } from '../refusal.ts'
import { endAsynchronous, storeSignatures } from './asynchronousEnds.ts'
import { insertAudit } from './audit.ts'
import { byteas } from './binary.ts'
import { freeOccurrences, type Closing } from './completions.ts'
import type { Database, Queries } from './database.ts'
import { enqueue } from './jobs.ts'
import { reserveAlone, type Reservation, type ReserveVerdict } from './reservations.ts'
import { VERDICT_JOINS, verdictWhere } from './reserveStatements.ts'

/** A job is tried until its authorisation expires, which is an hour after its activation and its chain at most. */
const SIGN_FOR_S = 3 * 3600
/** Results of one client that are kept at a time: with a thousand RSA signatures each, 5 GB. */
export const MAX_KEPT = 10_000

export interface NewAsynchronous {
  readonly reservation: Reservation
  readonly clientId: string
  readonly credentialId: string
  readonly scheme: SchemeName
  /** How long the result is kept. */
  readonly validityMs: number
  readonly responseUri: string | undefined
}

/**
 * Accepts a request in one transaction: its occurrences are taken, the audit intent is written, and its job is there, all
 * durable when this resolves. The attempt that a reservation opens is closed again with it: nobody is at it yet, so that
 * nobody's death ends it.
 */
export async function acceptAsynchronous(
  db: Database,
  made: NewAsynchronous,
): Promise<ReserveVerdict | 'too_many'> {
  const { attempt: id, authorisationId, inputs } = made.reservation
  return db.transaction(async (tx) => {
    if (await hasTooMany(tx, made.clientId)) return 'too_many'
    const verdict = await reserveAlone(tx, made.reservation)
    if (verdict !== 'reserved') return verdict
    await tx.query({
      name: 'asynchronous-accept',
      text: `with closed as (delete from attempt where id = $1::uuid)
             insert into asynchronous_signature
               (id, client_id, credential_id, authorisation_id, scheme, inputs, validity_ms, response_uri)
             values ($1::uuid, $2::text, $3::text, $4::uuid, $5::text, $6::bytea[], $7::int, $8::text)`,
      values: [
        id,
        made.clientId,
        made.credentialId,
        authorisationId,
        made.scheme,
        byteas(inputs),
        made.validityMs,
        made.responseUri ?? null,
      ],
    })
    await enqueue(tx, { kind: 'signature', lane: made.clientId, payload: { id }, giveUpAfterS: SIGN_FOR_S })
    return verdict
  })
}

async function hasTooMany(q: Queries, clientId: string): Promise<boolean> {
  const rows = await q.query({
    name: 'asynchronous-count',
    text: 'select 1 from asynchronous_signature where client_id = $1::text offset $2::int limit 1',
    values: [clientId, MAX_KEPT - 1],
  })
  return rows.length > 0
}

/** A request that waits to be signed. */
export interface Accepted {
  readonly id: string
  readonly clientId: string
  readonly credentialId: string
  readonly authorisationId: string
  readonly scheme: SchemeName
  readonly inputs: readonly Buffer[]
}

/** @returns undefined where somebody is at it, or it has ended */
export async function findAccepted(q: Queries, id: string): Promise<Accepted | undefined> {
  const rows = await q.query<Accepted>({
    name: 'asynchronous-accepted',
    text: `select id, client_id as "clientId", credential_id as "credentialId",
                  authorisation_id as "authorisationId", scheme, inputs
             from asynchronous_signature where id = $1::uuid and state = 'accepted'`,
    values: [id],
  })
  return rows[0]
}

export type BeginVerdict = Exclude<ReserveVerdict, 'reserved' | 'digest_not_authorised'> | 'begun' | 'gone'

/**
 * Opens the attempt of an accepted request, durable before the token is asked, if its authorisation may still be used by
 * the database's clock. What may not be used any more ends here, and what it had taken is free again.
 * @param closing.result for the audit log, where it ends. @returns 'gone' where another process is at it, or it has ended
 */
export async function beginAsynchronous(
  db: Database,
  { attempt, result, instanceId }: Closing & { readonly instanceId: string },
): Promise<BeginVerdict> {
  return db.transaction(async (tx) => {
    const [judged] = await tx.query<{ authorisationId: string; verdict: BeginVerdict | 'live' }>({
      name: 'asynchronous-judge',
      text: `select a.id as "authorisationId", ${verdictWhere('a.revoked_at is not null')} as verdict
               from asynchronous_signature s join authorisation a on a.id = s.authorisation_id
               ${VERDICT_JOINS}
              where s.id = $1::uuid and s.state = 'accepted' for update of s`,
      values: [attempt],
    })
    if (judged === undefined) return 'gone'
    const { authorisationId, verdict } = judged
    if (verdict === 'live') {
      await open(tx, { attempt, authorisationId, instanceId })
      return 'begun'
    }
    await freeOccurrences(tx, { attempt, authorisationId })
    await insertAudit(tx, [result])
    await endAsynchronous(tx, { id: attempt, failure: verdict as RefusalCode })
    return verdict
  })
}

async function open(
  tx: Queries,
  of: { readonly attempt: string; readonly authorisationId: string; readonly instanceId: string },
): Promise<void> {
  await tx.query({
    name: 'asynchronous-begin',
    text: `with opened as (
             insert into attempt (id, authorisation_id, instance) values ($1::uuid, $2::uuid, $3::uuid) returning id)
           update asynchronous_signature s set state = 'begun' from opened where s.id = opened.id`,
    values: [of.attempt, of.authorisationId, of.instanceId],
  })
}

/** Transaction 2 of its signature: as complete() in completions.ts, with the result for the client, and its notification. */
export async function completeAsynchronous(
  db: Database,
  { attempt, result, signatures }: Closing & { readonly signatures: readonly Buffer[] },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await closeAttempt(tx, attempt))) return false
    await insertAudit(tx, [result])
    await storeSignatures(tx, { id: attempt, signatures })
    return true
  })
}

/** The token definitely signed nothing, and may later: the request waits again, with what it has taken. */
export async function postpone(db: Database, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await closeAttempt(tx, id))) return
    await tx.query({
      text: `update asynchronous_signature set state = 'accepted' where id = $1::uuid and state = 'begun'`,
      values: [id],
    })
  })
}

/** Whoever deletes an attempt decides what becomes of it. */
async function closeAttempt(tx: Queries, id: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'delete from attempt where id = $1::uuid returning id',
    values: [id],
  })
  return rows.length === 1
}

/** What has become of a request. */
export interface Outcome {
  readonly state: 'accepted' | 'begun' | 'signed' | 'failed'
  readonly credentialId: string
  readonly personId: string
  readonly scheme: SchemeName
  readonly signatures: readonly Buffer[] | null
  readonly failure: RefusalCode | null
}

/** By the client that made it, until its result expires. */
export async function findOutcome(
  q: Queries,
  { id, clientId }: { readonly id: string; readonly clientId: string },
): Promise<Outcome | undefined> {
  const rows = await q.query<Outcome>({
    name: 'asynchronous-outcome',
    text: `select s.state, s.credential_id as "credentialId", c.person_id as "personId", s.scheme, s.signatures, s.failure
             from asynchronous_signature s join credential c on c.id = s.credential_id
            where s.id = $1::uuid and s.client_id = $2::text and (s.expires_at is null or s.expires_at > now())`,
    values: [id, clientId],
  })
  return rows[0]
}

/**
 * Erases results that have expired, and ends requests whose attempt was closed by a binary that knew nothing of them.
 */
export async function tidyAsynchronous(db: Database): Promise<void> {
  await db.query({ text: 'delete from asynchronous_signature where expires_at <= now()' })
  await db.transaction(async (tx) => {
    const orphans = await tx.query<{ id: string }>({
      text: `select s.id from asynchronous_signature s
              where s.state = 'begun' and not exists (select from attempt t where t.id = s.id) for update of s`,
    })
    for (const { id } of orphans) await endAsynchronous(tx, { id, failure: 'operation_failed' })
  })
}
