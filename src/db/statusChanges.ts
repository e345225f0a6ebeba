import { NIL } from './audit.ts'
import { one, type Queries } from './database.ts'

/** A change of a certificate's status, and when relying parties could know of it. */
export interface StatusChangeRow {
  readonly id: string
  readonly certificateId: string
  readonly serial: Buffer
  readonly change: 'revoke' | 'suspend' | 'reinstate'
  readonly reason: string | null
  readonly actor: string
  readonly requestedAt: Date
  readonly decidedAt: Date
  /** When each list that has the certificate knew of it; null: not yet. */
  readonly publishedAt: Date | null
}

/** Both lists: the whole one, and the shard, where the issuer has any. */
const PUBLISHED = `case when s.shard is null then s.in_whole_at
                        when s.in_whole_at is not null and s.in_shard_at is not null
                        then greatest(s.in_whole_at, s.in_shard_at) end`

/** Newest first; `after` is the id of the last one of the page before. */
export async function listStatusChanges(
  q: Queries,
  query: { readonly limit: number; readonly after?: string; readonly certificateId?: string | undefined },
): Promise<StatusChangeRow[]> {
  const { limit, after, certificateId } = query
  // A plan that serves both would read all changes for those of one.
  const which = certificateId === undefined ? '$3::uuid is null' : 's.certificate_id = $3::uuid'
  return q.query<StatusChangeRow>({
    name: certificateId === undefined ? 'status-changes' : 'status-changes-of-one',
    text: `select s.id, s.certificate_id as "certificateId", c.serial, s.change, s.reason, s.actor,
                  s.requested_at as "requestedAt", s.decided_at as "decidedAt", ${PUBLISHED} as "publishedAt"
             from status_change s join certificate c on c.id = s.certificate_id
            where ${which}
              and (s.decided_at, s.id) < (
                case when $2::uuid is null then 'infinity' else (select decided_at from status_change where id = $2::uuid) end,
                coalesce($2::uuid, '${NIL}'::uuid))
            order by s.decided_at desc, s.id desc limit $1::int`,
    values: [limit, after ?? null, certificateId ?? null],
  })
}

/** The duty of a trust service, from request to published status, in seconds (Regulation (EU) 910/2014, article 24, 3). */
export const DUTY_S = 24 * 60 * 60
/** And from decision to published status (EN 319 411-1, 6.2.4). */
export const PUBLICATION_DUTY_S = 60 * 60

/** How the duty was kept over a time. Seconds are whole. */
export interface StatusReport {
  readonly changes: number
  readonly published: number
  /** From request to decision, to published status, and from decision to published status, at most; null: there is none. */
  readonly longestToDecision: number | null
  readonly longestToPublished: number | null
  readonly longestFromDecision: number | null
  /** Published too late, or not yet though it is too late by now. */
  readonly late: number
  readonly lateFromDecision: number
}

/** @param over changes that were decided from `from` and before `to` */
export async function reportStatusChanges(
  q: Queries,
  over: { readonly from: Date; readonly to: Date },
): Promise<StatusReport> {
  return one(
    await q.query<StatusReport>({
      text: `with it as (
               select extract(epoch from s.decided_at - s.requested_at) as deciding,
                      extract(epoch from ${PUBLISHED} - s.requested_at) as whole,
                      extract(epoch from ${PUBLISHED} - s.decided_at) as publishing,
                      extract(epoch from now() - s.requested_at) as age,
                      extract(epoch from now() - s.decided_at) as decided
                 from status_change s where s.decided_at >= $1::timestamptz and s.decided_at < $2::timestamptz)
             select count(*)::int as changes, count(whole)::int as published,
                    ceil(max(deciding))::int as "longestToDecision", ceil(max(whole))::int as "longestToPublished",
                    ceil(max(publishing))::int as "longestFromDecision",
                    count(*) filter (where coalesce(whole, age) > $3::int)::int as late,
                    count(*) filter (where coalesce(publishing, decided) > $4::int)::int as "lateFromDecision"
               from it`,
      values: [over.from, over.to, DUTY_S, PUBLICATION_DUTY_S],
    }),
  )
}
