import { randomUUID } from 'node:crypto'
import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { byteas, integers, uuids } from './binary.ts'
import type { Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/** An attempt to use occurrences of one authorisation. */
export interface Reservation {
  readonly attempt: string
  readonly authorisationId: string
  readonly instanceId: string
  readonly inputs: readonly Buffer[]
  /** Whether the authorisation names its digests. */
  readonly bound: boolean
  readonly intent: AuditEntry
}

export type ReserveVerdict =
  | 'reserved'
  | 'permit_unknown'
  | 'permit_expired'
  | 'credential_disabled'
  | 'certificate_revoked'
  | 'certificate_expired'
  | 'digest_not_authorised'

// All or nothing for each request. Free occurrences are locked in order (authorisation, digest, position), then dealt to
// the requests of the batch in order; who does not get all that it asked for gets none, and its intent is not written.
const RESERVE = `with asked as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::int[]) with ordinality
      as a(authorisation_id, attempt, start, request)),
  judged as materialized (
    select asked.*, a.bound,
           case when a.expires_at <= now() then 'permit_expired'
                when c.state <> 'enabled' or k.state <> 'enabled' or cl.state <> 'enabled' then 'credential_disabled'
                when ce.state = 'revoked' then 'certificate_revoked'
                when ce.state <> 'issued' or ce.not_before > now() or ce.not_after <= now() then 'certificate_expired'
                else 'live' end as verdict
      from asked
      join authorisation a on a.id = asked.authorisation_id
      join credential c on c.id = a.credential_id
      join key k on k.id = a.key_id and k.id = c.key_id
      join certificate ce on ce.id = c.certificate_id
      join client cl on cl.id = a.client_id and cl.id = c.client_id),
  asking as materialized (
    select w.idx, j.request, j.attempt, j.authorisation_id, j.start,
           case when j.bound then w.digest else ''::bytea end as wants,
           row_number() over (partition by j.authorisation_id, case when j.bound then w.digest else ''::bytea end
                              order by w.idx) as turn
      from unnest($4::int[], $5::bytea[]) with ordinality as w(request, digest, idx)
      join judged j on j.request = w.request where j.verdict = 'live'),
  free as materialized (
    select needed.authorisation_id, needed.wants, f.position,
           row_number() over (partition by needed.authorisation_id, needed.wants order by f.position) as turn
      from (select authorisation_id, wants, max(start) as start, count(*) as occurrences from asking
             group by authorisation_id, wants order by authorisation_id, wants) needed
      cross join lateral (
        select h.position from authorised_hash h
         where h.authorisation_id = needed.authorisation_id and h.digest = needed.wants
           and h.position >= needed.start and h.attempt is null
         order by h.position limit needed.occurrences for update of h) f),
  dealt as (
    select asking.*, free.position from asking left join free using (authorisation_id, wants, turn)),
  whole as (
    select request, attempt, authorisation_id, max(position) as last from dealt
     group by request, attempt, authorisation_id having bool_and(position is not null)),
  taken as (
    update authorised_hash h set attempt = d.attempt
      from dealt d join whole using (request)
     where h.authorisation_id = d.authorisation_id and h.position = d.position and h.attempt is null
    returning h.attempt),
  won as (select attempt, count(*)::int as count from taken group by attempt),
  opened as (
    insert into attempt (id, authorisation_id, instance)
    select won.attempt, whole.authorisation_id, $6::uuid from won join whole using (attempt) returning 1),
  intent as (
    ${AUDIT_INSERT} from ${auditUnnest(7)} join won on won.attempt = entry.signature_id returning 1)
  select j.request::int, coalesce(whole.last, 0) as last, coalesce(won.count, 0) as count,
         case when won.attempt is not null then 'reserved'
              when j.verdict <> 'live' then j.verdict else 'digest_not_authorised' end as verdict
    from judged j left join whole using (request) left join won on won.attempt = j.attempt`

/**
 * Transaction 1 of a signature: each occurrence is taken, the attempt opened, and the audit intent written, durable when
 * this resolves. A request that lost occurrences to a batch-mate, to another replica while it waited for their lock, or
 * to a hint, is asked again alone, for a definite answer.
 */
export const reserve = grouped<Reservation, ReserveVerdict>({
  rows: (item) => item.inputs.length,
  flush: async (db, items) => {
    const hints = hintsOf(db)
    const first = await reserveOnce(db, items, hints)
    const verdicts: ReserveVerdict[] = []
    for (const [index, item] of items.entries()) {
      let verdict = first[index] ?? NOT_FOUND
      if (verdict === 'digest_not_authorised') {
        hints.delete(item.authorisationId)
        verdict = (await reserveOnce(db, [item], hints))[0] ?? NOT_FOUND
      }
      verdicts.push(verdict)
    }
    return verdicts
  },
})

const NOT_FOUND = 'permit_unknown'

/** Authorisations without digests whose first occurrences are known to be taken; a search need not pass them again. */
const MAX_HINTS = 10_000
const allHints = new WeakMap<Queries, Map<string, number>>()

function hintsOf(db: Queries): Map<string, number> {
  const hints = allHints.get(db) ?? new Map<string, number>()
  allHints.set(db, hints)
  for (const oldest of hints.keys()) {
    if (hints.size <= MAX_HINTS) break
    hints.delete(oldest)
  }
  return hints
}

async function reserveOnce(
  db: Queries,
  items: readonly Reservation[],
  hints: Map<string, number>,
): Promise<ReserveVerdict[]> {
  const rows = await db.query<{ request: number; verdict: ReserveVerdict; count: number; last: number }>({
    name: 'authorisation-reserve',
    text: RESERVE,
    values: [
      uuids(items.map((item) => item.authorisationId)),
      uuids(items.map((item) => item.attempt)),
      integers(items.map((item) => (item.bound ? 0 : (hints.get(item.authorisationId) ?? 0)))),
      integers(items.flatMap((item, index) => item.inputs.map(() => index + 1))),
      byteas(items.flatMap((item) => item.inputs)),
      items[0]?.instanceId ?? null,
      ...auditColumns(items.map((item) => item.intent)),
    ],
  })
  const found = new Map(rows.map((row) => [row.request, row]))
  return items.map((item, index) => {
    const row = found.get(index + 1)
    if (row?.verdict !== 'reserved') return row?.verdict ?? NOT_FOUND
    if (row.count !== item.inputs.length) throw new Error('a reservation is whole or not at all')
    if (!item.bound) hints.set(item.authorisationId, Math.max(row.last, hints.get(item.authorisationId) ?? 0))
    return 'reserved'
  })
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
