import { expect } from 'chai'
import { failpoints } from './support/failpoints.ts'
import { Killing, RECOVERY_MS } from './support/kills.ts'

/** A hundred requests a second pass each point soon enough, and leave time to the tests beside these. */
const THINKING_MS = 150

/** The short form of kill.chaos.ts. */
describe('a service that is killed under load', function () {
  this.timeout(120_000)
  let killing: Killing
  before(async () => {
    killing = await Killing.begin({ thinkingMs: THINKING_MS })
  })
  after(() => killing.remove())

  it('loses no signature and doubles none, wherever it dies, and the next start closes what was open', async () => {
    for (const point of failpoints) await killing.kill(point)
    await killing.end()
    expect(killing.deathsWithOpen).to.be.greaterThan(0)
    // Beside other tests a start alone may take as long as recovery may: the long form holds it to its bound.
    console.log(`    worst recovery ${Math.round(killing.worstRecoveryMs)} ms (bound: ${RECOVERY_MS} ms)`)
    expect(killing.load.unexpected()).to.deep.equal([])
  })
})
