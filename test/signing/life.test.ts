import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { findCredential } from '../../src/db/credentials.ts'
import { Refusal } from '../../src/refusal.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { ecdsaToDer } from '../../src/signing/der.ts'
import { permitForService, permitFromSad, type Permit } from '../../src/signing/permit.ts'
import { sign } from '../../src/signing/sign.ts'
import { createTestContext, type TestContext } from '../support/context.ts'
import { withClient } from '../support/database.ts'

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

describe('the life of a signature', () => {
  let test: TestContext
  let credentialId: string
  const clientId = 'demo'
  const pin = '295716'

  before(async () => {
    test = await createTestContext()
    credentialId = await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
  })
  afterEach(() => test.checkState())
  after(() => test.close())

  const authorise = async (
    digests: readonly Buffer[],
    secrets: readonly string[] = [pin],
  ): Promise<string> => {
    const request = {
      clientId,
      credentialId,
      secrets,
      count: digests.length,
      hash: 'SHA-256' as const,
      digests,
    }
    const { sad } = await authoriseCredential(test.ctx, request)
    test.secrets.push(sad)
    return sad
  }
  const permit = (sad: string, digests: readonly Buffer[]): Promise<Permit> =>
    permitFromSad(test.ctx, { sad, clientId, credentialId, scheme: 'ecdsa-sha256', digests })
  const code = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: unknown) =>
        error instanceof Refusal ? error.code : `${(error as Error).name}: ${(error as Error).message}`,
    )

  it('signs the digests as given, in their order, for the certificate', async () => {
    const texts = ['a contract', 'an annex', 'a contract']
    const digests = texts.map(sha256)
    const signatures = await sign(test.ctx, await permit(await authorise(digests), digests))
    const credential = await findCredential(test.ctx.db, { id: credentialId })
    const { publicKey } = new X509Certificate(credential?.certificate ?? Buffer.alloc(0))
    texts.forEach((text, index) => {
      const der = ecdsaToDer(signatures[index] ?? Buffer.alloc(0))
      expect(verify('sha256', Buffer.from(text), publicKey, der), text).to.equal(true)
    })
  })

  it('redeems a permit once', async () => {
    const digests = [sha256('once')]
    const once = await permit(await authorise(digests), digests)
    await sign(test.ctx, once)
    expect(await code(sign(test.ctx, once))).to.equal('Error: a permit is redeemed once')
  })

  it('makes exactly one signature when fifty ask at once for the only one authorised', async () => {
    const digests = [sha256('fifty')]
    const sad = await authorise(digests)
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async () => code(permit(sad, digests).then((p) => sign(test.ctx, p)))),
    )
    expect(outcomes.filter((outcome) => outcome === 'done')).to.have.length(1)
    expect(outcomes.filter((outcome) => outcome === 'digest_not_authorised')).to.have.length(49)
  })

  it('spends one occurrence a signature: the rest of a SAD stays good', async () => {
    const digests = [sha256('one'), sha256('two'), sha256('one')]
    const sad = await authorise(digests)
    for (const text of ['one', 'two', 'one']) await sign(test.ctx, await permit(sad, [sha256(text)]))
    expect(await code(permit(sad, [sha256('one')]).then((p) => sign(test.ctx, p)))).to.equal(
      'digest_not_authorised',
    )
  })

  it('refuses, at no cost, what the SAD does not cover', async () => {
    const digests = [sha256('covered')]
    const sad = await authorise(digests)
    const ask = { sad, clientId, credentialId, scheme: 'ecdsa-sha256', digests } as const
    const asked = (change: Partial<Parameters<typeof permitFromSad>[1]>) =>
      code(permitFromSad(test.ctx, { ...ask, ...change }))
    expect(await asked({ digests: [sha256('other')] })).to.equal('digest_not_authorised')
    expect(await asked({ scheme: 'ecdsa-sha384' })).to.equal('digest_not_authorised')
    expect(await asked({ scheme: 'rsa-sha256' })).to.equal('algorithm_not_allowed')
    expect(await asked({ clientId: 'other' })).to.equal('permit_unknown')
    expect(await asked({ credentialId: 'other' })).to.equal('permit_unknown')
    expect(await asked({ sad: 'x' })).to.equal('permit_unknown')
    await sign(test.ctx, await permit(sad, digests))
  })

  it('asks again, by the database, what may have changed since the permit was made', async () => {
    const digests = [sha256('late')]
    const sad = await authorise(digests)
    const late = await permit(sad, digests)
    await withClient(test.database.superUrl, (client) =>
      client.query(`update credential set state = 'disabled' where id = $1`, [credentialId]),
    )
    expect(await code(sign(test.ctx, late))).to.equal('credential_disabled')
    await withClient(test.database.superUrl, (client) =>
      client.query(`update credential set state = 'enabled' where id = $1`, [credentialId]),
    )
    await sign(test.ctx, await permit(sad, digests))
  })

  it("never lets a service rule reach a person's key", async () => {
    const credential = await findCredential(test.ctx.db, { id: credentialId })
    const key = {
      keyId: credential?.keyId ?? '',
      tokenSerial: credential?.tokenSerial ?? '',
      ckaId: credential?.ckaId ?? Buffer.alloc(0),
      keyType: 'P-256',
      purpose: 'signing',
      spki: credential?.spki ?? Buffer.alloc(0),
      seal: credential?.keySeal ?? Buffer.alloc(0),
    } as const
    const request = {
      key,
      scheme: 'ecdsa-sha256',
      messages: [Buffer.from('x')],
      act: 'x',
      subjects: [],
    } as const
    expect(() => permitForService(request)).to.throw("never reaches a person's key")
    // And a caller that goes around the permit meets the signer.
    const outcome = await code(
      test.ctx.token.sign({ flow: 'x', key, scheme: 'ecdsa-sha256', inputs: [sha256('x')] }),
    )
    expect(outcome).to.match(/^TokenError/)
  })

  it('counts a wrong PIN, locks after five, and is unlocked by nothing but an operator', async () => {
    const mine = await test.enrolCredential({ clientId, pin: '847263', keyType: 'P-256' })
    const request = {
      clientId,
      credentialId: mine,
      count: 1,
      hash: 'SHA-256' as const,
      digests: [sha256('x')],
    }
    const wrong = Array.from({ length: 12 }, (_, n) =>
      code(authoriseCredential(test.ctx, { ...request, secrets: [`00000${n}`] })),
    )
    const outcomes = await Promise.all(wrong)
    expect(outcomes.filter((outcome) => outcome === 'activation_failed')).to.have.length(5)
    expect(outcomes.filter((outcome) => outcome === 'credential_locked')).to.have.length(7)
    expect(await code(authoriseCredential(test.ctx, { ...request, secrets: ['847263'] }))).to.equal(
      'credential_locked',
    )
  })

  it('does not count an attempt that nobody judged', async () => {
    const mine = await test.enrolCredential({ clientId, pin: '847263', keyType: 'P-256' })
    const request = {
      clientId,
      credentialId: mine,
      count: 1,
      hash: 'SHA-256' as const,
      digests: [sha256('x')],
    }
    const turn = `update activation set salt = set_byte(salt, 3, 255 - get_byte(salt, 3))
      where key_id = (select key_id from credential where id = $1)`
    await withClient(test.database.superUrl, (client) => client.query(turn, [mine]))
    for (let n = 0; n < 7; n++) {
      const asked = authoriseCredential(test.ctx, { ...request, secrets: ['847263'] })
      expect(await code(asked)).to.match(/^TokenError/)
    }
    await withClient(test.database.superUrl, (client) => client.query(turn, [mine]))
    const { sad } = await authoriseCredential(test.ctx, { ...request, secrets: ['847263'] })
    test.secrets.push(sad)
  })

  it('does not take fifty right PINs at once for guessing', async () => {
    const digests = [sha256('many')]
    const sads = await Promise.all(Array.from({ length: 12 }, () => authorise(digests)))
    expect(new Set(sads).size).to.equal(12)
  })

  it('answers for an unknown credential as for a foreign one', async () => {
    const request = { secrets: [pin], count: 1, hash: 'SHA-256' as const, digests: [sha256('x')] }
    for (const [who, what] of [
      [clientId, 'nobody'],
      ['other', credentialId],
    ] as const) {
      const asked = authoriseCredential(test.ctx, { ...request, clientId: who, credentialId: what })
      expect(await code(asked)).to.equal('credential_unknown')
    }
  })

  it('verifies with the public key of the stored certificate', async () => {
    const row = await findCredential(test.ctx.db, { id: credentialId })
    const fromCertificate = new X509Certificate(row?.certificate ?? Buffer.alloc(0)).publicKey
    const stored = createPublicKey({ key: row?.spki ?? Buffer.alloc(0), format: 'der', type: 'spki' })
    expect(fromCertificate.equals(stored)).to.equal(true)
  })
})
