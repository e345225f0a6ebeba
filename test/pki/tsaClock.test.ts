import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { checkNotFuture, ClockRefusal, trustedTime } from '../../src/pki/clock.ts'
import { CscClient } from '../csc/client.ts'
import { startService, type TestService } from '../support/startService.ts'
import { ask, queryOf } from './tsaClient.ts'

const WAIT_MS = 10_000
const POLL_MS = 50
/** RFC 5905: where NTP counts from. */
const TO_1970 = 2_208_988_800

/** A time server whose clock is wrong by as much as it is told; undefined: it says nothing. */
class TimeServer {
  offsetMs: number | undefined = 0
  stratum = 1
  /** Answers something that was never asked. */
  isForged = false
  asked = 0
  readonly #socket: Socket = createSocket('udp4')

  static async start(): Promise<TimeServer> {
    const server = new TimeServer()
    server.#socket.on('message', (question, from) => server.#answer(question, from.port))
    server.#socket.bind(0, '127.0.0.1')
    await once(server.#socket, 'listening')
    return server
  }

  get name(): string {
    return `127.0.0.1:${String(this.#socket.address().port)}`
  }

  #answer(question: Buffer, port: number): void {
    this.asked++
    if (this.offsetMs === undefined) return
    const answer = Buffer.alloc(48)
    answer[0] = 0x24
    answer[1] = this.stratum
    question.copy(answer, 24, 40, 48)
    if (this.isForged) answer[24] = (answer[24] ?? 0) ^ 1
    const now = Date.now() + this.offsetMs
    for (const at of [32, 40]) {
      answer.writeUInt32BE(Math.floor(now / 1000) + TO_1970, at)
      answer.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), at + 4)
    }
    this.#socket.send(answer, port, '127.0.0.1')
  }

  stop(): void {
    this.#socket.close()
  }
}

async function until(what: string, is: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  while (!(await is())) {
    if (performance.now() - began > WAIT_MS) throw new Error(`not within ${String(WAIT_MS)} ms: ${what}`)
    await pause(POLL_MS)
  }
  return performance.now() - began
}

/** Moves the wall clock that the service reads, and nothing else. */
function shift({ ctx }: TestService, ms: number): void {
  Object.assign(ctx, { clock: () => Date.now() + ms })
}

const failureOf = async ({ url }: TestService): Promise<string | undefined> =>
  (await ask(url, queryOf({}))).failure
const served = (service: TestService): Promise<number> =>
  until('a timestamp', async () => (await failureOf(service)) === undefined)
const refused = (service: TestService): Promise<number> =>
  until('a refusal', async () => (await failureOf(service)) === 'timeNotAvailable')

describe('the clock of the service', function () {
  this.timeout(60_000)

  describe('where nothing but the machine tells the time', () => {
    let service: TestService
    before(async () => {
      service = await startService({ clock: { toleranceMs: 500, settleSeconds: 1 } })
    })
    afterEach(async () => {
      shift(service, 0)
      await served(service)
      await service.checkState()
    })
    after(() => service.close())

    const HOUR = 3_600_000
    for (const [name, ms] of [
      ['2 seconds ahead', 2_000],
      ['2 seconds back', -2_000],
      ['an hour ahead', HOUR],
      ['an hour back', -HOUR],
      ['a day back', -24 * HOUR],
    ] as const) {
      it(`that jumps ${name} stops timestamps at once, and lets them go on when it is back`, async () => {
        expect(await failureOf(service)).to.equal(undefined)
        shift(service, ms)
        expect(await failureOf(service)).to.equal('timeNotAvailable')
        expect(() => trustedTime(service.ctx)).to.throw(ClockRefusal)
        // It has to be right for a while before it is believed.
        await pause(250)
        shift(service, 0)
        expect(await failureOf(service)).to.equal('timeNotAvailable')
        expect(await served(service)).to.be.greaterThan(500)
      })
    }

    it('that is off by less than is tolerated stops nothing', async () => {
      shift(service, 300)
      expect(await failureOf(service)).to.equal(undefined)
      shift(service, -300)
      expect(await failureOf(service)).to.equal(undefined)
    })

    it('that stops is an alarm and an audit entry, and so is its going on', async () => {
      const instance = `instance:${service.ctx.instanceId}`
      const count = async (act: string): Promise<number> => (await service.acts(act, instance)).length
      const [stops, starts] = [await count('clock.distrusted'), await count('clock.trusted')]
      shift(service, 5_000)
      expect(() => trustedTime(service.ctx)).to.throw(ClockRefusal)
      expect(service.log()).to.include('"alarm":"clock_distrusted"')
      await until('the entry of the stop', async () => (await count('clock.distrusted')) === stops + 1)
      shift(service, 0)
      await served(service)
      await until('the entry of the start', async () => (await count('clock.trusted')) === starts + 1)
      expect(service.log()).to.include('"over":"clock_distrusted"')
      const [last] = (await service.acts('clock.distrusted', instance)).slice(-1)
      expect(last?.detail).to.deep.equal({ trouble: 'jump' })
    })

    it('that is not trusted is said to clients of the CSC API, too', async () => {
      const client = await CscClient.of(service)
      shift(service, 5_000)
      const hash = 'v8dN3M9dD7Bb2MIhUrMNen/CAWAED1LxlLguI3rmH7k='
      const answer = await client.call('signatures/timestamp', { hash, hashAlgo: '2.16.840.1.101.3.4.2.1' })
      expect(answer.status).to.equal(503)
      expect(answer.headers.get('retry-after')).to.equal('10')
      expect(answer.body).to.deep.equal({
        error: 'temporarily_unavailable',
        error_description: 'The clock of the service is not trusted at the moment',
      })
    })

    it('dates nothing from its future', async () => {
      checkNotFuture(service.ctx, new Date())
      expect(() => checkNotFuture(service.ctx, new Date(Date.now() + 5_000))).to.throw(ClockRefusal)
      shift(service, 3_600_000)
      expect(() => checkNotFuture(service.ctx, new Date())).to.throw(ClockRefusal)
      await refused(service)
    })
  })

  describe('where time servers are asked', () => {
    let service: TestService
    let servers: readonly TimeServer[]
    before(async () => {
      servers = await Promise.all([1, 2, 3].map(() => TimeServer.start()))
      const ntpServers = servers.map(({ name }) => name)
      service = await startService({
        clock: { toleranceMs: 500, settleSeconds: 1, ntpSeconds: 1, ntpServers },
      })
    })
    beforeEach(() => served(service))
    afterEach(async () => {
      shift(service, 0)
      for (const server of servers) Object.assign(server, { offsetMs: 0, stratum: 1, isForged: false })
      await served(service)
      await service.checkState()
    })
    after(async () => {
      await service.close()
      for (const server of servers) server.stop()
    })

    it('is wrong when most of them say so, and right when they do again', async () => {
      for (const server of servers.slice(1)) server.offsetMs = 3_000
      await refused(service)
    })

    it('is right whatever one of them says', async () => {
      const [one] = servers
      if (one !== undefined) one.offsetMs = -3_000
      const { asked = 0 } = one ?? {}
      await until('two more questions', () => Promise.resolve((one?.asked ?? 0) >= asked + 2))
      expect(await failureOf(service)).to.equal(undefined)
    })

    it('is not believed for long when one says nothing, one knows nothing, and one answers what was not asked', async () => {
      const changes = [{ offsetMs: undefined }, { stratum: 16 }, { isForged: true }]
      for (const [index, server] of servers.entries()) Object.assign(server, changes[index])
      expect(await refused(service)).to.be.greaterThan(1_000)
    })

    it('that jumped is right where they say so, and is refused all the same while the database disagrees', async () => {
      shift(service, 60_000)
      for (const server of servers) server.offsetMs = 60_000
      await refused(service)
      const instance = `instance:${service.ctx.instanceId}`
      // The servers vouch for the new time; the clock of the database is the old one.
      await until('all of them asked again', () => Promise.resolve(servers.every(({ asked }) => asked > 3)))
      await pause(2_500)
      expect(await failureOf(service)).to.equal('timeNotAvailable')
      expect(await service.acts('clock.trusted', instance)).to.be.an('array')
    })
  })
})
