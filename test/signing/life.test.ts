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

  const SEALED = {
    'key.spki': `update key set spki = (select spki from key where purpose = 'ca' limit 1) where id = $1`,
    'key.cka_id': `update key set cka_id = 'other'::bytea where id = $1`,
    'key.token_serial': `update key set token_serial = 'other' where id = $1`,
    'key.key_type': `update key set key_type = 'P-384' where id = $1`,
    'key.purpose': `update key set purpose = 'seal' where id = $1`,
    'key.seal': `update key set seal = decode(repeat('00', 32), 'hex') where id = $1`,
    'credential.person_id': `with p as (insert into person (id) values (gen_random_uuid()) returning id)
      update credential set person_id = p.id from p where key_id = $1`,
    'credential.certificate_id': `update credential set certificate_id = (select id from certificate where key_id <> $1 limit 1)
      where key_id = $1`,
    'credential.scal': `update credential set scal = 1 where key_id = $1`,
    'credential.mode': `update credential set mode = 'oauth2code' where key_id = $1`,
    'credential.multisign': `update credential set multisign = multisign + 1 where key_id = $1`,
    'credential.seal': `update credential set seal = decode(repeat('00', 32), 'hex') where key_id = $1`,
    'authorisation.hash': `update authorisation set hash = 'SHA-384' where key_id = $1 and sad_hash is not null`,
    'authorisation.count': `update authorisation set count = count + 1 where key_id = $1 and sad_hash is not null`,
    'authorisation.expires_at': `update authorisation set expires_at = expires_at + interval '1 hour' where key_id = $1`,
    'authorisation.seal': `update authorisation set seal = decode(repeat('00', 32), 'hex') where key_id = $1`,
    'authorised_hash.digest': `update authorised_hash set digest = decode(repeat('11', 32), 'hex')
      where authorisation_id in (select id from authorisation where key_id = $1 and sad_hash is not null)`,
  }
  for (const [column, sql] of Object.entries(SEALED)) {
    it(`signs nothing after ${column} was altered by SQL, and raises an alarm where the seal is broken`, async () => {
      const altered = await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
      const digests = [Buffer.alloc(32, 0x11)]
      const request = { clientId, credentialId: altered, count: 1, hash: 'SHA-256' as const }
      const { sad } = await authoriseCredential(test.ctx, {
        ...request,
        secrets: [pin],
        digests: column === 'authorised_hash.digest' ? [sha256('what the holder saw')] : digests,
      })
      const row = await findCredential(test.ctx.db, { id: altered })
      const from = test.log().length
      await withClient(test.database.superUrl, (client) => client.query(sql, [row?.keyId]))
      const ask = { sad, clientId, credentialId: altered, scheme: 'ecdsa-sha256' as const, digests }
      const outcome = await code(permitFromSad(test.ctx, ask).then((p) => sign(test.ctx, p)))
      expect(outcome).not.to.equal('done')
      if (outcome.startsWith('TokenError')) expect(test.log().slice(from)).to.include('"alarm":"seal_broken"')
      else expect(outcome).to.be.oneOf(['digest_not_authorised', 'algorithm_not_allowed'])
      await test.destroyCredential(altered)
    })
  }

  const VERIFIER = ['salt', 'memory_kib', 'passes', 'secrets', 'verifier', 'seal']
  for (const column of VERIFIER) {
    it(`activates nothing after activation.${column} was altered by SQL`, async () => {
      const altered = await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
      const row = await findCredential(test.ctx.db, { id: altered })
      const change = ['salt', 'verifier', 'seal'].includes(column)
        ? `set_byte(${column}, 3, 255 - get_byte(${column}, 3))`
        : `${column} + 1`
      await withClient(test.database.superUrl, (client) =>
        client.query(`update activation set ${column} = ${change} where key_id = $1`, [row?.keyId]),
      )
      const from = test.log().length
      const asked = authoriseCredential(test.ctx, {
        clientId,
        credentialId: altered,
        secrets: [pin],
        count: 1,
        hash: 'SHA-256',
        digests: [sha256('x')],
      })
      expect(await code(asked)).to.match(/^TokenError/)
      expect(test.log().slice(from)).to.include('"alarm":"seal_broken"')
      await test.destroyCredential(altered)
    })
  }

  it('signs nothing for a credential that was given another client by SQL', async () => {
    const altered = await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
    await withClient(test.database.superUrl, (client) =>
      client.query(`update credential set client_id = 'other' where id = $1`, [altered]),
    )
    const asked = authoriseCredential(test.ctx, {
      clientId: 'other',
      credentialId: altered,
      secrets: [pin],
      count: 1,
      hash: 'SHA-256',
      digests: [sha256('x')],
    })
    expect(await code(asked)).to.match(/^TokenError/)
    await test.destroyCredential(altered)
  })

  it('verifies with the public key of the stored certificate', async () => {
    const row = await findCredential(test.ctx.db, { id: credentialId })
    const fromCertificate = new X509Certificate(row?.certificate ?? Buffer.alloc(0)).publicKey
    const stored = createPublicKey({ key: row?.spki ?? Buffer.alloc(0), format: 'der', type: 'spki' })
    expect(fromCertificate.equals(stored)).to.equal(true)
  })
})
