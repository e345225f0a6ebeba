import { Stamping } from './support/stamping.ts'

/** The short form of timestamps.chaos.ts. */
describe('a service that is killed while it makes timestamps', function () {
  this.timeout(120_000)
  let stamping: Stamping
  before(async () => {
    stamping = await Stamping.begin()
  })
  after(() => stamping.remove())

  it('gives no serial number out twice, and none that is not recorded', async () => {
    for (const point of ['reserved', 'signed'] as const) await stamping.kill(point)
    await stamping.end()
  })
})
