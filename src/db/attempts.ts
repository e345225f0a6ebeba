import type { Queries } from './database.ts'

/** Wrong secrets in a row, by one client for one key, after which an operator has to unlock. */
export const MAX_FAILURES = 5
/** Over all clients, for one key: a set of colluding clients gets no more guesses than this (NIST SP 800-63B, 5.2.2). */
export const MAX_FAILURES_OF_ALL = 100

export interface Attempt {
  readonly keyId: string
  /** Or the name of a page of ours. */
  readonly clientId: string
}

/**
 * Counts an attempt as failed before the secret is looked at: whoever dies, or asks fifty times at once, has used it up.
 * Counting and locking are one statement.
 * @returns the database's clock in ms, or undefined when the key is locked for the client.
 */
export async function reserveAttempt(q: Queries, attempt: Attempt): Promise<number | undefined> {
  const rows = await q.query<{ allowed: boolean; now: string }>({
    name: 'attempt-reserve',
    text: `with mine as (
        insert into activation_attempt as t (key_id, client_id, failures)
        select $1::uuid, $2::text, 1
         where not exists (select from activation_total where key_id = $1::uuid and failures >= $4::int)
        on conflict (key_id, client_id) do update set failures = t.failures + 1, updated_at = now()
          where t.failures < $3::int
        returning 1),
      everyone as (
        insert into activation_total as t (key_id, failures) select $1::uuid, 1 from mine
        on conflict (key_id) do update set failures = t.failures + 1 where t.failures < $4::int
        returning 1)
      select exists (select from everyone) as allowed, (extract(epoch from now()) * 1000)::bigint as now`,
    values: [attempt.keyId, attempt.clientId, MAX_FAILURES, MAX_FAILURES_OF_ALL],
  })
  const row = rows[0]
  return row?.allowed === true ? Number(row.now) : undefined
}

/** Nobody judged the secret, because the token is away or a row is broken: the attempt does not count, and nobody waits for it. */
export async function returnAttempt(q: Queries, attempt: Attempt): Promise<void> {
  await q.query({
    text: `with mine as (
        update activation_attempt set failures = greatest(0, failures - 1), next_at = null, updated_at = now()
         where key_id = $1::uuid and client_id = $2::text)
      update activation_total set failures = greatest(0, failures - 1) where key_id = $1::uuid`,
    values: [attempt.keyId, attempt.clientId],
  })
}

/**
 * Parts of a statement, after which attempts whose secrets were right count no more: the client's own failures are forgotten,
 * and no other client's.
 * @param which a query of the key's id and the client's, which may name one twice
 */
export const forgetting = (which: string): string => `mine as materialized (
    select key_id, client_id, failures from activation_attempt
     where (key_id, client_id) in (${which}) order by key_id, client_id for update),
  reset as (
    update activation_attempt t set failures = 0, next_at = null, updated_at = now()
      from mine where t.key_id = mine.key_id and t.client_id = mine.client_id),
  of_all as (
    update activation_total t set failures = greatest(0, t.failures - forgotten.failures)
      from (select key_id, sum(failures) as failures from mine group by key_id) forgotten
     where t.key_id = forgotten.key_id)`

/** The secret was right. */
export async function forgetFailures(q: Queries, attempt: Attempt): Promise<void> {
  await q.query({
    name: 'attempt-forget',
    text: `with ${forgetting('select $1::uuid, $2::text')} select 1`,
    values: [attempt.keyId, attempt.clientId],
  })
}

/** An operator unlocks a key for every client. */
export async function unlockKey(q: Queries, keyId: string): Promise<void> {
  await q.query({
    text: `with mine as (
             update activation_attempt set failures = 0, next_at = null, updated_at = now() where key_id = $1::uuid)
           update activation_total set failures = 0 where key_id = $1::uuid`,
    values: [keyId],
  })
}

/** Whether a client could not try now. */
export async function isLocked(q: Queries, attempt: Attempt): Promise<boolean> {
  const rows = await q.query({
    text: `select 1 from activation_attempt where key_id = $1::uuid and client_id = $2::text and failures >= $3::int
           union all select 1 from activation_total where key_id = $1::uuid and failures >= $4::int`,
    values: [attempt.keyId, attempt.clientId, MAX_FAILURES, MAX_FAILURES_OF_ALL],
  })
  return rows.length > 0
}
