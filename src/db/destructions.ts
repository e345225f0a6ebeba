import type { Queries } from './database.ts'

/** A key that is to be destroyed. */
export interface Destruction {
  readonly keyId: string
  /** Joins the audit intent and its result. */
  readonly attempt: string
  readonly tokenSerial: string
  readonly ckaId: Buffer
}

/** From here on nothing signs with the key. @returns undefined where it is decided, or done, already */
export async function decideDestruction(
  q: Queries,
  { keyId, attempt }: Pick<Destruction, 'keyId' | 'attempt'>,
): Promise<Destruction | undefined> {
  const rows = await q.query<Destruction>({
    text: `with decided as (
        insert into key_destruction (key_id, attempt)
        select id, $2::uuid from key where id = $1::uuid and state <> 'destroyed'
        on conflict do nothing returning key_id, attempt),
      disabled as (
        update key set state = 'disabled' where id in (select key_id from decided) and state = 'enabled')
      select k.id as "keyId", d.attempt, k.token_serial as "tokenSerial", k.cka_id as "ckaId"
        from decided d join key k on k.id = d.key_id`,
    values: [keyId, attempt],
  })
  return rows[0]
}

/** Those that were decided this long ago and not done, oldest first. */
export async function openDestructions(
  q: Queries,
  { olderThanS, limit }: { readonly olderThanS: number; readonly limit: number },
): Promise<Destruction[]> {
  return q.query<Destruction>({
    text: `select k.id as "keyId", d.attempt, k.token_serial as "tokenSerial", k.cka_id as "ckaId"
             from key_destruction d join key k on k.id = d.key_id
            where d.requested_at < now() - $1::int * interval '1 second'
            order by d.requested_at limit $2::int`,
    values: [olderThanS, limit],
  })
}

/** The key has gone. @returns false where another process has said so before */
export async function closeDestruction(q: Queries, keyId: string): Promise<boolean> {
  const rows = await q.query({
    text: `with closed as (delete from key_destruction where key_id = $1::uuid returning key_id)
           update key set state = 'destroyed', destroyed_at = now() where id in (select key_id from closed)
           returning id`,
    values: [keyId],
  })
  return rows.length === 1
}
