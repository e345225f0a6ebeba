import { randomUUID } from 'node:crypto'
import type { Queries } from './database.ts'

/** What is done by jobs. */
export type JobKind = 'signature' | 'notification'
export type JobState = 'waiting' | 'running' | 'done' | 'dead'

export interface NewJob {
  readonly kind: JobKind
  /** Whose job it is; see the migration. */
  readonly lane: string
  readonly payload: Readonly<Record<string, string>>
  /** After so many seconds it is not tried again. */
  readonly giveUpAfterS: number
}

/** Puts a job into the transaction of what it follows from: it is there if, and only if, that is. */
export async function enqueue(q: Queries, job: NewJob): Promise<string> {
  const id = randomUUID()
  await q.query({
    name: 'job-enqueue',
    text: `insert into job (id, kind, lane, payload, give_up_at)
           values ($1::uuid, $2::text, $3::text, $4::jsonb, now() + $5::int * interval '1 second')`,
    values: [id, job.kind, job.lane, JSON.stringify(job.payload), job.giveUpAfterS],
  })
  return id
}

/** A job that this process is at. */
export interface TakenJob {
  readonly id: string
  readonly lane: string
  readonly payload: unknown
  /** This one included. */
  readonly attempts: number
}

/**
 * Takes jobs that are due, one of each lane at most, so that lanes take turns however long they are. Which lanes, if not
 * all, is chance: a lane that is always late cannot keep others from theirs. No two processes take the same one.
 */
export async function takeJobs(
  q: Queries,
  by: {
    readonly kind: JobKind
    readonly instanceId: string
    readonly limit: number
    /** Lanes that have as many under way here as they may. */
    readonly full: readonly string[]
  },
): Promise<TakenJob[]> {
  return q.query<TakenJob>({
    name: 'job-take',
    text: `with recursive lane as (
        (select j.lane from job j where j.kind = $1::text and j.state = 'waiting' order by j.lane limit 1)
        union all
        select (select j.lane from job j where j.kind = $1::text and j.state = 'waiting' and j.lane > l.lane
                 order by j.lane limit 1)
          from lane l where l.lane is not null),
      due as (
        select first.id from (select l.lane from lane l where l.lane <> all($4::text[]) order by random()) l
         cross join lateral (
           select j.id from job j
            where j.kind = $1::text and j.state = 'waiting' and j.lane = l.lane and j.run_at <= now()
            order by j.run_at limit 1 for update skip locked) first
         limit $3::int)
      update job j set state = 'running', instance = $2::uuid, attempts = j.attempts + 1
        from due where j.id = due.id
      returning j.id, j.lane, j.payload, j.attempts`,
    values: [by.kind, by.instanceId, by.limit, by.full],
  })
}

/** A job under way here, and by whom. */
export interface Held {
  readonly id: string
  readonly instanceId: string
}

/** @returns false when it is somebody else's by now */
export async function finishJob(q: Queries, { id, instanceId }: Held): Promise<boolean> {
  const rows = await q.query({
    name: 'job-finish',
    text: `update job set state = 'done', instance = null, last_error = null, ended_at = now()
            where id = $1::uuid and instance = $2::uuid returning id`,
    values: [id, instanceId],
  })
  return rows.length === 1
}

export interface Failed extends Held {
  readonly reason: string
  /** Milliseconds until it is tried again. */
  readonly delayMs: number
  /** It is of no use to try again. */
  readonly isFinal: boolean
}

/** @returns 'dead' when it is given up; undefined when it is somebody else's by now */
export async function failJob(q: Queries, failed: Failed): Promise<'waiting' | 'dead' | undefined> {
  const rows = await q.query<{ state: 'waiting' | 'dead' }>({
    name: 'job-fail',
    text: `update job j set state = d.state, instance = null, last_error = $3::text, run_at = d.run_at,
                  ended_at = case when d.state = 'dead' then now() end
             from (select id, now() + $4::int * interval '1 millisecond' as run_at,
                          case when $5::boolean or give_up_at <= now() + $4::int * interval '1 millisecond'
                               then 'dead' else 'waiting' end as state
                     from job where id = $1::uuid) d
            where j.id = d.id and j.instance = $2::uuid
           returning j.state`,
    values: [failed.id, failed.instanceId, failed.reason, failed.delayMs, failed.isFinal],
  })
  return rows[0]?.state
}

/** Gives back a job that was not done, as if it had not been taken: the process ends. */
export async function putBackJob(q: Queries, { id, instanceId }: Held): Promise<void> {
  await q.query({
    text: `update job set state = 'waiting', instance = null, run_at = now(), attempts = attempts - 1
            where id = $1::uuid and instance = $2::uuid`,
    values: [id, instanceId],
  })
}

/**
 * Jobs that nobody is at are due again: of processes whose lease ran out, and those that this process took and whose end
 * it could not record.
 */
export async function reclaimJobs(
  q: Queries,
  by: { readonly kind: JobKind; readonly instanceId: string; readonly mine: readonly string[] },
): Promise<void> {
  await q.query({
    name: 'job-reclaim',
    text: `update job j set state = 'waiting', instance = null, run_at = now()
            where j.kind = $1::text and j.state = 'running'
              and case when j.instance = $2::uuid then j.id <> all($3::uuid[])
                       else not exists (select from instance i where i.id = j.instance and i.lease_until > now()) end`,
    values: [by.kind, by.instanceId, by.mine],
  })
}

/** Deletes what ended long ago. */
export async function deleteJobs(
  q: Queries,
  kept: { readonly kind: JobKind; readonly doneS: number; readonly deadS: number },
): Promise<void> {
  await q.query({
    text: `delete from job where kind = $1::text and ended_at is not null
              and ended_at < now() - case state when 'done' then $2::int else $3::int end * interval '1 second'`,
    values: [kept.kind, kept.doneS, kept.deadS],
  })
}

/** A job as an operator sees it. */
export interface JobRow {
  readonly id: string
  readonly kind: JobKind
  readonly lane: string
  readonly payload: Readonly<Record<string, string>>
  readonly state: JobState
  readonly attempts: number
  readonly lastError: string | null
  readonly runAt: Date
  readonly giveUpAt: Date
  readonly createdAt: Date
  readonly endedAt: Date | null
}

const COLUMNS = `id, kind, lane, payload, state, attempts, last_error as "lastError", run_at as "runAt",
  give_up_at as "giveUpAt", created_at as "createdAt", ended_at as "endedAt"`

/** Newest first; `after` is the id of the last job of the page before. */
export async function listJobs(
  q: Queries,
  query: {
    readonly kind: JobKind
    readonly limit: number
    readonly after?: string
    readonly state?: JobState | undefined
  },
): Promise<JobRow[]> {
  return q.query<JobRow>({
    text: `select ${COLUMNS} from job
            where kind = $1::text and ($4::text is null or state = $4::text)
              and ($3::uuid is null
                   or (created_at, id) < ((select created_at from job where id = $3::uuid), $3::uuid))
            order by created_at desc, id desc limit $2::int`,
    values: [query.kind, query.limit, query.after ?? null, query.state ?? null],
  })
}

export async function findJob(q: Queries, id: string): Promise<JobRow | undefined> {
  const rows = await q.query<JobRow>({
    text: `select ${COLUMNS} from job where id = $1::uuid`,
    values: [id],
  })
  return rows[0]
}

/**
 * Has a job done again, or now, with all the time of a new one.
 * @returns false where somebody is at it, or there is none
 */
export async function replayJob(q: Queries, id: string, giveUpAfterS: number): Promise<boolean> {
  const rows = await q.query({
    text: `update job set state = 'waiting', run_at = now(), attempts = 0, last_error = null, ended_at = null,
                  give_up_at = now() + $2::int * interval '1 second'
            where id = $1::uuid and state <> 'running' returning id`,
    values: [id, giveUpAfterS],
  })
  return rows.length === 1
}

/** Of one kind: what waits, and since when what is due is. */
export interface Backlog {
  readonly kind: JobKind
  readonly waiting: number
  readonly dead: number
  /** Seconds; 0: nothing is late. */
  readonly late: number
}

export async function takeBacklog(q: Queries): Promise<Backlog[]> {
  return q.query<Backlog>({
    text: `select kind, count(*) filter (where state = 'waiting')::int as waiting,
                  count(*) filter (where state = 'dead')::int as dead,
                  coalesce(greatest(extract(epoch from now() - min(run_at) filter (where state = 'waiting')), 0), 0)::float8
                    as late
             from job where state in ('waiting', 'dead') group by kind order by kind`,
  })
}
