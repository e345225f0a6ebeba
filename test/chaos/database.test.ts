import { expect } from 'chai'
import { OwnPostgres } from '../support/ownPostgres.ts'
import { HEALING_MS, Siege } from './support/databaseFaults.ts'

/** The short form of database.chaos.ts. */
describe('a service whose database fails under load', function () {
  this.timeout(120_000)
  let siege: Siege
  before(async () => {
    siege = await Siege.begin(await OwnPostgres.start())
  })
  after(() => siege.remove())

  it('signs nothing meanwhile, answers 503, and heals', async () => {
    for (const fault of siege.faultsOfPostgres()) {
      // What is frozen or silent takes the service's own deadlines to notice; that is the long form's.
      if (fault.isStanding === true) continue
      await siege.suffer(fault, 500)
    }
    await siege.end()
    expect(siege.worstHealingMs).to.be.lessThan(HEALING_MS)
  })
})
