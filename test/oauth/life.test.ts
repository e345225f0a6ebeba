import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { healed } from '../support/healed.ts'

describe('a service token', () => {
  let service: TestService

  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const usable = async (token: string): Promise<number> => {
    const response = await fetch(`${service.url}/csc/v2/credentials/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    return response.status
  }

  it('lets a disabled client do nothing with the tokens that it has, within a second', async () => {
    const client = await service.newClient()
    const token = await service.serviceToken(client)
    expect(await usable(token)).to.equal(200)
    await service.sql(`update client set state = 'disabled' where id = $1`, [client.id])
    const deadline = Date.now() + 3_000
    let status = 200
    while (status === 200 && Date.now() < deadline) status = await usable(token)
    expect(status).to.equal(401)
    await service.sql(`update client set state = 'enabled' where id = $1`, [client.id])
    expect(await usable(token)).to.equal(200)
  })

  it("ends a client's tokens when its secret is rotated, and takes the old secret no more", async () => {
    const client = await service.newClient()
    const token = await service.serviceToken(client)
    const { status } = await service.admin(service.operators.admin, 'POST /clients/:id/rotate-secret', {
      params: { id: client.id },
    })
    expect(status).to.equal(200)
    expect(await usable(token)).to.equal(401)
    const again = await service.serviceToken(client).catch((error: unknown) => String(error))
    expect(again).to.contain('401')
  })

  it('decides expiry by the clock of the database', async () => {
    const client = await service.newClient()
    const token = await service.serviceToken(client)
    await service.sql(
      'update oauth_object set expires_at = now() - interval $$1 second$$ where client_id = $1',
      [client.id],
    )
    const response = await fetch(`${service.url}/csc/v2/credentials/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.status).to.equal(401)
    expect(response.headers.get('www-authenticate')).to.equal(
      'Bearer error="invalid_token", error_description="The access token expired"',
    )
    expect(await response.json()).to.deep.equal({
      error: 'expired_token',
      error_description: 'The access token expired',
    })
  })

  it('stores a hash of each token, no token, and sweeps what expired long ago', async () => {
    const client = await service.newClient()
    const token = await service.serviceToken(client)
    const rows = await service.sql<{ row: string; hash: Buffer }>(
      'select t::text as row, id_hash as hash from oauth_object t where client_id = $1',
      [client.id],
    )
    expect(rows).to.have.length(1)
    expect(rows[0]?.row).to.not.contain(token)
    expect(rows[0]?.row).to.not.contain(Buffer.from(token).toString('hex'))
    expect(rows[0]?.hash).to.have.length(32)
    await service.sql(
      `update oauth_object set expires_at = now() - interval '2 hours' where client_id = $1`,
      [client.id],
    )
    await service.serviceToken()
    expect(await service.sql('select 1 from oauth_object where client_id = $1', [client.id])).to.deep.equal(
      [],
    )
  })

  it('says when to come again while Postgres is away, and heals', async () => {
    const name = new URL(service.database.url).pathname.slice(1)
    // Connections end and no new one is allowed: to the service it is as if the server were gone.
    await service.sql(`alter database ${name} connection limit 0`)
    try {
      await service.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'intaglio_service'`,
        [name],
      )
      const response = await fetch(`${service.url}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${service.client.id}:${service.client.secret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      expect(response.status).to.equal(503)
      expect(response.headers.get('retry-after')).to.match(/^[1-9]\d*$/)
      expect(await response.json()).to.deep.equal({
        error: 'temporarily_unavailable',
        error_description: 'The service cannot record anything at the moment',
      })
    } finally {
      await service.sql(`alter database ${name} connection limit -1`)
    }
    const ask = (): Promise<number> => service.serviceToken().then(usable, () => 503)
    expect(await healed(ask, service.config.database.connections)).to.equal(200)
  })
})
