import { Lasting } from '../alarms.ts'
import { auditEntry, type AuditEntry } from '../audit.ts'
import { readClocksAtOnce, readClocks, type Reading } from '../clocks.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { databaseTime } from '../db/timestamps.ts'
import { askTime, type Offset } from '../outgoing/sntp.ts'

/** How often the wall clock is compared with the one that only runs. Who asks for the time compares it, too. */
const COMPARE_MS = 200
/** How often the database is asked for the time. */
const DATABASE_MS = 500
/** Comparisons with the time servers, one after the other, that may come to nothing before the clock counts as not compared. */
const PATIENCE = 3
/** A look that comes so much too late says that this process was held up, and answers with it: by a machine that is busy. */
const HELD_MS = 200
/** Comparisons that may come to nothing for that reason: who is held up for longer does not know the time either. */
const EXCUSES = 30
/** A first start with time servers that do not answer is no alarm before that, and waits no longer. */
const START_MS = 5_000

/** Why a clock is not believed: it was set; the time servers say otherwise, or nothing; the database's says otherwise. */
export type Trouble = 'jump' | 'reference' | 'database'

/**
 * The wall clock against the steady one, against time servers where the configuration names some, and against the
 * database's. A time server's word that it is right makes it so; without one, a clock that jumped is not believed until it
 * has come back, or an operator vouches for it. Nothing is concluded from a comparison that took so long, on a machine that is
 * busy, that both could be so. Every change of mind is an alarm and an audit entry.
 */
export class ClockWatch {
  readonly #ctx: Context
  readonly #lasting: Lasting
  readonly #troubles: Set<Trouble>
  readonly #timers: readonly NodeJS.Timeout[]
  /** Wall clock less steady clock, when it was last known to be right. */
  #anchor: number
  #isTrusted = false
  #wasTrusted = false
  /** By performance.now(): since when nothing is wrong. */
  #wellSince = -Infinity
  /** Comparisons with the time servers that came to nothing, since the last one that did not. */
  #missed = 0
  #excused = 0
  /** By performance.now(): the last look, and the last one that came too late. */
  #lookedAt = performance.now()
  #heldAt = -Infinity
  readonly #running = new Map<string, Promise<void>>()
  #unrecorded: AuditEntry[] = []
  #onTrusted: (() => void) | undefined

  constructor(ctx: Context) {
    this.#ctx = ctx
    this.#lasting = new Lasting(ctx.log)
    const { ntpServers, ntpSeconds } = ctx.config.clock
    const compared = ntpServers.length > 0
    this.#anchor = anchorOf(readClocksAtOnce(ctx.clock))
    // Nobody is believed before those who can be asked have answered.
    this.#troubles = new Set(compared ? ['database', 'reference'] : ['database'])
    this.#timers = [
      setInterval(() => this.#look(), COMPARE_MS),
      setInterval(() => this.#once('database', () => this.#askDatabase()), DATABASE_MS),
      ...(compared
        ? [setInterval(() => this.#once('reference', () => this.#askServers()), ntpSeconds * 1000)]
        : []),
    ]
    for (const timer of this.#timers) timer.unref()
    this.#once('database', () => this.#askDatabase())
    if (compared) this.#once('reference', () => this.#askServers())
  }

  /** Resolves when the clock is trusted for the first time, or a start waits no longer for it. */
  async started(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, START_MS)
      this.#onTrusted = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#isTrusted) this.#onTrusted()
    })
  }

  /** @returns the wall clock; undefined while it is not trusted */
  now(): number | undefined {
    const { wall } = this.#compare()
    return this.#isTrusted ? wall : undefined
  }

  /** What the wall clock would show if it had gone on from when it was last right. */
  steady(): number {
    return this.#anchor + performance.now()
  }

  get isTrusted(): boolean {
    return this.#isTrusted
  }

  get troubles(): readonly Trouble[] {
    return [...this.#troubles]
  }

  /** What the clock shows, to be vouched for. */
  shown(): Reading {
    this.#compare()
    return readClocksAtOnce(this.#ctx.clock)
  }

  /** Somebody vouches for what it showed: that is what later times are compared with. Others may still say no. */
  async vouch(shown: Reading, entry: (movedMs: number) => AuditEntry): Promise<void> {
    // Recorded first: what cannot be recorded was not said.
    await insertAudit(this.#ctx.db, [entry(Math.round(anchorOf(shown) - this.#anchor))])
    this.#anchor = anchorOf(shown)
    this.#compare()
  }

  /** Asks the database now. */
  async compareDatabase(): Promise<void> {
    await this.#running.get('database')
    await this.#askDatabase()
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#running.values())
  }

  #look(): void {
    this.#compare()
    const now = performance.now()
    if (now - this.#lookedAt > COMPARE_MS + HELD_MS) this.#heldAt = now
    this.#lookedAt = now
    const { settleSeconds } = this.#ctx.config.clock
    if (now - this.#wellSince >= settleSeconds * 1000) this.#trust()
    this.#lasting.note('clock_distrusted', {
      on: !this.#isTrusted,
      patienceMs: this.#wasTrusted ? 0 : START_MS,
      says: `the clock of this machine is not trusted: nothing is dated by it (${[...this.#troubles].join(', ')})`,
    })
    this.#once('audit', () => this.#record())
  }

  #compare(): Reading {
    // What was never trusted is nothing to have jumped from.
    if (!this.#wasTrusted) this.#anchor = anchorOf(readClocksAtOnce(this.#ctx.clock))
    const reading = readClocks(this.#ctx.clock)
    const { toleranceMs } = this.#ctx.config.clock
    const [least, most] = [
      reading.wall - reading.to - this.#anchor,
      reading.wall - reading.from - this.#anchor,
    ]
    const jumped = !(least <= toleranceMs && most >= -toleranceMs)
    const isNews = jumped && !this.#troubles.has('jump')
    this.#note('jump', jumped)
    // The servers know which of the two times was the right one.
    if (isNews && this.#ctx.config.clock.ntpServers.length > 0)
      this.#once('reference', () => this.#askServers())
    return reading
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
    const { ntpServers: servers, toleranceMs } = this.#ctx.config.clock
    const began = performance.now()
    const offsets = await Promise.all(servers.map((server) => askTime(server, this.#ctx.clock)))
    const known = offsets.filter((offset) => offset !== undefined)
    const agreeing = known.filter(({ ms, boundMs }) => Math.abs(ms) + boundMs <= toleranceMs)
    // An answer that was long on its way says neither.
    const against = known.filter(({ ms, boundMs }) => Math.abs(ms) - boundMs > toleranceMs)
    if (isMost(agreeing, servers)) {
      this.#missed = 0
      this.#excused = 0
      // As it was when they were asked: what happened since is not what they agreed to.
      this.#anchor = agreeing[0]?.anchor ?? this.#anchor
      this.#note('reference', false)
    } else if (isMost(against, servers) || this.#isOutOfPatience(began)) this.#note('reference', true)
  }

  /** A comparison that began then has come to nothing. */
  #isOutOfPatience(began: number): boolean {
    if (this.#heldAt >= began && ++this.#excused <= EXCUSES) return false
    return ++this.#missed >= PATIENCE
  }

  #note(trouble: Trouble, isThere: boolean): void {
    if (isThere) {
      this.#troubles.add(trouble)
      if (this.#isTrusted) this.#distrust(trouble)
    } else if (this.#troubles.delete(trouble) && this.#troubles.size === 0) {
      this.#wellSince = performance.now()
      // What was never trusted has nothing to settle.
      if (!this.#wasTrusted) this.#trust()
    }
  }

  #distrust(trouble: Trouble): void {
    this.#isTrusted = false
    this.#say('clock.distrusted', trouble)
    this.#look()
  }

  #trust(): void {
    if (this.#isTrusted || this.#troubles.size > 0) return
    if (!this.#wasTrusted) this.#compare()
    this.#isTrusted = true
    if (this.#wasTrusted) this.#say('clock.trusted')
    this.#wasTrusted = true
    this.#onTrusted?.()
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

const anchorOf = ({ wall, to }: Reading): number => wall - to

const isMost = (some: readonly Offset[], all: readonly string[]): boolean => some.length * 2 > all.length
