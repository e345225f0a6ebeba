import { auditEntry, type AuditFacts } from './audit.ts'
import type { Context } from './context.ts'
import { insertAudit } from './db/audit.ts'
import type { Database } from './db/database.ts'
import {
  deleteJobs,
  failJob,
  finishJob,
  putBackJob,
  reclaimJobs,
  takeJobs,
  type JobKind,
  type TakenJob,
} from './db/jobs.ts'
import { Refusal } from './refusal.ts'

/** How often it is looked whether there is something to do, where nobody says so; and what the dead left is taken up. */
const POLL_MS = 1_000
const TIDY_MS = 60_000

/** What is done by jobs of one kind. */
export interface JobWork {
  readonly kind: JobKind
  /** Jobs under way in a replica; of them, so many of one lane. */
  readonly slots: number
  readonly slotsOfLane: number
  /** Milliseconds after the first failure; twice as many after each further one, up to a limit. */
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** Seconds that jobs which ended are kept for operators to see. */
  readonly keepDoneS: number
  readonly keepDeadS: number
  /**
   * Does it. It may have been done before, in whole or in part: whoever did so may have died before that was recorded.
   * @param signal ends it early: the service drains. @throws JobFailure; anything else is retried like one.
   */
  run(ctx: Context, job: TakenJob, signal: AbortSignal): Promise<void>
  /** What the audit log says when it was done, or given up for a reason; nothing, where this is absent. */
  readonly audited?: (job: TakenJob, reason: string | undefined) => Omit<AuditFacts, 'kind'>
  /** After it was given up. */
  readonly gaveUp?: (ctx: Context, job: TakenJob, reason: string) => void
  /** Now and then. */
  readonly tidy?: (ctx: Context) => Promise<void>
}

/** Why a job came to nothing this time. */
export class JobFailure extends Error {
  /** In a word of our own; operators see it. */
  readonly reason: string
  readonly isFinal: boolean

  constructor(reason: string, { isFinal = false, cause }: { isFinal?: boolean; cause?: unknown } = {}) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'JobFailure'
    this.reason = reason
    this.isFinal = isFinal
  }
}

const runners = new WeakMap<Database, Map<JobKind, Runner>>()

/** There is something to do: saves the wait for the next look. Without it, or in another replica, a second passes. */
export function wake(db: Database, kind: JobKind): void {
  runners.get(db)?.get(kind)?.look()
}

/** Does jobs, each kind in a loop of its own. @returns a function that lets those under way end, and resolves then */
export function startJobs(ctx: Context, works: readonly JobWork[]): () => Promise<void> {
  const made = new Map(works.map((work) => [work.kind, new Runner(ctx, work)]))
  runners.set(ctx.db, made)
  for (const runner of made.values()) runner.look()
  return async () => {
    runners.delete(ctx.db)
    await Promise.all([...made.values()].map((runner) => runner.stop()))
  }
}

class Runner {
  readonly #ctx: Context
  readonly #work: JobWork
  readonly #underWay = new Map<string, { readonly lane: string; readonly ended: Promise<void> }>()
  readonly #ending = new AbortController()
  readonly #timer: NodeJS.Timeout
  #looking: Promise<void> | undefined
  #again = false
  #reclaimedAt = -Infinity
  #tidiedAt = -Infinity

  constructor(ctx: Context, work: JobWork) {
    this.#ctx = ctx
    this.#work = work
    this.#timer = setInterval(() => this.look(), POLL_MS)
    this.#timer.unref()
  }

  look(): void {
    this.#again = true
    if (this.#looking !== undefined || this.#ending.signal.aborted) return
    this.#looking = this.#lookAgain().finally(() => {
      this.#looking = undefined
      // Said after the last look had begun to end.
      if (this.#again) this.look()
    })
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#ending.abort()
    await this.#looking
    await Promise.all([...this.#underWay.values()].map(({ ended }) => ended))
  }

  async #lookAgain(): Promise<void> {
    try {
      while (this.#again && !this.#ending.signal.aborted) {
        this.#again = false
        await this.#reclaim()
        await this.#take()
        await this.#tidy()
      }
    } catch (error) {
      this.#ctx.log.warn(
        { err: error, kind: this.#work.kind },
        'jobs were not looked for; the next look is soon',
      )
    }
  }

  async #reclaim(): Promise<void> {
    if (performance.now() - this.#reclaimedAt < POLL_MS) return
    const { instanceId, db } = this.#ctx
    await reclaimJobs(db, { kind: this.#work.kind, instanceId, mine: [...this.#underWay.keys()] })
    this.#reclaimedAt = performance.now()
  }

  async #tidy(): Promise<void> {
    if (performance.now() - this.#tidiedAt < TIDY_MS) return
    const { kind, keepDoneS: doneS, keepDeadS: deadS, tidy } = this.#work
    await deleteJobs(this.#ctx.db, { kind, doneS, deadS })
    await tidy?.(this.#ctx)
    this.#tidiedAt = performance.now()
  }

  async #take(): Promise<void> {
    const limit = this.#work.slots - this.#underWay.size
    if (limit <= 0) return
    const { db, instanceId } = this.#ctx
    const jobs = await takeJobs(db, { kind: this.#work.kind, instanceId, limit, full: this.#full() })
    for (const job of jobs) {
      const ended = this.#do(job).finally(() => {
        this.#underWay.delete(job.id)
        this.look()
      })
      this.#underWay.set(job.id, { lane: job.lane, ended })
    }
    // One of each lane was taken: there may be more.
    if (jobs.length > 0) this.#again = true
  }

  #full(): string[] {
    const counts = new Map<string, number>()
    for (const { lane } of this.#underWay.values()) counts.set(lane, (counts.get(lane) ?? 0) + 1)
    return [...counts].filter(([, count]) => count >= this.#work.slotsOfLane).map(([lane]) => lane)
  }

  /** Rejects never. What cannot be recorded is reclaimed, and done again. */
  async #do(job: TakenJob): Promise<void> {
    const { signal } = this.#ending
    try {
      await this.#work.run(this.#ctx, job, signal).then(
        () => this.#done(job),
        (error: unknown) => (signal.aborted ? this.#giveBack(job) : this.#failed(job, error)),
      )
    } catch (error) {
      this.#ctx.log.warn({ err: error, job: job.id }, 'the end of a job was not recorded; it is done again')
    }
  }

  async #done(job: TakenJob): Promise<void> {
    const { db, metrics } = this.#ctx
    await db.transaction(async (tx) => {
      if (await finishJob(tx, this.#held(job))) await this.#audit(tx, job)
    })
    metrics.job(this.#work.kind, 'done')
  }

  async #giveBack(job: TakenJob): Promise<void> {
    await putBackJob(this.#ctx.db, this.#held(job))
  }

  async #failed(job: TakenJob, error: unknown): Promise<void> {
    const { kind, gaveUp } = this.#work
    const { reason, isFinal } = failureOf(error)
    if (reason === BUG) this.#ctx.log.error({ err: error, job: job.id, kind }, 'a job failed')
    const failed = { ...this.#held(job), reason, isFinal, delayMs: delayOf(this.#work, job.attempts) }
    const state = await this.#ctx.db.transaction(async (tx) => {
      const became = await failJob(tx, failed)
      if (became === 'dead') await this.#audit(tx, job, reason)
      return became
    })
    this.#ctx.metrics.job(kind, state === 'dead' ? 'dead' : 'failed')
    if (state === 'dead') gaveUp?.(this.#ctx, job, reason)
  }

  async #audit(tx: Parameters<typeof insertAudit>[0], job: TakenJob, reason?: string): Promise<void> {
    const facts = this.#work.audited?.(job, reason)
    if (facts !== undefined) await insertAudit(tx, [auditEntry({ kind: 'act', ...facts })])
  }

  #held({ id }: TakenJob): { readonly id: string; readonly instanceId: string } {
    return { id, instanceId: this.#ctx.instanceId }
  }
}

const BUG = 'bug'

function failureOf(error: unknown): { readonly reason: string; readonly isFinal: boolean } {
  if (error instanceof JobFailure) return error
  return { reason: error instanceof Refusal ? error.code : BUG, isFinal: false }
}

/** Between half of it and the whole, so that what failed together does not come back together. */
function delayOf({ firstDelayMs, maxDelayMs }: JobWork, attempts: number): number {
  const whole = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempts - 1, 30))
  return Math.round(whole * (0.5 + Math.random() / 2))
}
