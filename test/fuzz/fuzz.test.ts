import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { campaign } from './campaign.ts'
import { targets } from './targets.ts'

const INPUTS = 2_000

/** The short form of `npm run fuzz`, with the same inputs each time. */
describe('octets that nobody would send', function () {
  this.timeout(120_000)
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  for (const [name, make] of Object.entries(targets)) {
    it(`get an answer in the words of ${name}, soon, and never a bug`, async () => {
      const { failures, said } = await campaign(await make(service), { inputs: INPUTS, seed: 'short' })
      expect(failures).to.deep.equal([])
      // Some are still understood, most are not: both ways are walked.
      expect(said.size).to.be.greaterThan(2)
      expect(service.log()).not.to.match(/"a request failed"/)
    })
  }
})
