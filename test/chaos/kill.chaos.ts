import { expect } from 'chai'
import { failpoints } from './support/failpoints.ts'
import { Killing, RECOVERY_MS } from './support/kills.ts'
import { Progress } from './support/progress.ts'

const AT_EACH_POINT = 10
/** Of those, with one server only, whose successor must close everything by itself. */
const ALONE = 2
const AT_RANDOM = 100

describe('kill -9 of the service, under load', function () {
  this.timeout(60 * 60_000)
  let killing: Killing
  before(async () => {
    killing = await Killing.begin()
  })
  after(() => killing.remove())

  it('at each named point and at random, loses no signature and doubles none', async () => {
    const progress = new Progress('kill -9', failpoints.length * AT_EACH_POINT + AT_RANDOM)
    for (const point of failpoints) {
      for (let n = 0; n < ALONE; n++) {
        await killing.kill(point)
        // The next start, alone, closes what this one left.
        await killing.settled()
        progress.step(`${point}, alone`, killing.figures())
      }
    }
    await killing.addPlace()
    for (const point of failpoints) {
      for (let n = ALONE; n < AT_EACH_POINT; n++) {
        await killing.kill(point, killing.places[n % 2])
        progress.step(`${point}, one of two`, killing.figures())
      }
    }
    for (let n = 0; n < AT_RANDOM; n++) {
      await killing.kill('at random', killing.places[n % 2])
      progress.step('at random, one of two', killing.figures())
    }
    await killing.end()
    progress.end(killing.figures(), killing.load.answers)
    expect(killing.worstRecoveryMs).to.be.lessThan(RECOVERY_MS)
    expect(killing.load.unexpected()).to.deep.equal([])
  })
})
