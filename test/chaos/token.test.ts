import { Breaking, tokenFaults } from './support/tokenFaults.ts'

/** The short form of token.chaos.ts. */
describe('a service whose token fails under load', function () {
  this.timeout(120_000)
  let breaking: Breaking
  before(async () => {
    breaking = await Breaking.begin()
  })
  after(() => breaking.remove())

  it('lives, answers 503, recovers by itself, and lets no wrong signature out', async () => {
    const often = { 'device error': 5, 'session invalid': 5, 'not logged in': 5 } as const
    for (const fault of tokenFaults) {
      // A hang lasts until the service's own deadline; that is the long form's.
      if (fault !== 'hang') await breaking.suffer(fault, fault in often ? 5 : 1)
    }
    await breaking.end()
  })
})
