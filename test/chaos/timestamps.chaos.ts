import { failpoints } from './support/failpoints.ts'
import { Progress } from './support/progress.ts'
import { Stamping } from './support/stamping.ts'

const AT_EACH_POINT = 10

describe('kill -9 of the service, while it makes timestamps', function () {
  this.timeout(60 * 60_000)
  let stamping: Stamping
  before(async () => {
    stamping = await Stamping.begin()
  })
  after(() => stamping.remove())

  it('at each named point, gives no serial number out twice, and none that is not recorded', async () => {
    const progress = new Progress('kill -9, timestamps', failpoints.length * AT_EACH_POINT)
    const figures = () => ({ timestamps: stamping.received.length, unanswered: stamping.unanswered })
    for (const point of failpoints) {
      for (let n = 0; n < AT_EACH_POINT; n++) {
        await stamping.kill(point)
        progress.step(point, figures())
      }
    }
    await stamping.end()
    progress.end(figures(), new Map())
  })
})
