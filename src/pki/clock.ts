import { Lasting } from '../alarms.ts'
import { auditEntry, type AuditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import type { Database } from '../db/database.ts'
import { databaseTime } from '../db/timestamps.ts'
import { askTime } from '../outgoing/sntp.ts'
import { Refusal } from '../refusal.ts'

/** How often the wall clock is compared with the one that only runs. Who asks for the time compares it, too. */
const COMPARE_MS = 200
/** How often the database is asked for the time. */
const DATABASE_MS = 500
/** Comparisons with the time servers that may come to nothing before the clock counts as not compared. */
const PATIENCE = 3
/** A first start with time servers that do not answer is no alarm before that. */
const START_MS = 5_000

/** Why a clock is not believed: it was set; the time servers say otherwise, or nothing; the database's says otherwise. */
type Trouble = 'jump' | 'reference' | 'database'

/** Nobody knows the time: what holds one is not made. Trying again makes sense. */
export class ClockRefusal extends Refusal {
  constructor() {
    super('unavailable', 'The clock of the service is not trusted at the moment', { retryAfter: 10 })
  }
}

const watches = new WeakMap<Database, ClockWatch>()

/** Watches this machine's clock from now on. @returns ends it */
export function startClockWatch(ctx: Context): () => Promise<void> {
  const watch = new ClockWatch(ctx)
  watches.set(ctx.db, watch)
  return async () => {
    watches.delete(ctx.db)
    await watch.stop()
  }
}

/**
 * The time to date something by that others rely on, milliseconds since 1970.
 * @throws ClockRefusal while the clock is not trusted, and where nobody watches it
 */
export function trustedTime(ctx: Context): number {
  const watch = watches.get(ctx.db)
  if (watch === undefined) throw new ClockRefusal()
  return watch.now()
}

/**
 * No certificate comes from the future: its notBefore is not after a time that is trusted.
 * @throws ClockRefusal
 */
export function checkNotFuture(ctx: Context, notBefore: Date): void {
  if (notBefore.getTime() > trustedTime(ctx)) throw new ClockRefusal()
}

/**
 * The wall clock against the monotonic one, against time servers where the configuration names some, and against the
 * database's. A time server's word that it is right makes it so; without one, a clock that jumped is not believed until it
 * has come back. Every change of mind is an alarm and an audit entry.
 */
class ClockWatch {
  readonly #ctx: Context
  readonly #lasting: Lasting
  readonly #troubles = new Set<Trouble>()
  readonly #timers: readonly NodeJS.Timeout[]
  /** Wall clock less monotonic clock, when it was last known to be right. */
  #anchor: number
  #isTrusted: boolean
  #wasTrusted: boolean
  /** By performance.now(): since when nothing is wrong; when the time servers last agreed. */
  #wellSince = -Infinity
  #agreedAt = performance.now()
  readonly #running = new Map<string, Promise<void>>()
  #unrecorded: AuditEntry[] = []

  constructor(ctx: Context) {
    this.#ctx = ctx
    this.#lasting = new Lasting(ctx.log)
    const { ntpServers, ntpSeconds } = ctx.config.clock
    this.#anchor = ctx.clock() - performance.now()
    const compared = ntpServers.length > 0
    this.#isTrusted = !compared
    this.#wasTrusted = !compared
    if (compared) this.#troubles.add('reference')
    this.#timers = [
      setInterval(() => this.#look(), COMPARE_MS),
      setInterval(() => this.#once('database', () => this.#askDatabase()), DATABASE_MS),
      ...(compared
        ? [setInterval(() => this.#once('reference', () => this.#askServers()), ntpSeconds * 1000)]
        : []),
    ]
    for (const timer of this.#timers) timer.unref()
    if (compared) this.#once('reference', () => this.#askServers())
  }

  now(): number {
    const wall = this.#compare()
    if (!this.#isTrusted) throw new ClockRefusal()
    return wall
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#running.values())
  }

  #look(): void {
    this.#compare()
    const { settleSeconds } = this.#ctx.config.clock
    // What was never trusted has nothing to settle.
    const settled = !this.#wasTrusted || performance.now() - this.#wellSince >= settleSeconds * 1000
    if (!this.#isTrusted && this.#troubles.size === 0 && settled) this.#trust()
    this.#lasting.note('clock_distrusted', {
      on: !this.#isTrusted,
      patienceMs: this.#wasTrusted ? 0 : START_MS,
      says: `the clock of this machine is not trusted: no timestamps are made (${[...this.#troubles].join(', ')})`,
    })
    this.#once('audit', () => this.#record())
  }

  /** @returns the wall clock, as it was compared */
  #compare(): number {
    const wall = this.#ctx.clock()
    const gone = wall - performance.now() - this.#anchor
    const jumped = !(Math.abs(gone) <= this.#ctx.config.clock.toleranceMs)
    const isNews = jumped && !this.#troubles.has('jump')
    this.#note('jump', jumped)
    // The servers know which of the two times was the right one.
    if (isNews && this.#ctx.config.clock.ntpServers.length > 0)
      this.#once('reference', () => this.#askServers())
    return wall
  }

  async #askDatabase(): Promise<void> {
    const { toleranceMs } = this.#ctx.config.clock
    const asked = this.#ctx.clock()
    // One that is away says nothing of the time, and lets nothing be signed.
    const theirs = await databaseTime(this.#ctx.db).catch(() => undefined)
    if (theirs === undefined) return
    const differs = theirs < asked - toleranceMs || theirs > this.#ctx.clock() + toleranceMs
    this.#note('database', differs)
  }

  async #askServers(): Promise<void> {
    const { ntpServers: servers, ntpSeconds, toleranceMs } = this.#ctx.config.clock
    const offsets = await Promise.all(servers.map((server) => askTime(server, this.#ctx.clock)))
    const known = offsets.filter((offset) => offset !== undefined)
    const agreeing = known.filter(({ ms, boundMs }) => Math.abs(ms) + boundMs <= toleranceMs)
    if (agreeing.length * 2 > servers.length) {
      this.#agreedAt = performance.now()
      // As it was when they were asked: what happened since is not what they agreed to.
      this.#anchor = agreeing[0]?.anchor ?? this.#anchor
      this.#note('reference', false)
    } else if ((known.length - agreeing.length) * 2 > servers.length) this.#note('reference', true)
    else if (performance.now() - this.#agreedAt > PATIENCE * ntpSeconds * 1000) this.#note('reference', true)
  }

  #note(trouble: Trouble, isThere: boolean): void {
    if (isThere) {
      this.#troubles.add(trouble)
      if (this.#isTrusted) this.#distrust(trouble)
    } else if (this.#troubles.delete(trouble) && this.#troubles.size === 0) {
      this.#wellSince = performance.now()
    }
  }

  #distrust(trouble: Trouble): void {
    this.#isTrusted = false
    this.#say('clock.distrusted', trouble)
    this.#look()
  }

  #trust(): void {
    this.#isTrusted = true
    if (this.#wasTrusted) this.#say('clock.trusted')
    this.#wasTrusted = true
  }

  #say(act: string, trouble?: Trouble): void {
    const subjects = [`instance:${this.#ctx.instanceId}`]
    const detail = trouble === undefined ? {} : { detail: { trouble } }
    this.#unrecorded.push(auditEntry({ kind: 'act', act, actor: 'service', subjects, ...detail }))
  }

  /** Until the database has them. */
  async #record(): Promise<void> {
    const entries = this.#unrecorded
    if (entries.length === 0) return
    await insertAudit(this.#ctx.db, entries)
    this.#unrecorded = this.#unrecorded.slice(entries.length)
  }

  /** One of a kind at a time; what fails is done again by the next. */
  #once(name: string, work: () => Promise<void>): void {
    if (this.#running.has(name)) return
    const running = work()
      .catch((error: unknown) => {
        this.#ctx.log.warn({ err: error, of: name }, 'the clock was not looked after; the next look is soon')
      })
      .finally(() => this.#running.delete(name))
    this.#running.set(name, running)
  }
}
