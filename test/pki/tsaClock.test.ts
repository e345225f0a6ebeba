import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { ClockRefusal, trustedTime } from '../../src/pki/clock.ts'
import { CscClient } from '../csc/client.ts'
import { startService, type TestService } from '../support/startService.ts'
import { failureOf, refused, served, shift, TimeServer, until } from './support/clocks.ts'

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
