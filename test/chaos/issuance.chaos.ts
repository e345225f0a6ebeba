import { randomInt } from 'node:crypto'
import { issuanceFailpoints } from './support/issuanceFailpoints.ts'
import { Issuing } from './support/issuing.ts'
import { Progress } from './support/progress.ts'

const AT_EACH_POINT = 10
const AT_RANDOM = 100
/** Some fifty certificates: each step is met by chance. */
const LATEST_MS = 500

describe('kill -9 of a process that issues', function () {
  this.timeout(30 * 60_000)
  let issuing: Issuing
  before(async () => {
    issuing = await Issuing.begin()
  })
  after(() => issuing.close())

  it('at each step, leaves no serial twice, nothing unrecorded, and nothing planned that another does not end', async () => {
    const progress = new Progress('kill -9 while issuing', issuanceFailpoints.length * AT_EACH_POINT)
    for (const point of issuanceFailpoints) {
      for (let n = 0; n < AT_EACH_POINT; n++) {
        await issuing.kill(point, 1 + n * 4)
        progress.step(point, { 'given out': issuing.given.length })
      }
      await issuing.recover()
    }
    await issuing.check()
    const revoked = await issuing.revokeUnfinished()
    progress.end({ kills: issuing.kills, 'given out': issuing.given.length, revoked }, new Map())
  })

  it('at any moment, leaves as little', async () => {
    const progress = new Progress('kill -9 while issuing, at random', AT_RANDOM)
    for (let n = 0; n < AT_RANDOM; n++) {
      await issuing.killAfter(randomInt(LATEST_MS))
      progress.step('at random', { 'given out': issuing.given.length })
    }
    await issuing.recover()
    await issuing.check()
    const revoked = await issuing.revokeUnfinished()
    progress.end({ kills: issuing.kills, 'given out': issuing.given.length, revoked }, new Map())
  })
})
