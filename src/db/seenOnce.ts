import type { Queries } from './database.ts'

/** Each new one takes this many expired ones with it, so that the table never needs a sweep. */
const SWEPT_PER_INSERT = 10

/**
 * Remembers a value that works once, across replicas.
 * @param value.expiresIn seconds for which it would be believed
 * @returns false where it came before
 */
export async function seenFirst(
  q: Queries,
  value: { readonly digest: Buffer; readonly expiresIn: number },
): Promise<boolean> {
  const rows = await q.query({
    name: 'seen-once',
    text: `with expired as (
        select digest from seen_once where expires_at < now()
         order by expires_at limit ${SWEPT_PER_INSERT} for update skip locked),
      swept as (delete from seen_once s using expired e where s.digest = e.digest and s.digest <> $1::bytea)
      insert into seen_once (digest, expires_at) values ($1::bytea, now() + $2::int * interval '1 second')
      on conflict do nothing returning 1`,
    values: [value.digest, value.expiresIn],
  })
  return rows.length === 1
}
