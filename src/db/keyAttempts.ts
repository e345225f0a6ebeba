import type { ActivationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import { MAX_FAILURES_OF_ALL, type Attempt } from './attempts.ts'
import { one, type Queries } from './database.ts'

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

interface Row extends Omit<Sealed<ActivationRecord>, 'keyId' | 'spki'> {
  readonly allowed: boolean
  readonly now: string
}

/**
 * Counts an attempt at a holder key as failed before its secrets are looked at, as attempts.ts does for credentials; but who
 * was wrong too often waits, and nobody has to unlock. One statement, which finds the key's verifier, too: of any number who
 * ask at once, on any number of replicas, so many get through as are allowed.
 */
export async function reserveKeyAttempt(
  q: Queries,
  { keyId, spki }: Pick<KeyRecord, 'keyId' | 'spki'>,
  attempt: Attempt,
): Promise<KeyAttempt> {
  const { allowed, now, ...activation } = one(
    await q.query<Row>({
      name: 'key-attempt-reserve',
      text: `with mine as (
          insert into activation_attempt as t (key_id, client_id, failures)
          select $1::uuid, $2::text, 1
           where not exists (select from activation_total where key_id = $1::uuid and failures >= $3::int)
          on conflict (key_id, client_id) do update
            set failures = t.failures + 1, updated_at = now(),
                next_at = case when t.failures + 1 >= ${BACK_OFF_FROM} then
                  clock_timestamp() + least(${MAX_WAIT_S},
                    ${FIRST_WAIT_S} * 2 ^ least(t.failures + 1 - ${BACK_OFF_FROM}, 20)) * interval '1 second' end
            where t.next_at is null or t.next_at <= clock_timestamp()
          returning 1),
        everyone as (
          insert into activation_total as t (key_id, failures) select $1::uuid, 1 from mine
          on conflict (key_id) do update set failures = t.failures + 1 where t.failures < $3::int
          returning 1)
        select exists (select from everyone) as allowed, (extract(epoch from now()) * 1000)::bigint as now,
               salt, memory_kib as "memoryKiB", passes, lanes, secrets, verifier, seal
          from activation where key_id = $1::uuid`,
      values: [keyId, attempt.clientId, MAX_FAILURES_OF_ALL],
    }),
  )
  if (allowed) return { outcome: 'reserved', now: Number(now), activation: { ...activation, keyId, spki } }
  return whyNot(q, attempt)
}

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
