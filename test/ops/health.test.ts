import { expect } from 'chai'
import { renameSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { version } from '../../src/version.ts'
import { startService, type TestService } from '../support/startService.ts'
import { withClient } from '../support/database.ts'

const WAIT_MS = 15_000
const served = { name: 'intaglio', version }
const up = { status: 'up' }
const down = { status: 'down' }
const well = {
  status: 'ok',
  info: { database: up, token: up },
  error: {},
  details: { database: up, token: up },
  service: served,
}

describe('health', () => {
  let service: TestService
  before(async () => {
    service = await startService({ log: { level: 'info' }, database: { connections: 3 } })
  })
  after(() => service.close())

  const ask = async (path: string) => {
    const response = await fetch(`${service.url}${path}`)
    return { status: response.status, body: await response.json(), headers: response.headers }
  }
  /** Asks until the answer has this status. */
  const become = async (path: string, status: number) => {
    const until = Date.now() + WAIT_MS
    while (Date.now() < until) {
      const answer = await ask(path)
      if (answer.status === status) return answer.body
      await pause(50)
    }
    throw new Error(`${path} did not become ${status}`)
  }

  it('is well while database and token are', async () => {
    for (const path of ['/health', '/health/readiness']) {
      const { status, body, headers } = await ask(path)
      expect(body).to.deep.equal(well)
      expect(status).to.equal(200)
      expect(headers.get('cache-control')).to.equal('no-store')
    }
  })

  it('is not ready without the database, lives on, and is well again with it', async () => {
    const name = new URL(service.database.superUrl).pathname.slice(1)
    const elsewhere = new URL(service.database.superUrl)
    elsewhere.pathname = '/postgres'
    const change = (statement: string) =>
      withClient(elsewhere.href, async (client) => {
        await client.query(statement)
        await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
          name,
        ])
      })
    await change(`alter database ${name} allow_connections false`)
    for (const path of ['/health', '/health/readiness']) {
      expect(await become(path, 503)).to.deep.equal({
        status: 'error',
        info: { token: up },
        error: { database: down },
        details: { database: down, token: up },
        service: served,
      })
    }
    expect((await ask('/health/liveness')).body).to.deep.equal({
      status: 'ok',
      info: {},
      error: {},
      details: {},
      service: served,
    })
    await change(`alter database ${name} allow_connections true`)
    expect(await become('/health', 200)).to.deep.equal(well)
  })

  it('is not ready without the token, lives on, and is well again with it', async () => {
    const away = `${service.token.objects}.away`
    renameSync(service.token.objects, away)
    for (const [, pid] of service.log().matchAll(/"pid":([0-9]+)/g)) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // Gone already.
      }
    }
    expect(await become('/health', 503)).to.deep.equal({
      status: 'error',
      info: { database: up },
      error: { token: down },
      details: { database: up, token: down },
      service: served,
    })
    expect((await ask('/health/liveness')).status).to.equal(200)
    renameSync(away, service.token.objects)
    expect(await become('/health/readiness', 200)).to.deep.equal(well)
  }).timeout(60_000)

  it('says the same to a hundred who ask at once, over three connections to the database', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('/health')))
    expect(answers.every(({ status }) => status === 200)).to.equal(true)
  })
})
