import { randomInt } from 'node:crypto'
import { expect } from 'chai'
import { Progress } from './support/progress.ts'
import { Breaking, RECOVERY_MS, tokenFaults, type TokenFault } from './support/tokenFaults.ts'

const FAULTS = 1_000
/** Each costs its signer ten seconds. */
const HANGS = 10
/** In calls that come one after another: what costs signers their lives comes seldom, for each starts anew. */
const AT_ONCE: Readonly<Record<TokenFault, number>> = {
  crash: 2,
  hang: 1,
  'device error': 50,
  'session invalid': 50,
  'not logged in': 50,
  vanished: 1,
  'flipped bit': 2,
}

describe('a token that fails under load, a thousand times', function () {
  this.timeout(40 * 60_000)
  let breaking: Breaking
  before(async () => {
    breaking = await Breaking.begin()
  })
  after(() => breaking.remove())

  it('the service lives, answers 503, recovers by itself, and lets no wrong signature out', async () => {
    const progress = new Progress('token', FAULTS)
    let hangs = 0
    for (let round = 0; breaking.faults < FAULTS; round++) {
      const fault = tokenFaults[round % tokenFaults.length] ?? 'crash'
      if (fault === 'hang' && hangs++ >= HANGS) continue
      await breaking.suffer(fault, randomInt(1, AT_ONCE[fault] + 1))
      progress.to(breaking.faults, fault, breaking.figures())
    }
    await breaking.end()
    progress.end(breaking.figures(), breaking.load.answers)
    expect(breaking.worstRecoveryMs).to.be.lessThan(RECOVERY_MS)
  })
})
