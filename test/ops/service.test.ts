import { expect } from 'chai'
import pino from 'pino'
import { startService as start } from '../../src/service.ts'
import { withClient } from '../support/database.ts'
import { startService, type TestService } from '../support/startService.ts'

const silent = pino({ level: 'silent' })

describe('the service', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())

  it('runs beside another on the same database and token, and starts again on what it left', async () => {
    const second = await start({ config: service.config, log: silent })
    for (const url of [service.url, second.url]) expect((await fetch(`${url}/health`)).status).to.equal(200)
    await second.close()
    const third = await start({ config: service.config, log: silent })
    expect((await fetch(`${third.url}/health`)).status).to.equal(200)
    await third.close()
  })

  it('knows its operators only from the first start on', async () => {
    const [first, ...others] = service.config.operators
    const config = { ...service.config, operators: first === undefined ? [] : [first] }
    const second = await start({ config, log: silent })
    await second.close()
    const rows = await service.sql('select 1 from operator')
    expect(rows).to.have.length(others.length + 1)
  })

  it('refuses to be production on a database of a development start', async () => {
    await service.sql(`insert into client (id, name) values ('demo', 'Demo')`)
    const config = { ...service.config, profile: 'production', baseUrl: 'https://sign.example.org' } as const
    const refused = await start({ config, log: silent }).then(
      () => 'started',
      (error: unknown) => (error as Error).message,
    )
    expect(refused).to.equal(
      'The database holds the client "demo" of a development start: production needs its own.',
    )
    await service.sql(`delete from client where id = 'demo'`)
  })

  it('refuses a schema that is older than itself', async () => {
    const { database } = service.config
    const config = { ...service.config, database: { url: database.url, connections: 2 } }
    const message = () =>
      start({ config, log: silent }).then(
        () => 'started',
        (error: unknown) => (error as Error).message,
      )
    await withClient(service.database.superUrl, (client) =>
      client.query('create table kept as select * from schema_version; delete from schema_version'),
    )
    expect(await message()).to.match(
      /^The database has schema 0 and this version needs [0-9]+: set database\.ownerUrl/,
    )
    await withClient(service.database.superUrl, (client) =>
      client.query('insert into schema_version select * from kept; drop table kept'),
    )
  })
})
