import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Ground, type Place } from '../chaos/support/ground.ts'
import { until } from '../chaos/support/until.ts'
import { ask, queryOf } from '../pki/tsaClient.ts'
import { firstThere, judge, type Probe } from './judge.ts'

const LIBRARY = firstThere([
  process.env['INTAGLIO_TEST_FAKETIME'] ?? '',
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
])
/** The requirement: no timestamp is made later than this after the clock went wrong. */
const STOPS_MS = 1_000
const GOES_ON_MS = 15_000

const probe = (): Probe =>
  LIBRARY !== undefined && existsSync(LIBRARY)
    ? { version: LIBRARY }
    : { missing: 'libfaketime not found; INTAGLIO_TEST_FAKETIME names the library' }

/** A real process whose wall clock jumps while its monotonic clock goes on. */
judge('libfaketime', probe, (tally) => {
  let ground: Ground
  let place: Place
  let folder: string
  before(async function () {
    this.timeout(60_000)
    folder = mkdtempSync(join(tmpdir(), 'intaglio-faketime-'))
    set('+0')
    ground = await Ground.make()
    place = await ground.place({
      env: {
        LD_PRELOAD: LIBRARY ?? '',
        FAKETIME_TIMESTAMP_FILE: join(folder, 'offset'),
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      change: (config) => ({ ...config, clock: { toleranceMs: 500, settleSeconds: 1 } }),
    })
    await place.server.ready()
  })
  after(async () => {
    await ground.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const set = (offset: string): void => writeFileSync(join(folder, 'offset'), `${offset}\n`)
  const answered = async (): Promise<string> =>
    (await ask(place.url, queryOf({})).catch(() => undefined))?.failure ?? 'granted'

  for (const offset of ['+2', '-2', '+3600', '-3600', '-86400']) {
    it(`moves the clock by ${offset} s: timestamps stop, and go on when it is back`, async () => {
      expect(await answered()).to.equal('granted')
      set(offset)
      const began = performance.now()
      await until(async () => (await answered()) === 'timeNotAvailable', {
        withinMs: STOPS_MS,
        otherwise: () => 'timestamps are still made',
      })
      expect(performance.now() - began).to.be.lessThan(STOPS_MS)
      set('+0')
      await until(async () => (await answered()) === 'granted', {
        withinMs: GOES_ON_MS,
        otherwise: () => `timestamps do not go on: ${ground.bugs}`,
      })
      tally.add('jumps')
    }).timeout(60_000)
  }
})
