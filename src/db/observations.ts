import { MAX_FAILURES, MAX_FAILURES_OF_ALL } from './attempts.ts'
import { one, type Queries } from './database.ts'
import { takeBacklog, type Backlog } from './jobs.ts'
import { listHealth, type ListHealth } from './publishedLists.ts'
import { statusHealth, type StatusHealth } from './statusPublications.ts'

/** What Postgres knows of the service's health, all of it found without reading a table whole. */
export interface Observation {
  /** The database's clock, milliseconds since 1970. */
  readonly now: number
  /** Attempts to sign that are under way or were left behind, of all replicas. */
  readonly openAttempts: number
  /** Seconds; null: there is none. */
  readonly oldestAttemptAge: number | null
  /** As the statistics have it: exact after each (auto)analyze; -1 before the first. */
  readonly auditRows: number
  /** Seconds since the oldest and the newest row were recorded; null: there is none. */
  readonly oldestAuditAge: number | null
  readonly newestAuditAge: number | null
}

export async function observe(q: Queries): Promise<Observation> {
  const row = one(
    await q.query<Omit<Observation, 'now'> & { now: string }>({
      name: 'observe',
      text: `select (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
               (select count(*) from attempt)::int as "openAttempts",
               (select extract(epoch from now() - min(reserved_at)) from attempt)::float8 as "oldestAttemptAge",
               (select reltuples from pg_class where oid = 'audit'::regclass)::float8 as "auditRows",
               (select extract(epoch from now() - min(recorded_at)) from audit)::float8 as "oldestAuditAge",
               (select extract(epoch from now() - max(recorded_at)) from audit)::float8 as "newestAuditAge"`,
    }),
  )
  return { ...row, now: Number(row.now) }
}

/** What changes slowly and takes a look at whole tables. */
export interface Inventory {
  /** Keys that were not destroyed. */
  readonly keys: readonly { readonly serial: string; readonly count: number }[]
  /** Clients' accesses to keys that wait for an operator to unlock them. */
  readonly locked: number
  /** By kind; none of a kind that has nothing to do. */
  readonly jobs: readonly Backlog[]
  /** Authorities whose certificates are valid. */
  readonly authorities: readonly { readonly profile: string; readonly notAfter: Date }[]
  readonly lists: ListHealth
  /** Status lists of W3C credentials. */
  readonly statuses: StatusHealth
}

export async function takeInventory(q: Queries): Promise<Inventory> {
  const keys = await q.query<{ serial: string; count: number }>({
    text: `select token_serial as serial, count(*)::int as count from key where state <> 'destroyed' group by 1`,
  })
  const { locked } = one(
    await q.query<{ locked: number }>({
      // Keys of the key service make their clients wait; only the ceiling over all of them locks one.
      text: `select (select count(*) from activation_attempt a
                      where failures >= $1::int and not exists (select from holder_key where key_id = a.key_id))::int
                  + (select count(*) from activation_total t
                      where failures >= $2::int and exists (select from holder_key where key_id = t.key_id))::int as locked`,
      values: [MAX_FAILURES, MAX_FAILURES_OF_ALL],
    }),
  )
  // By way of the few keys that authorities have, not through all certificates.
  const authorities = await q.query<{ profile: string; notAfter: Date }>({
    text: `select c.profile, max(c.not_after) as "notAfter"
             from key k join certificate c on c.key_id = k.id
            where k.purpose = 'ca' and k.state = 'enabled' and c.state = 'issued'
              and c.not_before <= now() and c.not_after > now()
            group by c.profile order by c.profile`,
  })
  const [jobs, lists, statuses] = [await takeBacklog(q), await listHealth(q), await statusHealth(q)]
  return { keys, locked, jobs, authorities, lists, statuses }
}
