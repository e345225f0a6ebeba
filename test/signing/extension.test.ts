import { createHash, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { canonicalAuthorisation, MAX_CHAIN_MS, type AuthorisationRecord } from '../../hsm/records.ts'
import { serviceSecrets } from '../../hsm/purposes.ts'
import type { Context } from '../../src/context.ts'
import { findBySad } from '../../src/db/authorisations.ts'
import { release } from '../../src/db/completions.ts'
import { reserve } from '../../src/db/reservations.ts'
import { auditEntry } from '../../src/audit.ts'
import { Refusal } from '../../src/refusal.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { extendAuthorisation } from '../../src/signing/extension.ts'
import { bearerHash, permitFromSad } from '../../src/signing/permit.ts'
import { sign } from '../../src/signing/sign.ts'
import { createTestContext, openContext, type TestContext } from '../support/context.ts'
import { withClient } from '../support/database.ts'

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
const [A, B] = [sha256('a'), sha256('b')]

describe('two replicas that extend and count', () => {
  let test: TestContext
  let other: Context
  let replicas: Context[]
  let credentialId: string
  const clientId = 'demo'
  const pin = '295716'

  before(async () => {
    test = await createTestContext()
    credentialId = await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
    other = await openContext({ database: test.database, token: test.token, lines: [] })
    replicas = [test.ctx, other]
  })
  afterEach(() => test.checkState())
  after(async () => {
    await other.token.close()
    await other.db.close()
    await test.close()
  })

  const replica = (n: number): Context => replicas[n % 2] ?? test.ctx
  const authorise = async (digests: readonly Buffer[]): Promise<string> => {
    const count = digests.length
    const request = { clientId, credentialId, secrets: [pin], count, hash: 'SHA-256', digests } as const
    const { sad } = await authoriseCredential(test.ctx, request)
    test.secrets.push(sad)
    return sad
  }
  const extend = async (sad: string, digests: readonly Buffer[], n = 0): Promise<string> => {
    const made = await extendAuthorisation(replica(n), { sad, clientId, credentialId, digests })
    test.secrets.push(made.sad)
    return made.sad
  }
  const signed = async (sad: string, digest: Buffer, n = 0): Promise<string> => {
    const asked = { sad, clientId, credentialId, scheme: 'ecdsa-sha256', digests: [digest] } as const
    return code(permitFromSad(replica(n), asked).then((permit) => sign(replica(n), permit)))
  }
  const code = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
    )
  const found = async (sad: string): Promise<AuthorisationRecord> => {
    const row = await findBySad(test.ctx.db, bearerHash(sad))
    if (row === undefined) throw new Error('no such SAD')
    return row.authorisation
  }
  const sql = (text: string, values: unknown[]): Promise<unknown> =>
    withClient(test.database.superUrl, (client) => client.query(text, values))

  it('have one winner of many that extend one SAD', async () => {
    const sad = await authorise([A, B])
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => extend(sad, [B, A], n).catch(() => undefined)),
    )
    const [won = '', ...more] = outcomes.filter((one) => one !== undefined)
    expect(more).to.deep.equal([])
    for (const n of [0, 1]) expect(await signed(sad, A, n)).to.equal('permit_unknown')
    expect(await Promise.all([0, 1].map((n) => signed(won, A, n)))).to.have.members([
      'done',
      'digest_not_authorised',
    ])
  })

  it('forget at once a SAD that the other one extended, though they had just believed it', async () => {
    const sad = await authorise([A, A, B])
    expect(await signed(sad, A, 1)).to.equal('done')
    await extend(sad, [A, B], 0)
    expect(await signed(sad, A, 1)).to.equal('permit_unknown')
  })

  it('do not give back to an ended SAD what the token refused', async () => {
    const sad = await authorise([A, B])
    const { authorisationId, digests: named } = await found(sad)
    const audit = {
      act: 'sign',
      actor: 'client:demo',
      subjects: [],
      signatureId: randomUUID(),
    } as const
    const attempt = audit.signatureId
    const intent = auditEntry({ ...audit, kind: 'intent', detail: { digests: [A.toString('hex')] } })
    const { db, instanceId } = test.ctx
    const asked = { attempt, authorisationId, instanceId, inputs: [A], named, intent }
    expect(await reserve(db, asked)).to.equal('reserved')
    const renewed = await extend(sad, [B])
    await release(db, {
      attempt,
      result: auditEntry({ ...audit, kind: 'result', detail: { outcome: 'refused' } }),
    })
    const again = { ...asked, attempt: randomUUID() }
    expect(await reserve(db, again)).to.equal('permit_unknown')
    expect(await signed(renewed, A)).to.equal('digest_not_authorised')
    expect(await signed(renewed, B)).to.equal('done')
  })

  it('let a chain end: the last SAD lives no longer, however often it is extended', async () => {
    const renewed = await extend(await authorise([A]), [A])
    const record = await found(renewed)
    const { origin } = record
    if (origin === undefined) throw new Error('no origin')
    expect(record.expiresAt).to.be.within(origin.expiresAt, origin.expiresAt + 60_000)
    // As it would stand a while later: ten seconds are left of the chain.
    const began = { ...origin, expiresAt: Date.now() + 10_000 - MAX_CHAIN_MS }
    const later = { ...record, origin: began, expiresAt: Date.now() + 8_000 }
    await withSeal(later)
    const { sad, expiresIn } = await extendAuthorisation(test.ctx, { sad: renewed, clientId, credentialId })
    expect(expiresIn).to.be.within(5, 10)
    expect((await found(sad)).expiresAt).to.equal(began.expiresAt + MAX_CHAIN_MS)
  })

  /** What whoever has the PIN could do: seal a record of his own with the token's seal secret. */
  async function withSeal(record: AuthorisationRecord): Promise<void> {
    const row = await findBySad(test.ctx.db, await sadHashOf(record.authorisationId))
    const data = canonicalAuthorisation(record, row?.key.spki ?? Buffer.alloc(0)).toString('hex')
    const asked = { do: 'hmac', pin: test.token.pin, label: serviceSecrets.seal, data } as const
    const seal = Buffer.from(String(test.token.tool(asked).mac), 'hex')
    const time = (ms: number | undefined): Date => new Date(ms ?? 0)
    await sql('update authorisation set expires_at = $2, origin_expires_at = $3, seal = $4 where id = $1', [
      record.authorisationId,
      time(record.expiresAt),
      time(record.origin?.expiresAt),
      seal,
    ])
  }

  async function sadHashOf(id: string): Promise<Buffer> {
    return withClient(test.database.superUrl, async (client) => {
      const { rows } = await client.query<{ hash: Buffer }>(
        'select sad_hash as hash from authorisation where id = $1',
        [id],
      )
      return rows[0]?.hash ?? Buffer.alloc(0)
    })
  }

  const SEALED = {
    origin_id: `origin_id = (select id from authorisation where origin_id is null and sad_hash is null limit 1)`,
    origin_count: 'origin_count = origin_count + 1',
    origin_expires_at: `origin_expires_at = origin_expires_at + interval '1 hour'`,
    'all three': 'origin_id = null, origin_count = null, origin_expires_at = null',
  }
  for (const [column, change] of Object.entries(SEALED)) {
    it(`neither sign nor extend after ${column} of an extension was altered by SQL`, async () => {
      const renewed = await extend(await authorise([A]), [A])
      const from = test.log().length
      const { authorisationId } = await found(renewed)
      await sql(`update authorisation set ${change} where id = $1`, [authorisationId])
      expect(await signed(renewed, A)).to.match(/^TokenError/)
      expect(await code(extend(renewed, [A]))).to.match(/^TokenError/)
      expect(test.log().slice(from)).to.include('"alarm":"seal_broken"')
      await sql('delete from authorised_hash where authorisation_id = $1', [authorisationId])
    })
  }

  it('together look at five wrong PINs of a client, and then at no right one', async () => {
    const mine = await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
    const request = { clientId, credentialId: mine, count: 1, hash: 'SHA-256', digests: [A] } as const
    const guess = (n: number, secret: string): Promise<string> =>
      code(authoriseCredential(replica(n), { ...request, secrets: [secret] }))
    const outcomes = await Promise.all(Array.from({ length: 14 }, (_, n) => guess(n, `00000${n}`)))
    expect(outcomes.filter((outcome) => outcome === 'activation_failed')).to.have.length(5)
    expect(outcomes.filter((outcome) => outcome === 'credential_locked')).to.have.length(9)
    for (const n of [0, 1]) expect(await guess(n, pin)).to.equal('credential_locked')
    // It is this credential that is locked, and no other of the client.
    expect(await signed(await authorise([A]), A)).to.equal('done')
  })
})
