import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { auditEntry } from '../../src/audit.ts'
import { complete, release } from '../../src/db/completions.ts'
import { Database } from '../../src/db/database.ts'
import { reserve, reserveForService, type Reserved, type Reservation } from '../../src/db/reservations.ts'
import { checkState } from '../support/checkState.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

const digest = (n: number): Buffer => Buffer.alloc(32, n)

describe('reserving authorised hashes', () => {
  let database: TestDatabase
  let db: Database
  let keyId: string
  const instanceId = randomUUID()

  before(async () => {
    database = await createTestDatabase()
    db = new Database({ url: database.url, connections: 4, onError: () => undefined })
    keyId = await makeCredential()
  })
  afterEach(() => checkState(database))
  after(async () => {
    await db.close()
    await database.drop()
  })

  /** Rows as they stand after an enrolment; no token is asked in this file. */
  async function makeCredential(): Promise<string> {
    const [key, person, certificate] = [randomUUID(), randomUUID(), randomUUID()]
    await withClient(database.superUrl, async (client) => {
      await client.query(`insert into client (id, name) values ('c', 'c')`)
      await client.query(`insert into person (id) values ($1)`, [person])
      await client.query(
        `insert into key (id, token_serial, cka_id, key_type, purpose, spki, seal, state)
         values ($1, 's', 'a', 'P-256', 'ca', '\\x00', '\\x00', 'enabled')`,
        [key],
      )
      await client.query(
        `insert into certificate (id, serial, profile, key_id, tbs, der, state, not_before, not_after)
         values ($1, '\\x41', 'natural-person', $2, '\\x30', '\\x3030', 'issued', now() - interval '1 day', now() + interval '1 day')`,
        [certificate, key],
      )
      await client.query(
        `insert into credential (id, person_id, client_id, key_type, key_id, certificate_id, scal, mode, multisign, seal, state)
         values ('cred', $1, 'c', 'P-256', $2, $3, 2, 'explicit', 10, '\\x00', 'enabled')`,
        [person, key, certificate],
      )
    })
    return key
  }

  async function authorise(digests: readonly Buffer[], expires = '1 hour'): Promise<string> {
    const id = randomUUID()
    await withClient(database.superUrl, async (client) => {
      await client.query(
        `insert into authorisation (id, sad_hash, client_id, credential_id, key_id, hash, bound, count, expires_at, seal)
         values ($1, $2, 'c', 'cred', $3, 'SHA-256', $4, $5, now() + $6::interval, '\\x00')`,
        [id, randomBytes(32), keyId, digests[0]?.length !== 0, digests.length, expires],
      )
      await client.query(
        `insert into authorised_hash (authorisation_id, position, digest, state)
         select $1, n, d, 'AUTHORIZED' from unnest($2::bytea[]) with ordinality as t(d, n)`,
        [id, digests],
      )
    })
    return id
  }

  const wish = (authorisationId: string, inputs: readonly Buffer[]): Reservation => {
    const attempt = randomUUID()
    const facts = { act: 'sign', actor: 'client:c', subjects: ['credential:cred'], signatureId: attempt }
    return { attempt, authorisationId, instanceId, inputs, intent: auditEntry({ ...facts, kind: 'intent' }) }
  }
  const verdicts = (outcomes: readonly Reserved[]): string[] => outcomes.map(({ verdict }) => verdict).sort()

  it('gives one occurrence to one of fifty requests that ask at once', async () => {
    const id = await authorise([digest(1)])
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => reserve(db, wish(id, [digest(1)]))))
    expect(verdicts(outcomes).filter((verdict) => verdict === 'reserved')).to.have.length(1)
    expect(verdicts(outcomes).filter((verdict) => verdict === 'digest_not_authorised')).to.have.length(49)
  })

  it('lets one of two claims in one batch win, and a third that wants less is served what the loser left', async () => {
    const id = await authorise([digest(1), digest(1), digest(2)])
    const [first, second, third] = await Promise.all([
      reserve(db, wish(id, [digest(1), digest(1)])),
      reserve(db, wish(id, [digest(1), digest(2)])),
      reserve(db, wish(id, [digest(2)])),
    ])
    expect([first.verdict, second.verdict, third.verdict]).to.deep.equal([
      'reserved',
      'digest_not_authorised',
      'reserved',
    ])
  })

  it('counts duplicates: each occurrence is one authorisation', async () => {
    const id = await authorise([digest(5), digest(5)])
    expect((await reserve(db, wish(id, [digest(5), digest(5), digest(5)]))).verdict).to.equal(
      'digest_not_authorised',
    )
    const both = await reserve(db, wish(id, [digest(5), digest(5)]))
    expect(both).to.deep.equal({ verdict: 'reserved', positions: [1, 2] })
  })

  it('answers positions in the order of the inputs', async () => {
    const id = await authorise([digest(1), digest(2), digest(3)])
    const { positions } = await reserve(db, wish(id, [digest(3), digest(1), digest(2)]))
    expect(positions).to.deep.equal([3, 1, 2])
  })

  it('leaves the batch-mates of a bad request unharmed', async () => {
    const id = await authorise([digest(1), digest(2)])
    const bad = { ...wish(id, [digest(2)]), attempt: 'not a uuid' }
    const [one, broken, two] = await Promise.allSettled([
      reserve(db, wish(id, [digest(1)])),
      reserve(db, bad),
      reserve(db, wish(id, [digest(2)])),
    ])
    expect(one).to.deep.include({ status: 'fulfilled' })
    expect(broken).to.include({ status: 'rejected' })
    expect(two).to.deep.include({ status: 'fulfilled' })
    expect([one, two].map((o) => (o.status === 'fulfilled' ? o.value.verdict : ''))).to.deep.equal([
      'reserved',
      'reserved',
    ])
  })

  it('takes the digests when they come under SCAL 1, up to the number', async () => {
    const id = await authorise([Buffer.alloc(0), Buffer.alloc(0)])
    expect((await reserve(db, wish(id, [digest(8)]))).verdict).to.equal('reserved')
    expect((await reserve(db, wish(id, [digest(9), digest(9)]))).verdict).to.equal('digest_not_authorised')
    expect((await reserve(db, wish(id, [digest(9)]))).verdict).to.equal('reserved')
  })

  it("decides expiry, states and validity by the database's clock", async () => {
    const expired = await authorise([digest(1)], '-1 second')
    expect((await reserve(db, wish(expired, [digest(1)]))).verdict).to.equal('permit_expired')
    expect((await reserve(db, wish(randomUUID(), [digest(1)]))).verdict).to.equal('permit_unknown')
    const live = await authorise([digest(1)])
    for (const [change, back, verdict] of [
      [
        `update credential set state = 'disabled'`,
        `update credential set state = 'enabled'`,
        'credential_disabled',
      ],
      [`update key set state = 'disabled'`, `update key set state = 'enabled'`, 'credential_disabled'],
      [`update client set state = 'disabled'`, `update client set state = 'enabled'`, 'credential_disabled'],
      [
        `update certificate set state = 'revoked'`,
        `update certificate set state = 'issued'`,
        'certificate_revoked',
      ],
      [
        `update certificate set not_after = now() - interval '1 second'`,
        `update certificate set not_after = now() + interval '1 day'`,
        'certificate_expired',
      ],
    ] as const) {
      await withClient(database.superUrl, (client) => client.query(change))
      expect((await reserve(db, wish(live, [digest(1)]))).verdict).to.equal(verdict)
      await withClient(database.superUrl, (client) => client.query(back))
    }
    expect((await reserve(db, wish(live, [digest(1)]))).verdict).to.equal('reserved')
  })

  it('completes an attempt once, and frees one that the token refused', async () => {
    const id = await authorise([digest(1)])
    const first = wish(id, [digest(1)])
    expect((await reserve(db, first)).verdict).to.equal('reserved')
    const refused = auditEntry({ ...first.intent, kind: 'result', detail: { outcome: 'refused' } })
    await release(db, first.attempt, refused)
    const second = wish(id, [digest(1)])
    const { positions } = await reserve(db, second)
    const signatureHashes = [Buffer.alloc(32, 9)]
    const detail = { outcome: 'signed', signatures: signatureHashes.map((hash) => hash.toString('hex')) }
    const completion = {
      attempt: second.attempt,
      authorisationId: id,
      positions,
      signatureHashes,
      result: auditEntry({ ...second.intent, kind: 'result', detail }),
    }
    expect(await complete(db, completion)).to.equal(true)
    const again = { ...completion, result: auditEntry({ ...second.intent, kind: 'result', detail }) }
    expect(await complete(db, again)).to.equal(false)
  })

  it("makes a service's permit already reserved, for an enabled key only", async () => {
    const item = { ...wish('', []), keyId, digests: [digest(1), digest(2)] }
    expect(await reserveForService(db, item)).to.be.a('string')
    const unknown = { ...wish('', []), keyId: randomUUID(), digests: [digest(1)] }
    const [none, some] = await Promise.all([
      reserveForService(db, unknown),
      reserveForService(db, { ...wish('', []), keyId, digests: [digest(3)] }),
    ])
    expect(none).to.equal(undefined)
    expect(some).to.be.a('string')
  })
})
