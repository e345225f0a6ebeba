import type { Queries } from './database.ts'
import { one } from './database.ts'
import { waitToSend, type SendLimits } from './sendLimits.ts'

/** What a sent code is derived from. */
export interface SentCode {
  readonly id: string
  readonly credentialId: string
  readonly clientId: string
  /** Milliseconds since 1970, from the database's clock. */
  readonly expiresAt: number
}

interface NewCode {
  readonly id: string
  readonly credentialId: string
  readonly clientId: string
  readonly personId: string
}

/**
 * Notes a code that is about to be sent. Call it in a transaction.
 * @returns when it expires, or the seconds after which trying again makes sense
 */
export async function insertSentCode(
  q: Queries,
  code: NewCode,
  limits: SendLimits,
): Promise<{ readonly expiresAt: number } | { readonly retryAfter: number }> {
  const retryAfter = await waitToSend(q, { table: 'sent_code', ...code }, limits)
  if (retryAfter > 0) return { retryAfter }
  const rows = await q.query<{ expiresAt: string }>({
    text: `with old as (
        delete from sent_code where created_at < now() - interval '1 day' and client_id = $3::text)
      insert into sent_code (id, credential_id, client_id, person_id, expires_at)
      values ($1::uuid, $2::text, $3::text, $4::uuid, date_trunc('milliseconds', now()) + $5::int * interval '1 second')
      returning (extract(epoch from expires_at) * 1000)::bigint as "expiresAt"`,
    values: [code.id, code.credentialId, code.clientId, code.personId, limits.seconds],
  })
  return { expiresAt: Number(one(rows).expiresAt) }
}

/** Codes of a credential that a client may use now; as many as may be outstanding. */
export async function liveSentCodes(
  q: Queries,
  of: { readonly credentialId: string; readonly clientId: string; readonly most: number },
): Promise<SentCode[]> {
  const rows = await q.query<Omit<SentCode, 'expiresAt'> & { expiresAt: string }>({
    text: `select id, credential_id as "credentialId", client_id as "clientId",
                  (extract(epoch from expires_at) * 1000)::bigint as "expiresAt"
             from sent_code
            where credential_id = $1::text and client_id = $2::text and used_at is null and expires_at > now()
            order by created_at desc limit $3::int`,
    values: [of.credentialId, of.clientId, of.most],
  })
  return rows.map((row) => ({ ...row, expiresAt: Number(row.expiresAt) }))
}

/** Spends a code, and with it the others that were sent for the same: of all who come with it, one gets true. */
export async function spendSentCode(q: Queries, id: string): Promise<boolean> {
  const rows = await q.query({
    text: `with spent as (
        update sent_code set used_at = now() where id = $1::uuid and used_at is null and expires_at > now()
        returning id, credential_id, client_id),
      others as (
        update sent_code o set used_at = now() from spent s
         where o.credential_id = s.credential_id and o.client_id = s.client_id and o.used_at is null and o.id <> s.id)
      select 1 from spent`,
    values: [id],
  })
  return rows.length === 1
}

/** Nobody was told it: it is worth nothing, and counts as sent. */
export async function voidSentCode(q: Queries, id: string): Promise<void> {
  await q.query({ text: 'update sent_code set used_at = now() where id = $1::uuid', values: [id] })
}
