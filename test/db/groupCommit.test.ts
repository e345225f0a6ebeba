import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { Database, one } from '../../src/db/database.ts'
import { countedIn, grouped } from '../../src/db/groupCommit.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

/** As many as are worth a statement. */
const COMPANY = 12

describe('the group commit', () => {
  let database: TestDatabase
  let db: Database
  let batches: number[]
  before(async () => {
    database = await createTestDatabase()
    const observer = {
      statement: () => undefined,
      statementFailed: () => undefined,
      batch: (_name: string, requests: number) => void batches.push(requests),
    }
    db = new Database({ url: database.url, connections: 2, onError: () => undefined, observer })
  })
  beforeEach(() => {
    batches = []
  })
  after(async () => {
    await db.close()
    await database.drop()
  })

  const doubled = grouped<number, number>({
    name: 'doubled',
    rows: () => 1,
    flush: async (queries, items) => {
      const text =
        'select array(select 2 * n from unnest($1::int[]) with ordinality as t(n, at) order by at) as all'
      return one(await queries.query<{ all: number[] }>({ text, values: [items] })).all
    },
  })

  /** One item in each turn of the event loop, none of them waiting for another. */
  async function oneByOne(items: readonly number[]): Promise<number[]> {
    const asked: Promise<number>[] = []
    for (const item of items) {
      asked.push(doubled(db, item))
      await turn()
    }
    return Promise.all(asked)
  }

  /** Runs `work` while so many others are under way. */
  async function among<T>(others: number, work: () => Promise<T>): Promise<T> {
    const begin = others === 0 ? work : () => countedIn(db, () => among(others - 1, work))
    return begin()
  }

  const items = Array.from({ length: COMPANY }, (_, index) => index)

  it('gives each item its own answer', async () => {
    expect(await oneByOne(items)).to.deep.equal(items.map((item) => 2 * item))
  })

  it('sends the first item at once where nobody else is under way', async () => {
    await oneByOne(items)
    expect(batches[0]).to.be.lessThan(COMPANY)
  })

  it('waits, where many are under way, until a statement is worth its flush', async () => {
    await among(64, () => oneByOne(items))
    expect(batches).to.deep.equal([COMPANY])
  })

  it('does not wait for company that does not come', async () => {
    expect(await among(64, () => doubled(db, 21))).to.equal(42)
    expect(batches).to.deep.equal([1])
  })

  it('puts no two items of one name into a statement, and keeps their order', async () => {
    const seen: string[][] = []
    const apart = grouped<string, string>({
      name: 'apart',
      rows: () => 1,
      apart: (item) => item.slice(0, 1),
      flush: async (queries, asked) => {
        seen.push([...asked])
        await queries.query({ text: 'select 1' })
        return asked.map((item) => item.toUpperCase())
      },
    })
    const given = ['a1', 'b1', 'a2', 'a3', 'c1', 'b2']
    expect(await Promise.all(given.map((item) => apart(db, item)))).to.deep.equal(
      given.map((item) => item.toUpperCase()),
    )
    expect(seen).to.deep.equal([['a1', 'b1'], ['a2'], ['a3', 'c1', 'b2']])
  })

  it('counts nobody any more once all are done, also those that failed', async () => {
    await among(64, () => Promise.reject(new Error('failed'))).catch(() => undefined)
    await oneByOne(items)
    expect(batches[0]).to.be.lessThan(COMPANY)
  })
})
