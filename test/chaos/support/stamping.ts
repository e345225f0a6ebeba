import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { ask, infoOf, queryOf } from '../../pki/tsaClient.ts'
import type { Failpoint } from './failpoints.ts'
import { Ground, type Place } from './ground.ts'
import { RECOVERY_MS } from './kills.ts'
import { until } from './until.ts'

const CLIENTS = 8
/** Before a death, so that it comes under load. */
const BEFORE = 20

/** A service that makes timestamps and is killed while it does, and what its callers got of it. */
export class Stamping {
  readonly ground: Ground
  readonly #place: Place
  /** Serial numbers of timestamps that arrived, and what they were over. */
  readonly received: { readonly serial: string; readonly imprint: string }[] = []
  /** Questions that nobody answered, since who was asked died. */
  unanswered = 0
  #isAsking = true
  readonly #clients: Promise<void>[]

  private constructor(ground: Ground, place: Place) {
    this.ground = ground
    this.#place = place
    this.#clients = Array.from({ length: CLIENTS }, () => this.#client())
  }

  static async begin(): Promise<Stamping> {
    const ground = await Ground.make()
    const place = await ground.place()
    await place.server.ready()
    return new Stamping(ground, place)
  }

  /** Under load, at a named point; the next process takes its place. */
  async kill(point: Failpoint): Promise<void> {
    await this.#more()
    const { server } = this.#place
    server.arm({ point, pass: 3 })
    expect((await server.ended).signal).to.equal('SIGKILL')
    await this.#place.restart().ready()
  }

  /** No serial number twice, none that is not recorded, and nothing left open. */
  async end(): Promise<void> {
    await this.#more()
    this.#isAsking = false
    await Promise.all(this.#clients)
    // Only when nobody asks any more is all that is open a dead process's, also while its lease runs.
    await until(async () => (await this.ground.open()) === 0, {
      withinMs: 3 * RECOVERY_MS,
      otherwise: () => 'what dead processes left open is not closed',
    })
    await this.#place.server.kill('SIGTERM')
    const serials = this.received.map(({ serial }) => serial)
    expect(new Set(serials).size).to.equal(serials.length)
    const rows = await this.ground.sql<{ serial: string; imprint: string }>(
      `select encode(serial, 'hex') as serial, encode(imprint, 'hex') as imprint
         from timestamp_token where gen_time is not null`,
    )
    const recorded = new Map(rows.map(({ serial, imprint }) => [serial, imprint]))
    for (const { serial, imprint } of this.received) expect(recorded.get(serial), serial).to.equal(imprint)
    await this.ground.check()
  }

  async remove(): Promise<void> {
    this.#isAsking = false
    await Promise.all(this.#clients)
    await this.ground.remove()
  }

  async #more(): Promise<void> {
    const wanted = this.received.length + BEFORE
    await until(() => this.received.length >= wanted, {
      withinMs: 2 * RECOVERY_MS,
      otherwise: () => `no timestamps arrive any more: ${this.ground.bugs}`,
    })
  }

  async #client(): Promise<void> {
    while (this.#isAsking) {
      const imprint = randomBytes(32)
      const reply = await ask(this.#place.url, queryOf({ imprint })).catch(() => undefined)
      if (reply?.token === undefined) {
        this.unanswered++
        await delay(50)
      } else this.received.push({ serial: infoOf(reply.token).serial, imprint: imprint.toString('hex') })
    }
  }
}
