import { randomUUID } from 'node:crypto'
import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { byteas, integers, uuids } from './binary.ts'
import { sqlState, type Queries, type Statement } from './database.ts'
import { grouped } from './groupCommit.ts'
import { dealerOf } from './occurrences.ts'
import { KEY_SEARCH, KEY_TAKE, SEARCH, TAKE } from './reserveStatements.ts'

/** An attempt to use occurrences of one authorisation. */
export interface Reservation {
  readonly attempt: string
  readonly authorisationId: string
  readonly instanceId: string
  readonly inputs: readonly Buffer[]
  /** Every digest that the authorisation names, in its order; undefined where it names none. */
  readonly named: readonly Buffer[] | undefined
  readonly intent: AuditEntry
}

export type ReserveVerdict =
  | 'reserved'
  | 'permit_unknown'
  | 'permit_expired'
  | 'credential_disabled'
  | 'certificate_revoked'
  | 'certificate_suspended'
  | 'certificate_expired'
  | 'digest_not_authorised'

/** SQLSTATE of a division by zero: see TAKE. */
const RACED = '22012'

interface Statements {
  readonly take: Omit<Statement, 'values'>
  readonly search: Omit<Statement, 'values'>
}

const WITH_CREDENTIAL: Statements = {
  take: { name: 'authorisation-reserve', text: TAKE, answers: [RACED] },
  search: { name: 'authorisation-search', text: SEARCH },
}
const WITH_KEY: Statements = {
  take: { name: 'authorisation-reserve-key', text: KEY_TAKE, answers: [RACED] },
  search: { name: 'authorisation-search-key', text: KEY_SEARCH },
}

/**
 * Transaction 1 of a signature: each occurrence is taken, the attempt opened, and the audit intent written, durable when
 * this resolves. A request that did not get the occurrences it was dealt is asked again alone, for a definite answer.
 */
export const reserve = reserving('authorisation-reserve', WITH_CREDENTIAL)

/** The same for authorisations without a credential. */
export const reserveWithKey = reserving('authorisation-reserve-key', WITH_KEY)

function reserving(name: string, statements: Statements) {
  return grouped<Reservation, ReserveVerdict>({
    name,
    rows: (item) => item.inputs.length,
    flush: async (db, items) => {
      const verdicts = await take(db, items, statements.take)
      for (const [index, item] of items.entries()) {
        if (verdicts[index] !== 'digest_not_authorised') continue
        verdicts[index] = (await ask(db, [item], statements.search))[0] ?? 'permit_unknown'
      }
      return verdicts
    },
  })
}

/** The same for one request, in the caller's transaction. */
export async function reserveAlone(q: Queries, item: Reservation): Promise<ReserveVerdict> {
  const [verdict] = await ask(q, [item], WITH_CREDENTIAL.search)
  return verdict ?? 'permit_unknown'
}

/** Where another replica took an occurrence while the statement ran, nothing was written, and each is asked alone. */
async function take(
  db: Queries,
  items: readonly Reservation[],
  statement: Omit<Statement, 'values'>,
): Promise<ReserveVerdict[]> {
  return ask(db, items, statement).catch((error: unknown) => {
    if (sqlState(error) !== RACED) throw error
    return items.map((): ReserveVerdict => 'digest_not_authorised')
  })
}

async function ask(
  db: Queries,
  items: readonly Reservation[],
  statement: Omit<Statement, 'values'>,
): Promise<ReserveVerdict[]> {
  const rows = await db.query<{ request: number; verdict: ReserveVerdict }>({
    ...statement,
    values: [
      integers(items.flatMap((item, index) => item.inputs.map(() => index + 1))),
      integers(dealerOf(db).deal(items)),
      byteas(items.flatMap((item) => item.inputs)),
      items[0]?.instanceId ?? null,
      uuids(items.map((item) => item.authorisationId)),
      uuids(items.map((item) => item.attempt)),
      ...auditColumns(items.map((item) => item.intent)),
    ],
  })
  const found = new Map(rows.map((row) => [row.request, row.verdict]))
  return items.map((_, index) => found.get(index + 1) ?? 'permit_unknown')
}

/** A service's own rule: its authorisation and occurrences come into being already taken. */
export interface ServiceReservation {
  readonly attempt: string
  readonly keyId: string
  readonly instanceId: string
  /** What is recorded of each input: its SHA-256. */
  readonly digests: readonly Buffer[]
  readonly intent: AuditEntry
}

/** Minutes after which a service's permit is dead: it is redeemed at once or not at all. */
const SERVICE_PERMIT_MINUTES = 1

/** @returns false when the key does not serve any more. */
export const reserveForService = grouped<ServiceReservation, boolean>({
  name: 'authorisation-service',
  rows: (item) => item.digests.length,
  flush: async (db, items) => {
    const ids = items.map(() => randomUUID())
    const rows = await db.query<{ attempt: string }>({
      name: 'authorisation-service',
      text: `with asked as (
          select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) as a(id, attempt, key_id, count)),
        made as (
          insert into authorisation (id, key_id, bound, count, expires_at)
          select asked.id, asked.key_id, true, asked.count, now() + interval '${SERVICE_PERMIT_MINUTES} minute'
            from asked join key k on k.id = asked.key_id and k.state = 'enabled'
          returning id),
        opened as (
          insert into attempt (id, authorisation_id, instance)
          select asked.attempt, asked.id, $5::uuid from asked join made using (id) returning id),
        taken as (
          insert into authorised_hash (authorisation_id, position, digest, attempt)
          select given.id, given.position, given.digest, asked.attempt
            from unnest($6::uuid[], $7::int[], $8::bytea[]) as given(id, position, digest)
            join made using (id) join asked using (id)
          returning 1),
        intent as (
          ${AUDIT_INSERT} from ${auditUnnest(9)} join opened on opened.id = entry.signature_id returning 1)
        select id as attempt from opened`,
      values: [
        uuids(ids),
        uuids(items.map((item) => item.attempt)),
        uuids(items.map((item) => item.keyId)),
        integers(items.map((item) => item.digests.length)),
        items[0]?.instanceId ?? null,
        uuids(items.flatMap((item, index) => item.digests.map(() => ids[index] ?? ''))),
        integers(items.flatMap((item) => item.digests.map((_, position) => position + 1))),
        byteas(items.flatMap((item) => item.digests)),
        ...auditColumns(items.map((item) => item.intent)),
      ],
    })
    const opened = new Set(rows.map((row) => row.attempt))
    return items.map((item) => opened.has(item.attempt))
  },
})
