import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import {
  forgetFailures,
  isLocked,
  MAX_FAILURES,
  MAX_FAILURES_OF_ALL,
  reserveAttempt,
  unlockKey,
} from '../../src/db/attempts.ts'
import { Database } from '../../src/db/database.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

describe('attempts at an activation secret', () => {
  let database: TestDatabase
  let replicas: Database[]
  let keyId: string
  const CLIENTS = Array.from({ length: 25 }, (_, n) => `client-${n}`)

  before(async () => {
    database = await createTestDatabase()
    replicas = [1, 2].map(() => new Database({ url: database.url, connections: 5, onError: () => undefined }))
    await withClient(database.superUrl, (client) =>
      client.query(`insert into client (id, name) select c, c from unnest($1::text[]) c`, [CLIENTS]),
    )
  })
  beforeEach(async () => {
    keyId = randomUUID()
    await withClient(database.superUrl, (client) =>
      client.query(
        `insert into key (id, token_serial, cka_id, key_type, purpose, state) values ($1, 's', $2, 'P-256', 'signing', 'planned')`,
        [keyId, Buffer.from(keyId)],
      ),
    )
  })
  after(async () => {
    await Promise.all(replicas.map((db) => db.close()))
    await database.drop()
  })

  const db = (n = 0): Database => replicas[n % 2] as Database
  const allowed = async (clientId: string, times: number): Promise<number> => {
    const tries = Array.from({ length: times }, (_, n) => reserveAttempt(db(n), { keyId, clientId }))
    return (await Promise.all(tries)).filter((now) => now !== undefined).length
  }

  it('allows five, however many ask at once on however many replicas', async () => {
    expect(await allowed('client-0', 40)).to.equal(MAX_FAILURES)
    expect(await isLocked(db(), { keyId, clientId: 'client-0' })).to.equal(true)
  })

  it("does not let one client's failures lock another out", async () => {
    await allowed('client-0', 40)
    expect(await allowed('client-1', 1)).to.equal(1)
  })

  it('stops all clients together at the ceiling', async () => {
    const counts = await Promise.all(CLIENTS.map((clientId) => allowed(clientId, MAX_FAILURES)))
    expect(counts.reduce((sum, count) => sum + count, 0)).to.equal(MAX_FAILURES_OF_ALL)
  })

  it('counts nothing against a client that the ceiling keeps from trying', async () => {
    for (const clientId of CLIENTS.slice(0, 20)) await allowed(clientId, MAX_FAILURES)
    expect(await allowed('client-20', 10)).to.equal(0)
    await forgetFailures(db(), { keyId, clientId: 'client-0' })
    expect(await isLocked(db(), { keyId, clientId: 'client-20' })).to.equal(false)
    expect(await allowed('client-20', 10)).to.equal(MAX_FAILURES)
  })

  it("resets on success the client's own count and no other's", async () => {
    await allowed('client-0', 3)
    await allowed('client-1', 4)
    await forgetFailures(db(), { keyId, clientId: 'client-0' })
    expect(await allowed('client-0', 10)).to.equal(5)
    expect(await allowed('client-1', 10)).to.equal(1)
    const { rows } = await withClient(database.superUrl, (client) =>
      client.query<{ failures: number }>('select failures from activation_total where key_id = $1', [keyId]),
    )
    expect(rows).to.deep.equal([{ failures: 10 }])
  })

  it('is unlocked by an operator for every client', async () => {
    await allowed('client-0', 10)
    await unlockKey(db(), keyId)
    expect(await allowed('client-0', 10)).to.equal(5)
  })
})
