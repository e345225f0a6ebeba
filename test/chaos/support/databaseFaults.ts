import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import type { OwnPostgres } from '../../support/ownPostgres.ts'
import { Ground, type Place } from './ground.ts'
import { Load, type Answer } from './load.ts'
import { Proxy } from './proxy.ts'
import { until } from './until.ts'

/** From the moment that the database takes statements again. */
export const HEALING_MS = 5_000
/** A statement may wait for one that hangs (10 s) and then hang itself; connecting takes 3 s at most. */
export const HANG_MS = 25_000
/** Of a statement, as src/db/database.ts has it. */
export const DEADLINE_MS = 10_000
const CLIENTS = 16
const STOCK = 6_000
const CLOSING_MS = 10_000
const QUIET_MS = 500
const QUIET_WITHIN_MS = 60_000

const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The service cannot record anything at the moment',
}

/** What happens to a database, and back. Each resolves when it has happened. */
export interface Fault {
  readonly name: string
  happen(): Promise<void> | void
  /** Resolves when the database takes statements again. */
  mend(): Promise<void> | void
  /** It neither answers nor ends a connection. */
  readonly isStanding?: true
}

/** A service under load on a database of its own, by a wire of its own. */
export class Siege {
  readonly postgres: OwnPostgres
  readonly proxy: Proxy
  readonly ground: Ground
  readonly load: Load
  readonly place: Place
  faults = 0
  worstHealingMs = 0

  private constructor(made: { postgres: OwnPostgres; proxy: Proxy; ground: Ground; place: Place }) {
    this.postgres = made.postgres
    this.proxy = made.proxy
    this.ground = made.ground
    this.place = made.place
    this.load = new Load(made.ground, {
      urls: () => [made.place.url],
      clients: CLIENTS,
      perAuthorisation: 150,
    })
  }

  static async begin(postgres: OwnPostgres): Promise<Siege> {
    const proxy = await Proxy.to(postgres.port)
    const ground = await Ground.make({ postgres })
    const place = await ground.place({
      change: (config) => ({
        ...config,
        database: { ...config.database, url: proxy.through(config.database.url) },
      }),
    })
    await place.server.ready()
    const siege = new Siege({ postgres, proxy, ground, place })
    await siege.load.stock(place.url, STOCK)
    siege.load.start()
    return siege
  }

  faultsOfPostgres(): Fault[] {
    const { postgres, proxy } = this
    return [
      { name: 'stopped', happen: () => postgres.stop(), mend: () => postgres.start() },
      { name: 'killed', happen: () => postgres.kill(), mend: () => postgres.start() },
      { name: 'cut off', happen: () => proxy.set('cut'), mend: () => proxy.set('pass') },
      { name: 'silent', happen: () => proxy.set('silent'), mend: () => proxy.set('pass'), isStanding: true },
      { name: 'frozen', happen: () => postgres.freeze(), mend: () => postgres.thaw(), isStanding: true },
    ]
  }

  /** One fault in mid-load: while it lasts nothing is signed, and soon after it everything is as before. */
  async suffer(fault: Fault, forMs: number): Promise<void> {
    if (this.load.left < STOCK / 2) await this.load.stock(this.place.url, STOCK)
    await this.load.progress(50)
    await fault.happen()
    // What was durable before may still be answered.
    await delay(200)
    const before = this.load.signatures
    const seen: Answer[] = []
    this.load.onAnswer = (answer) => seen.push(answer)
    await delay(forMs)
    expect(this.load.signatures, fault.name).to.equal(before)
    await fault.mend()
    const mended = performance.now()
    const afterMending = this.load.signatures
    await until(() => this.load.signatures >= afterMending + 2 * CLIENTS, {
      withinMs: 2 * HEALING_MS,
      otherwise: () => `no healing after "${fault.name}"`,
    })
    this.worstHealingMs = Math.max(this.worstHealingMs, performance.now() - mended)
    this.load.onAnswer = () => undefined
    this.faults++
    // What stands still refuses nobody before the service's own deadlines have passed.
    if (fault.isStanding !== true || forMs > DEADLINE_MS) this.#expectRefused(fault, seen)
  }

  /** Everybody who was refused was told so in the same words, and when to come again. */
  #expectRefused(fault: Fault, seen: readonly Answer[]): void {
    const refused = seen.filter(({ status }) => status !== 200 && status !== 400)
    expect(refused, fault.name).to.have.length.greaterThan(0)
    for (const { status, text, retryAfter } of refused) {
      expect({ status, retryAfter, text }, fault.name).to.deep.equal({
        status: 503,
        retryAfter: '2',
        text: JSON.stringify(UNAVAILABLE),
      })
    }
  }

  /** Resolves when nothing was signed for a while, and somebody was told so. */
  async refused(): Promise<void> {
    let [signatures, at, refusals] = [-1, 0, 0]
    this.load.onAnswer = ({ status }) => (refusals += status === 503 ? 1 : 0)
    const isQuiet = (): boolean => {
      if (this.load.signatures !== signatures) [signatures, at] = [this.load.signatures, performance.now()]
      return refusals > 0 && performance.now() - at > QUIET_MS
    }
    await until(isQuiet, { withinMs: QUIET_WITHIN_MS, otherwise: () => 'signatures are still made' })
  }

  async end(): Promise<void> {
    await this.load.stop()
    expect(this.load.unexpected()).to.deep.equal([])
    expect(this.load.slowestMs, 'no request hangs').to.be.lessThan(HANG_MS)
    expect((await this.place.server.kill('SIGTERM')).code).to.equal(0)
    // What was open when the database went, the next process closes: it need not wait for requests of a living one.
    await this.place.restart().ready()
    await until(async () => (await this.ground.open()) === 0, {
      withinMs: CLOSING_MS,
      otherwise: () => 'what was open when the database went is not closed',
    })
    expect((await this.place.server.kill('SIGTERM')).code).to.equal(0)
    await this.ground.check()
  }

  async remove(): Promise<void> {
    await this.load.stop()
    await this.ground.remove()
    await this.proxy.close()
    await this.postgres.remove()
  }

  figures(): Record<string, number> {
    return {
      faults: this.faults,
      'worst healing, ms': Math.round(this.worstHealingMs),
      'slowest answer, ms': Math.round(this.load.slowestMs),
      requests: this.load.requests,
      'signatures received and verified': this.load.signatures,
    }
  }
}
