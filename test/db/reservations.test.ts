import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { auditEntry, type AuditEntry } from '../../src/audit.ts'
import { complete, release } from '../../src/db/completions.ts'
import { Database } from '../../src/db/database.ts'
import {
  reserve,
  reserveForService,
  type Reservation,
  type ServiceReservation,
} from '../../src/db/reservations.ts'
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
    namedBy.set(id, digests[0]?.length === 0 ? undefined : digests)
    await withClient(database.superUrl, async (client) => {
      await client.query(
        `insert into authorisation (id, sad_hash, client_id, credential_id, key_id, hash, bound, count, expires_at, seal)
         values ($1, $2, 'c', 'cred', $3, 'SHA-256', $4, $5, now() + $6::interval, '\\x00')`,
        [id, randomBytes(32), keyId, digests[0]?.length !== 0, digests.length, expires],
      )
      await client.query(
        `insert into authorised_hash (authorisation_id, position, digest)
         select $1, n, d from unnest($2::bytea[]) with ordinality as t(d, n)`,
        [id, digests],
      )
    })
    return id
  }

  /** What each authorisation of this file names, or undefined. */
  const namedBy = new Map<string, readonly Buffer[] | undefined>()
  const wish = (authorisationId: string, inputs: readonly Buffer[]): Reservation => {
    const attempt = randomUUID()
    const digests = inputs.map((input) => input.toString('hex'))
    const facts = { act: 'sign', actor: 'client:c', subjects: ['credential:cred'], signatureId: attempt }
    const intent = auditEntry({ ...facts, kind: 'intent', detail: { digests } })
    return { attempt, authorisationId, instanceId, inputs, named: namedBy.get(authorisationId), intent }
  }

  /** Positions of the occurrences that an attempt took. */
  const taken = (attempt: string): Promise<number[]> =>
    withClient(database.superUrl, async (client) => {
      const { rows } = await client.query<{ position: number }>(
        'select position from authorised_hash where attempt = $1 order by position',
        [attempt],
      )
      return rows.map(({ position }) => position)
    })

  it('gives one occurrence to one of fifty requests that ask at once', async () => {
    const id = await authorise([digest(1)])
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => reserve(db, wish(id, [digest(1)]))))
    expect(outcomes.filter((verdict) => verdict === 'reserved')).to.have.length(1)
    expect(outcomes.filter((verdict) => verdict === 'digest_not_authorised')).to.have.length(49)
  })

  it('lets one of two claims in one batch win, and a third that wants less is served what the loser left', async () => {
    const id = await authorise([digest(1), digest(1), digest(2)])
    const [first, second, third] = await Promise.all([
      reserve(db, wish(id, [digest(1), digest(1)])),
      reserve(db, wish(id, [digest(1), digest(2)])),
      reserve(db, wish(id, [digest(2)])),
    ])
    expect([first, second, third]).to.deep.equal(['reserved', 'digest_not_authorised', 'reserved'])
  })

  it('counts duplicates: each occurrence is one authorisation', async () => {
    const id = await authorise([digest(5), digest(5)])
    expect(await reserve(db, wish(id, [digest(5), digest(5), digest(5)]))).to.equal('digest_not_authorised')
    const both = wish(id, [digest(5), digest(5)])
    expect(await reserve(db, both)).to.equal('reserved')
    expect(await taken(both.attempt)).to.deep.equal([1, 2])
  })

  it('takes the occurrences of the digests that were asked for, in whatever order', async () => {
    const id = await authorise([digest(1), digest(2), digest(3)])
    const two = wish(id, [digest(3), digest(1)])
    expect(await reserve(db, two)).to.equal('reserved')
    expect(await taken(two.attempt)).to.deep.equal([1, 3])
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
    expect([one, two].map((o) => (o.status === 'fulfilled' ? o.value : ''))).to.deep.equal([
      'reserved',
      'reserved',
    ])
  })

  it('takes the digests when they come under SCAL 1, up to the number', async () => {
    const id = await authorise([Buffer.alloc(0), Buffer.alloc(0)])
    expect(await reserve(db, wish(id, [digest(8)]))).to.equal('reserved')
    expect(await reserve(db, wish(id, [digest(9), digest(9)]))).to.equal('digest_not_authorised')
    expect(await reserve(db, wish(id, [digest(9)]))).to.equal('reserved')
  })

  it("decides expiry, states and validity by the database's clock", async () => {
    const expired = await authorise([digest(1)], '-1 second')
    expect(await reserve(db, wish(expired, [digest(1)]))).to.equal('permit_expired')
    expect(await reserve(db, wish(randomUUID(), [digest(1)]))).to.equal('permit_unknown')
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
      expect(await reserve(db, wish(live, [digest(1)]))).to.equal(verdict)
      await withClient(database.superUrl, (client) => client.query(back))
    }
    expect(await reserve(db, wish(live, [digest(1)]))).to.equal('reserved')
  })

  it('completes an attempt once, and frees one that the token refused', async () => {
    const id = await authorise([digest(1)])
    const first = wish(id, [digest(1)])
    expect(await reserve(db, first)).to.equal('reserved')
    const refused = auditEntry({ ...first.intent, kind: 'result', detail: { outcome: 'refused' } })
    await release(db, { attempt: first.attempt, result: refused })
    const second = wish(id, [digest(1)])
    expect(await reserve(db, second)).to.equal('reserved')
    const detail = { outcome: 'signed', signatures: ['09'.repeat(32)] }
    const signed = (): AuditEntry => auditEntry({ ...second.intent, kind: 'result', detail })
    expect(await complete(db, { attempt: second.attempt, result: signed() })).to.equal(true)
    expect(await complete(db, { attempt: second.attempt, result: signed() })).to.equal(false)
  })

  it('finds an occurrence under SCAL 1 that was given back below those that are taken', async () => {
    const id = await authorise(Array.from({ length: 3 }, () => Buffer.alloc(0)))
    const wishes = [1, 2, 3].map((n) => wish(id, [digest(n)]))
    for (const one of wishes) expect(await reserve(db, one)).to.equal('reserved')
    const [first] = wishes
    if (first === undefined) throw new Error('no wish')
    const refused = auditEntry({ ...first.intent, kind: 'result', detail: { outcome: 'refused' } })
    await release(db, { attempt: first.attempt, result: refused })
    const last = wish(id, [digest(4)])
    expect(await reserve(db, last)).to.equal('reserved')
    expect(await taken(last.attempt)).to.deep.equal([1])
    expect(await reserve(db, wish(id, [digest(5)]))).to.equal('digest_not_authorised')
  })

  it("makes a service's permit already reserved, for an enabled key only", async () => {
    const service = (key: string, digests: readonly Buffer[]): ServiceReservation => ({
      ...wish('', digests),
      keyId: key,
      digests,
    })
    expect(await reserveForService(db, service(keyId, [digest(1), digest(2)]))).to.equal(true)
    const unknown = service(randomUUID(), [digest(1)])
    const [none, some] = await Promise.all([
      reserveForService(db, unknown),
      reserveForService(db, service(keyId, [digest(3)])),
    ])
    expect(none).to.equal(false)
    expect(some).to.equal(true)
  })
})
