import { expect } from 'chai'
import { install, type Installation } from '../support/serverProcess.ts'
import { withClient } from '../support/database.ts'

/** Replicas are processes on one database and one token. */
describe('two replicas', function () {
  this.timeout(60_000)
  let installation: Installation
  beforeEach(async () => {
    installation = await install()
  })
  afterEach(() => installation.remove())

  const count = (text: string): Promise<number> =>
    withClient(installation.database.superUrl, async (client) => {
      const { rows } = await client.query<{ count: number }>(`select count(*)::int as count from ${text}`)
      return rows[0]?.count ?? 0
    })

  it('that are started at once on nothing make one hierarchy, and both serve', async () => {
    const servers = [installation.run(), installation.run()]
    const urls = await Promise.all(servers.map((server) => server.ready()))
    expect(new Set(urls).size).to.equal(2)
    for (const url of urls) expect((await fetch(`${url}/health`)).status).to.equal(200)
    expect(await count(`certificate where state = 'issued'`)).to.equal(2)
    expect(await count('instance')).to.equal(2)
    for (const server of servers) server.child.kill('SIGTERM')
    for (const server of servers) expect((await server.ended).code).to.equal(0)
    // The token was prepared once: a third finds each of its secrets exactly once.
    const third = installation.run()
    expect((await fetch(`${await third.ready()}/health`)).status).to.equal(200)
    expect(await count('instance')).to.equal(1)
  })
})
