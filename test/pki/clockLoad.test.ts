import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { trustedTime } from '../../src/pki/clock.ts'
import { Ground } from '../chaos/support/ground.ts'
import { startService } from '../support/startService.ts'
import { failureOf, TimeServer, until } from './support/clocks.ts'
import { ask, queryOf } from './tsaClient.ts'

/** Longer than a time server is waited for, and than a clock may differ. */
const HELD_MS = 1_500
/** More than may come to nothing. */
const COMPARISONS = 5
const CLOCK = { toleranceMs: 500, settleSeconds: 1, ntpSeconds: 1 }

/** Nothing else is done in this process meanwhile. */
function hold(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

const stopsOf = (sql: <Row>(text: string) => Promise<Row[]>): Promise<unknown[]> =>
  sql(`select 1 from audit where act = 'clock.distrusted'`)

/** A machine that is busy is no clock that is wrong: nobody is kept from a certificate by it. */
describe('the clock of a service that is held up', function () {
  this.timeout(120_000)
  let servers: readonly TimeServer[]
  before(async () => {
    servers = await Promise.all([1, 2, 3].map(() => TimeServer.start()))
  })
  after(() => {
    for (const server of servers) server.stop()
  })
  const clock = () => ({ ...CLOCK, ntpServers: servers.map(({ name }) => name) })

  it('by work of its own, in the midst of each comparison, is trusted all the while', async () => {
    const service = await startService({ clock: clock() })
    const [server] = servers
    const { asked = 0 } = server ?? {}
    // Whichever is asked first: none of its comparison has answered before.
    let turn = 0
    const holdFirst = (): void => {
      if (turn++ % servers.length === 0) hold(HELD_MS)
    }
    for (const one of servers) one.beforeAnswering = holdFirst
    await until('comparisons', () => {
      trustedTime(service.ctx)
      return Promise.resolve((server?.asked ?? 0) >= asked + COMPARISONS)
    })
    for (const one of servers) one.beforeAnswering = () => undefined
    await until('another one', () => Promise.resolve((server?.asked ?? 0) >= asked + COMPARISONS + 2))
    expect(await failureOf(service)).to.equal(undefined)
    expect(await stopsOf((text) => service.sql(text))).to.deep.equal([])
    await service.checkState()
    await service.close()
  })

  describe('by others', () => {
    let ground: Ground
    let busy: ChildProcess[] = []
    before(async () => {
      ground = await Ground.make()
    })
    after(async () => {
      for (const one of busy) one.kill('SIGKILL')
      await ground.remove()
    })

    it('on all cores, and that is stopped and goes on, is trusted all the while', async () => {
      const place = await ground.place({ change: (config) => ({ ...config, clock: clock() }) })
      await place.server.ready()
      const granted = async (): Promise<string> =>
        (await ask(place.url, queryOf({})).catch(() => undefined))?.failure ?? 'granted'
      expect(await granted()).to.equal('granted')
      busy = Array.from({ length: 2 * availableParallelism() }, () =>
        spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' }),
      )
      for (let times = 3; times > 0; times--) {
        place.server.child.kill('SIGSTOP')
        await pause(HELD_MS)
        place.server.child.kill('SIGCONT')
        // The first one may be late for its time, and is discarded: that is no matter of the clock.
        await until('a timestamp', async () => {
          const said = await granted()
          expect(said).not.to.equal('timeNotAvailable')
          return said === 'granted'
        })
      }
      const { asked = 0 } = servers[0] ?? {}
      await until('two answers', () => Promise.resolve((servers[0]?.asked ?? 0) >= asked + 2))
      expect(await granted()).to.equal('granted')
      expect(await stopsOf((text) => ground.sql(text))).to.deep.equal([])
      await place.server.kill('SIGTERM')
      await ground.check()
    })
  })
})
