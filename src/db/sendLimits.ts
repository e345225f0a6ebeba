import type { Queries } from './database.ts'
import { one } from './database.ts'

/** How many may be sent. Each is a message to somebody who may not have asked for it. */
export interface SendLimits {
  /** Seconds that what was sent works. */
  readonly seconds: number
  /** Seconds between two for one credential. */
  readonly apart: number
  /** For one credential, unanswered and alive. */
  readonly outstanding: number
  /** To one person in an hour, whatever credentials they have. */
  readonly perPerson: number
  /** For one client in a minute, whosever credentials they are for. */
  readonly perClient: number
}

/** TABLE of what is sent, and what tells that nobody has answered it. */
const open = {
  sent_code: 'used_at is null',
  approval: `state = 'pending'`,
} as const

/**
 * Seconds until every limit allows another message; 0: now. Call it in the transaction that notes the message: one at a time
 * for a client and for a person, so that the counts hold on all replicas together.
 */
export async function waitToSend(
  q: Queries,
  message: {
    readonly table: keyof typeof open
    readonly credentialId: string
    readonly clientId: string
    readonly personId: string
  },
  limits: SendLimits,
): Promise<number> {
  const { table, credentialId, clientId, personId } = message
  await q.query({ text: 'select 1 from client where id = $1::text for no key update', values: [clientId] })
  await q.query({ text: 'select 1 from person where id = $1::uuid for no key update', values: [personId] })
  const rows = await q.query<{ wait: number | null }>({
    // Of the newest n messages that a limit counts, the last one leaves its window first.
    text: `select ceil(extract(epoch from max(free_at) - clock_timestamp()))::int as wait from (
        (select created_at + $4::int * interval '1 second' as free_at from ${table}
          where credential_id = $1::text order by created_at desc limit 1)
        union all
        (select expires_at from ${table}
          where credential_id = $1::text and ${open[table]} and expires_at > now()
          order by created_at desc offset $5::int - 1 limit 1)
        union all
        (select created_at + interval '1 hour' from ${table}
          where person_id = $2::uuid order by created_at desc offset $6::int - 1 limit 1)
        union all
        (select created_at + interval '1 minute' from ${table}
          where client_id = $3::text order by created_at desc offset $7::int - 1 limit 1)) of_each`,
    values: [
      ...[credentialId, personId, clientId],
      ...[limits.apart, limits.outstanding, limits.perPerson, limits.perClient],
    ],
  })
  return Math.max(0, one(rows).wait ?? 0)
}
