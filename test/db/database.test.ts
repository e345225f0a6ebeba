import { expect } from 'chai'
import { Database, one } from '../../src/db/database.ts'
import { Refusal } from '../../src/refusal.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

describe('the database', () => {
  let database: TestDatabase
  let db: Database
  let failed: () => void
  before(async () => {
    database = await createTestDatabase()
    db = new Database({ url: database.url, connections: 2, onError: () => failed() })
  })
  beforeEach(() => {
    failed = () => undefined
  })
  after(async () => {
    await db.close()
    await database.drop()
  })

  const terminate = (pid: number): Promise<unknown> =>
    withClient(database.superUrl, (client) => client.query('select pg_terminate_backend($1)', [pid]))
  const code = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
    )
  const PID = { text: 'select pg_backend_pid() as pid' }

  it('survives a connection that is lost between two statements of a transaction, and goes on with another', async () => {
    const lost = db.transaction(async (tx) => {
      const noticed = new Promise<void>((resolve) => {
        failed = resolve
      })
      await terminate(one(await tx.query<{ pid: number }>(PID)).pid)
      await noticed
      await tx.query({ text: 'select 1' })
    })
    expect(await code(lost)).to.equal('unavailable')
    expect(await db.query({ text: 'select 1 as one' })).to.deep.equal([{ one: 1 }])
  })

  it('says unavailable, with a time to come again, when a connection is lost under a statement', async () => {
    const sleeping = db.transaction(async (tx) => {
      const { pid } = one(await tx.query<{ pid: number }>(PID))
      const statement = tx.query({ text: 'select pg_sleep(30)' })
      await Promise.all([statement, terminate(pid)])
    })
    const error: unknown = await sleeping.catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(Refusal)
    expect(error).to.include({ code: 'unavailable', retryAfter: 2 })
  })

  it('runs a transaction again when Postgres asks for it, and only then', async () => {
    let runs = 0
    await db.transaction(async (tx) => {
      runs++
      await tx.query({ text: `do $$ begin if ${runs} < 3 then raise sqlstate '40001'; end if; end $$` })
    })
    expect(runs).to.equal(3)
    const broken = db.transaction((tx) => tx.query({ text: 'select 1 / 0' }))
    expect(await code(broken)).to.match(/division by zero/)
  })

  it('is unavailable, not broken, where nobody listens', async () => {
    const nowhere = new Database({
      url: 'postgres://nobody@127.0.0.1:1/none',
      connections: 2,
      onError: () => undefined,
    })
    expect(await code(nowhere.query({ text: 'select 1' }))).to.equal('unavailable')
    expect(await code(nowhere.transaction(() => Promise.resolve()))).to.equal('unavailable')
    await nowhere.close()
  })
})
