import { randomUUID } from 'node:crypto'
import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import type { Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/** An attempt to use occurrences of one authorisation. */
export interface Reservation {
  readonly attempt: string
  readonly authorisationId: string
  readonly instanceId: string
  readonly inputs: readonly Buffer[]
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

export interface Reserved {
  readonly verdict: ReserveVerdict
  /** Which occurrence each input won, in the order of the inputs. */
  readonly positions: readonly number[]
}

// All or nothing for each request. Free occurrences are locked in order (authorisation, digest, position), then dealt to
// the requests of the batch in order; who does not get all that it asked for gets none, and its intent is not written.
const RESERVE = `with wanted as materialized (
    select * from unnest($1::int[], $2::uuid[], $3::uuid[], $4::bytea[], $5::int[])
      as w(request, authorisation_id, attempt, digest, idx)),
  judged as materialized (
    select asked.request, asked.authorisation_id, asked.attempt, a.bound,
           case when a.expires_at <= now() then 'permit_expired'
                when c.state <> 'enabled' or k.state <> 'enabled' or cl.state <> 'enabled' then 'credential_disabled'
                when ce.state = 'revoked' then 'certificate_revoked'
                when ce.state <> 'issued' or ce.not_before > now() or ce.not_after <= now() then 'certificate_expired'
                else 'live' end as verdict
      from (select distinct request, authorisation_id, attempt from wanted) asked
      join authorisation a on a.id = asked.authorisation_id
      join credential c on c.id = a.credential_id
      join key k on k.id = a.key_id and k.id = c.key_id
      join certificate ce on ce.id = c.certificate_id
      join client cl on cl.id = a.client_id and cl.id = c.client_id),
  asking as (
    select w.request, w.attempt, w.idx, w.authorisation_id, w.digest,
           case when j.bound then w.digest else ''::bytea end as wants,
           row_number() over (partition by w.authorisation_id, case when j.bound then w.digest else ''::bytea end
                              order by w.request, w.idx) as turn
      from wanted w join judged j using (request) where j.verdict = 'live'),
  free as materialized (
    select needed.authorisation_id, needed.wants, f.position,
           row_number() over (partition by needed.authorisation_id, needed.wants order by f.position) as turn
      from (select authorisation_id, wants, count(*) as occurrences from asking
             group by authorisation_id, wants order by authorisation_id, wants) needed
      cross join lateral (
        select h.position from authorised_hash h
         where h.authorisation_id = needed.authorisation_id and h.digest = needed.wants and h.state = 'AUTHORIZED'
         order by h.position limit needed.occurrences for update of h) f),
  dealt as (
    select asking.*, free.position from asking left join free using (authorisation_id, wants, turn)),
  whole as (select request from dealt group by request having bool_and(position is not null)),
  reserved as (
    update authorised_hash h
       set state = 'RESERVED', attempt = d.attempt, instance = $6::uuid, digest = d.digest, reserved_at = now()
      from dealt d join whole using (request)
     where h.authorisation_id = d.authorisation_id and h.position = d.position and h.state = 'AUTHORIZED'
    returning h.attempt, d.idx, h.position),
  won as (select attempt, array_agg(position order by idx) as positions from reserved group by attempt),
  intent as (
    ${AUDIT_INSERT} from ${auditUnnest(7)} join won on won.attempt = entry.signature_id returning 1)
  select j.request, won.positions, case when won.attempt is not null then 'reserved'
              when j.verdict <> 'live' then j.verdict else 'digest_not_authorised' end as verdict
    from judged j left join won using (attempt)`

/**
 * Transaction 1 of a signature: AUTHORIZED → RESERVED for each occurrence, and the audit intent, durable when this
 * resolves. A request that lost occurrences to a batch-mate, or to another replica while it waited for their lock, is
 * asked again alone, for a definite answer.
 */
export const reserve = grouped<Reservation, Reserved>({
  rows: (item) => item.inputs.length,
  flush: async (db, items) => {
    const first = await reserveOnce(db, items)
    const verdicts: Reserved[] = []
    for (const [index, item] of items.entries()) {
      const verdict = first[index] ?? NOT_FOUND
      const mayHaveLost = verdict.verdict === 'digest_not_authorised'
      verdicts.push(mayHaveLost ? ((await reserveOnce(db, [item]))[0] ?? NOT_FOUND) : verdict)
    }
    return verdicts
  },
})

const NOT_FOUND: Reserved = { verdict: 'permit_unknown', positions: [] }

async function reserveOnce(db: Queries, items: readonly Reservation[]): Promise<Reserved[]> {
  const wanted = items.flatMap((item, request) =>
    item.inputs.map((digest, idx) => ({ item, request, digest, idx })),
  )
  const rows = await db.query<{ request: number; verdict: ReserveVerdict; positions: number[] | null }>({
    name: 'authorisation-reserve',
    text: RESERVE,
    values: [
      wanted.map((w) => w.request),
      wanted.map((w) => w.item.authorisationId),
      wanted.map((w) => w.item.attempt),
      wanted.map((w) => w.digest),
      wanted.map((w) => w.idx),
      items[0]?.instanceId ?? null,
      ...auditColumns(items.map((item) => item.intent)),
    ],
  })
  const verdicts = new Map(rows.map((row) => [row.request, row]))
  return items.map((item, request) => {
    const row = verdicts.get(request)
    const positions = row?.positions ?? []
    if (row?.verdict === 'reserved' && positions.length !== item.inputs.length) {
      throw new Error('a reservation is whole or not at all')
    }
    return { verdict: row?.verdict ?? 'permit_unknown', positions }
  })
}

/** A service's own rule: its authorisation and occurrences come into being already RESERVED. */
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

/** @returns the authorisation's id, or undefined when the key does not serve any more. */
export const reserveForService = grouped<ServiceReservation, string | undefined>({
  rows: (item) => item.digests.length,
  flush: async (db, items) => {
    const ids = items.map(() => randomUUID())
    const rows = await db.query<{ id: string }>({
      name: 'authorisation-service',
      text: `with asked as (
          select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) as a(id, attempt, key_id, count)),
        made as (
          insert into authorisation (id, key_id, bound, count, expires_at)
          select asked.id, asked.key_id, true, asked.count, now() + interval '${SERVICE_PERMIT_MINUTES} minute'
            from asked join key k on k.id = asked.key_id and k.state = 'enabled'
          returning id),
        reserved as (
          insert into authorised_hash (authorisation_id, position, digest, state, attempt, instance, reserved_at)
          select given.id, given.position, given.digest, 'RESERVED', asked.attempt, $5::uuid, now()
            from unnest($6::uuid[], $7::int[], $8::bytea[]) as given(id, position, digest)
            join made using (id) join asked using (id)
          returning 1),
        intent as (
          ${AUDIT_INSERT} from ${auditUnnest(9)}
            join asked on asked.attempt = entry.signature_id join made on made.id = asked.id returning 1)
        select id from made`,
      values: [
        ids,
        items.map((item) => item.attempt),
        items.map((item) => item.keyId),
        items.map((item) => item.digests.length),
        items[0]?.instanceId ?? null,
        items.flatMap((item, index) => item.digests.map(() => ids[index])),
        items.flatMap((item) => item.digests.map((_, position) => position + 1)),
        items.flatMap((item) => item.digests),
        ...auditColumns(items.map((item) => item.intent)),
      ],
    })
    const made = new Set(rows.map((row) => row.id))
    return ids.map((id) => (made.has(id) ? id : undefined))
  },
})
