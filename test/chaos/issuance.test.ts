import { expect } from 'chai'
import { issuanceFailpoints } from './support/issuanceFailpoints.ts'
import { Issuing } from './support/issuing.ts'

/** The short form of issuance.chaos.ts. */
describe('a process that is killed while it issues', function () {
  this.timeout(240_000)
  let issuing: Issuing
  before(async () => {
    issuing = await Issuing.begin()
  })
  after(() => issuing.close())

  it('leaves no serial twice, nothing unrecorded, and nothing planned that another does not end, and an operator revoke', async () => {
    for (const [index, point] of issuanceFailpoints.entries()) await issuing.kill(point, index + 3)
    expect(await issuing.planned()).to.be.greaterThan(0)
    expect(issuing.given.length).to.be.greaterThan(0)
    await issuing.recover()
    await issuing.check()
    expect(await issuing.revokeUnfinished()).to.be.greaterThan(0)
  })
})
