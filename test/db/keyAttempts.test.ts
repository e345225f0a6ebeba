import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Database } from '../../src/db/database.ts'
import { reserveKeyAttempt, type KeyAttempt } from '../../src/db/keyAttempts.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

const CLIENT = 'client'
const KEYS = 40
const ROUNDS = 15

describe('attempts at the secrets of many keys', function () {
  this.timeout(60_000)
  let database: TestDatabase
  let replicas: [Database, Database]
  let keys: string[]
  const failed: string[] = []
  const batches: number[] = []

  before(async () => {
    database = await createTestDatabase()
    const observer = {
      statement: () => undefined,
      statementFailed: ({ code }: { readonly code: string }) => void failed.push(code),
      batch: (_name: string, requests: number) => void batches.push(requests),
    }
    const open = (): Database =>
      new Database({ url: database.url, connections: 5, onError: () => undefined, observer })
    replicas = [open(), open()]
    keys = Array.from({ length: KEYS }, () => randomUUID())
    await withClient(database.superUrl, async (client) => {
      await client.query(`insert into client (id, name) values ($1, $1)`, [CLIENT])
      await client.query(
        `insert into key (id, token_serial, cka_id, key_type, purpose, state)
         select id, 's', uuid_send(id), 'P-256', 'holder', 'planned' from unnest($1::uuid[]) as id`,
        [keys],
      )
      await client.query(
        `insert into activation (key_id, salt, memory_kib, passes, lanes, secrets, verifier, seal)
         select id, '\\x00', 64, 1, 1, 1, '\\x00', '\\x00' from unnest($1::uuid[]) as id`,
        [keys],
      )
    })
  })
  after(async () => {
    await Promise.all(replicas.map((db) => db.close()))
    await database.drop()
  })

  const reserve = (db: Database, asked: readonly string[]): Promise<KeyAttempt[]> =>
    Promise.all(
      asked.map((keyId) =>
        reserveKeyAttempt(db, { key: { keyId, spki: Buffer.alloc(0) }, clientId: CLIENT }),
      ),
    )
  const failures = () =>
    withClient(database.superUrl, async (client) => {
      const { rows } = await client.query<{ failures: number; ofAll: number; keys: number }>(
        `select a.failures, t.failures as "ofAll", count(*)::int as keys
           from activation_attempt a join activation_total t using (key_id) group by 1, 2`,
      )
      return rows
    })

  it('share a statement, are counted once each, and wait for no replica that waits for them', async () => {
    const [one, other] = replicas
    for (let round = 0; round < ROUNDS; round++) {
      const both = await Promise.all([reserve(one, keys), reserve(other, keys.toReversed())])
      expect(new Set(both.flat().map(({ outcome }) => outcome))).to.deep.equal(new Set(['reserved']))
      expect(await failures()).to.deep.equal([{ failures: 2, ofAll: 2, keys: KEYS }])
      await withClient(database.superUrl, (client) =>
        client.query(
          'with a as (update activation_attempt set failures = 0) update activation_total set failures = 0',
        ),
      )
    }
    expect(batches).to.deep.equal(Array(2 * ROUNDS).fill(KEYS))
    expect(failed).to.deep.equal([])
  })

  it('at one key are counted one after another, and each gets its own answer', async () => {
    const [keyId = ''] = keys
    const many = await Promise.all(replicas.map((db) => reserve(db, Array<string>(6).fill(keyId))))
    const outcomes = many.flat().map(({ outcome }) => outcome)
    expect(outcomes.toSorted()).to.deep.equal([
      ...Array<string>(6).fill('reserved'),
      ...Array<string>(6).fill('waits'),
    ])
    const waits = many.flat().filter((one) => one.outcome === 'waits')
    expect(new Set(waits.map(({ seconds }) => seconds))).to.deep.equal(new Set([1]))
  })
})
