import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import type { Failpoint } from './failpoints.ts'
import { Ground, type Place } from './ground.ts'
import { Load } from './load.ts'
import { until } from './until.ts'

/** From the death of a process until what it left open is closed: its lease, a pass of recovery, and some air. */
export const RECOVERY_MS = 10_000
const CLIENTS = 16
/** Starting is what takes the time here, and it should get it. */
const THINKING_MS = 60
/** A point is passed hundreds of times a second under this load: one that is not passed by then does not exist. */
const POINT_MS = 20_000
const STOCK = 1_000
const POLL_MS = 100
const STARTS = 3
/** A statement that a dead process sent may still become durable. */
const LATE_MS = 1_500

interface Death {
  readonly instance: string
  at: number
  /** When attempts of it were last seen open. */
  lastOpen: number | undefined
}

/** Servers that are killed under load, again and again. */
export class Killing {
  readonly ground: Ground
  readonly load: Load
  readonly places: Place[] = []
  kills = 0
  /** Deaths that left attempts open. */
  deathsWithOpen = 0
  worstRecoveryMs = 0
  failedStarts = 0
  readonly #instanceOf = new Map<Place, string>()
  #unsettled: Death[] = []
  #isWatching = true
  #watch: Promise<void> = Promise.resolve()

  private constructor(ground: Ground, thinkingMs: number) {
    this.ground = ground
    const urls = (): string[] => this.places.map(({ url }) => url)
    this.load = new Load(ground, { urls, clients: CLIENTS, thinkingMs })
  }

  static async begin({ thinkingMs = THINKING_MS } = {}): Promise<Killing> {
    const killing = new Killing(await Ground.make(), thinkingMs)
    await killing.addPlace()
    await killing.load.stock(killing.places[0]?.url ?? '', STOCK)
    killing.load.start()
    killing.#watch = killing.#watchRecovery()
    return killing
  }

  async addPlace(): Promise<void> {
    const place = await this.ground.place()
    await place.server.ready()
    this.#instanceOf.set(place, await this.#newInstance())
    this.places.push(place)
  }

  /** Kills a server under load, and starts the next in its place. */
  async kill(point: Failpoint | 'at random', place = this.places[0]): Promise<void> {
    if (place === undefined) throw new Error('there is no server')
    const { server } = place
    if (this.load.left < STOCK / 2) await this.load.stock(place.url, STOCK)
    // Under load, and neither before it nor after it.
    await this.load.progress(20)
    if (point === 'at random') {
      await delay(randomInt(0, 300))
      server.child.kill('SIGKILL')
    } else server.arm({ point, pass: randomInt(1, 12) })
    const ended = await Promise.race([server.ended, delay(POINT_MS, undefined, { ref: false })])
    if (ended === undefined) throw new Error(`the point "${point}" was not passed`)
    expect(ended.signal, ended.err).to.equal('SIGKILL')
    this.kills++
    this.#mourn(place, server.endedAt ?? performance.now())
    await this.#restart(place)
    this.#instanceOf.set(place, await this.#newInstance())
  }

  /** As who supervises services does: again, where a machine that is busy let a deadline of the start pass. */
  async #restart(place: Place): Promise<void> {
    for (let left = STARTS; ; left--) {
      try {
        await place.restart().ready()
        return
      } catch (error) {
        if (left === 1) throw error
        this.failedStarts++
      }
    }
  }

  /** Resolves when everything that the dead left open is closed. */
  async settled(): Promise<void> {
    await until(() => this.#unsettled.length === 0, {
      withinMs: 3 * RECOVERY_MS,
      otherwise: () => `what dead processes left open is not closed: ${JSON.stringify(this.#unsettled)}`,
    })
  }

  /** Ends the load and the servers, and holds the books against the database. */
  async end(): Promise<void> {
    await this.settled()
    await this.load.stop()
    for (const { server } of this.places) expect((await server.kill('SIGTERM')).code).to.equal(0)
    this.#isWatching = false
    await this.#watch
    await this.ground.check()
  }

  async remove(): Promise<void> {
    this.#isWatching = false
    await this.load.stop()
    await this.#watch
    await this.ground.remove()
  }

  figures(): Record<string, number> {
    return {
      kills: this.kills,
      'deaths that left attempts open': this.deathsWithOpen,
      'starts that failed': this.failedStarts,
      'worst recovery, ms': Math.round(this.worstRecoveryMs),
      requests: this.load.requests,
      'signatures received and verified': this.load.signatures,
    }
  }

  #mourn(place: Place, at: number): void {
    const instance = this.#instanceOf.get(place) ?? ''
    // Where there is no other server, nobody can have recovered anything until this one's successor serves.
    if (this.places.length === 1) for (const death of this.#unsettled) death.at = at
    this.#unsettled.push({ instance, at, lastOpen: undefined })
  }

  async #newInstance(): Promise<string> {
    const known = [...this.#instanceOf.values()]
    const rows = await this.ground.sql<{ id: string }>(
      'select id from instance where id <> all($1::uuid[]) order by started_at desc limit 1',
      [known],
    )
    return rows[0]?.id ?? ''
  }

  async #watchRecovery(): Promise<void> {
    while (this.#isWatching) {
      const rows = await this.ground.sql<{ instance: string }>('select distinct instance from attempt')
      const open = new Set(rows.map(({ instance }) => instance))
      const now = performance.now()
      for (const death of this.#unsettled) if (open.has(death.instance)) death.lastOpen = now
      this.#unsettled = this.#unsettled.filter(
        (death) => open.has(death.instance) || now - death.at < LATE_MS || !this.#settle(death),
      )
      await delay(POLL_MS)
    }
  }

  #settle({ at, lastOpen }: Death): boolean {
    if (lastOpen === undefined) return true
    this.deathsWithOpen++
    this.worstRecoveryMs = Math.max(this.worstRecoveryMs, lastOpen + POLL_MS - at)
    return true
  }
}
