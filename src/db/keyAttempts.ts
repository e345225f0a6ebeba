import type { ActivationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import { MAX_FAILURES_OF_ALL, type Attempt } from './attempts.ts'
import { texts, uuids } from './binary.ts'
import type { Database, Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/** Wrong secrets in a row, by one client for one key, after which it waits: from this one on, */
export const BACK_OFF_FROM = 6
/** a second, then twice as long each time, */
const FIRST_WAIT_S = 1
/** but never longer: a quarter of an hour makes a hundred guesses take a day. */
export const MAX_WAIT_S = 900

/** 'locked': so often wrong over all clients that an operator has to look at it. */
export type KeyAttempt =
  | {
      readonly outcome: 'reserved'
      /** The database's clock, in ms. */
      readonly now: number
      /** What the secrets are judged by. */
      readonly activation: Sealed<ActivationRecord>
    }
  | { readonly outcome: 'waits'; /** Whole seconds. */ readonly seconds: number }
  | { readonly outcome: 'locked' }

export interface AskedAttempt {
  readonly key: Pick<KeyRecord, 'keyId' | 'spki'>
  readonly clientId: string
}

interface Row extends Omit<Sealed<ActivationRecord>, 'keyId' | 'spki'> {
  readonly keyId: string
  readonly allowed: boolean
  readonly now: string
}

/**
 * Counts an attempt at a holder key as failed before its secrets are looked at, as attempts.ts does for credentials; but who
 * was wrong too often waits, and nobody has to unlock. One statement, which finds the key's verifier, too: of any number who
 * ask at once, on any number of replicas, so many get through as are allowed.
 */
export async function reserveKeyAttempt(db: Database, asked: AskedAttempt): Promise<KeyAttempt> {
  const { key, clientId } = asked
  const { keyId, spki } = key
  const row = await reserve(db, asked)
  if (row === undefined) throw new Error('a key without its verifier')
  const { allowed, now, ...activation } = row
  if (allowed) return { outcome: 'reserved', now: Number(now), activation: { ...activation, keyId, spki } }
  return whyNot(db, { keyId, clientId })
}

const reserve = grouped<AskedAttempt, Row | undefined>({
  name: 'key-attempt-reserve',
  rows: () => 1,
  apart: ({ key }) => key.keyId,
  flush: async (db, items) => {
    const rows = await db.query<Row>({
      name: 'key-attempt-reserve',
      text: RESERVE,
      values: [
        uuids(items.map(({ key }) => key.keyId)),
        texts(items.map(({ clientId }) => clientId)),
        MAX_FAILURES_OF_ALL,
      ],
    })
    const found = new Map(rows.map((row) => [row.keyId, row]))
    return items.map(({ key }) => found.get(key.keyId))
  },
})

/** Each key stands in it once, and rows are locked in the order of the keys, so that replicas do not lock each other out. */
const RESERVE = `with asked as materialized (
    select * from unnest($1::uuid[], $2::text[]) as asked(key_id, client_id)),
  mine as (
    insert into activation_attempt as t (key_id, client_id, failures)
    select key_id, client_id, 1 from asked
     where not exists (
       select from activation_total total where total.key_id = asked.key_id and total.failures >= $3::int)
     order by key_id
    on conflict (key_id, client_id) do update
      set failures = t.failures + 1, updated_at = now(),
          next_at = case when t.failures + 1 >= ${BACK_OFF_FROM} then
            clock_timestamp() + least(${MAX_WAIT_S},
              ${FIRST_WAIT_S} * 2 ^ least(t.failures + 1 - ${BACK_OFF_FROM}, 20)) * interval '1 second' end
      where t.next_at is null or t.next_at <= clock_timestamp()
    returning t.key_id),
  everyone as (
    insert into activation_total as t (key_id, failures) select key_id, 1 from mine order by key_id
    on conflict (key_id) do update set failures = t.failures + 1 where t.failures < $3::int
    returning t.key_id)
  select v.key_id as "keyId", everyone.key_id is not null as allowed, (extract(epoch from now()) * 1000)::bigint as now,
         v.salt, v.memory_kib as "memoryKiB", v.passes, v.lanes, v.secrets, v.verifier, v.seal
    from asked join activation v on v.key_id = asked.key_id left join everyone on everyone.key_id = asked.key_id`

/** By a statement of its own: what another transaction wrote while the first one ran is not seen by it. */
async function whyNot(q: Queries, attempt: Attempt): Promise<KeyAttempt> {
  const [row] = await q.query<{ isLocked: boolean; seconds: number }>({
    text: `select exists (select from activation_total where key_id = $1::uuid and failures >= $3::int) as "isLocked",
                  greatest(1, ceil(extract(epoch from next_at - clock_timestamp())))::int as seconds
             from activation_attempt where key_id = $1::uuid and client_id = $2::text`,
    values: [attempt.keyId, attempt.clientId, MAX_FAILURES_OF_ALL],
  })
  // Others may have used the ceiling up before this client's first attempt.
  if (row === undefined || row.isLocked) return { outcome: 'locked' }
  return { outcome: 'waits', seconds: row.seconds }
}
