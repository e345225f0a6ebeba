import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Database } from '../../src/db/database.ts'
import { TokenLogins } from '../../src/db/tokenLogin.ts'
import { checkState } from '../support/checkState.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

describe('logins to a token', () => {
  let database: TestDatabase
  let db: Database
  let serial: string
  before(async () => {
    database = await createTestDatabase()
    db = new Database({ url: database.url, connections: 4, onError: () => undefined })
  })
  beforeEach(() => {
    serial = randomUUID().slice(0, 16)
  })
  afterEach(() => checkState(database))
  after(async () => {
    await db.close()
    await database.drop()
  })

  const gate = () => new TokenLogins(db, randomUUID())
  const first = { version: 1, pinCountLow: false }
  const refusal = async (attempt: Promise<void>): Promise<string> =>
    attempt.then(
      () => 'allowed',
      (error: unknown) => (error as Error).message,
    )

  it('never tries a rejected PIN again, from whatever process', async () => {
    const [one, other] = [gate(), gate()]
    await one.begin({ serial, ...first })
    await one.end({ serial, version: 1, accepted: false })
    const sentence =
      `The token ${serial} rejected the PIN (version 1). It is not tried again, because tokens lock: ` +
      'put the right PIN into the PIN file and raise pin.version in the configuration.'
    expect(await refusal(one.begin({ serial, ...first }))).to.equal(sentence)
    expect(await refusal(other.begin({ serial, ...first }))).to.equal(sentence)
    expect(await refusal(other.begin({ serial, version: 2, pinCountLow: true }))).to.equal('allowed')
  })

  it('may be tried again at once when the PIN was not tried after all', async () => {
    const [one, other] = [gate(), gate()]
    await one.begin({ serial, ...first })
    await one.end({ serial, version: 1, accepted: undefined })
    expect(await refusal(other.begin({ serial, ...first }))).to.equal('allowed')
  })

  it('goes on from a login of its own that got no verdict, unless the token counted a failure', async () => {
    const one = gate()
    await one.begin({ serial, ...first })
    expect(await refusal(one.begin({ serial, ...first }))).to.equal('allowed')
    expect(await refusal(one.begin({ serial, version: 1, pinCountLow: true }))).to.match(/never ended/)
  })

  it('lets one login be under way at a time', async () => {
    const gates = Array.from({ length: 8 }, gate)
    let under = 0
    let most = 0
    await Promise.all(
      gates.map(async (each) => {
        await each.begin({ serial, ...first })
        most = Math.max(most, ++under)
        await new Promise((resolve) => setImmediate(resolve))
        under--
        await each.end({ serial, version: 1, accepted: true })
      }),
    )
    expect(most).to.equal(1)
  })

  it('tries once for eight processes that start at once with a wrong PIN', async () => {
    let tries = 0
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const each = gate()
        const outcome = await refusal(each.begin({ serial, ...first }))
        if (outcome !== 'allowed') return outcome
        tries++
        await each.end({ serial, version: 1, accepted: false })
        return 'tried'
      }),
    )
    expect(tries).to.equal(1)
    expect(outcomes.filter((outcome) => outcome.includes('rejected the PIN'))).to.have.length(7)
  })

  it("takes over a login whose holder died only if the token's flag says that none failed", async () => {
    await gate().begin({ serial, ...first })
    await withClient(database.superUrl, (client) =>
      client.query(`update token_login set since = now() - interval '1 hour' where token_serial = $1`, [
        serial,
      ]),
    )
    expect(await refusal(gate().begin({ serial, version: 1, pinCountLow: true }))).to.match(/never ended/)
    expect(await refusal(gate().begin({ serial, version: 1, pinCountLow: false }))).to.equal('allowed')
  })
})
