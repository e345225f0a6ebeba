import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { findCredential } from '../../src/db/credentials.ts'
import { Refusal } from '../../src/refusal.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { permitFromSad } from '../../src/signing/permit.ts'
import { sign } from '../../src/signing/sign.ts'
import { createTestContext, type TestContext } from '../support/context.ts'
import { withClient } from '../support/database.ts'

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

describe('seals', () => {
  let test: TestContext
  const clientId = 'demo'
  const pin = '295716'

  before(async () => {
    test = await createTestContext()
    // Another credential: what rows are altered to point at.
    await test.enrolCredential({ clientId, pin, keyType: 'P-256' })
  })
  afterEach(() => test.checkState())
  after(() => test.close())

  const code = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: unknown) =>
        error instanceof Refusal ? error.code : `${(error as Error).name}: ${(error as Error).message}`,
    )

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
    'credential.second_factor': `update credential set second_factor = 'totp:1' where key_id = $1`,
    'credential.seal': `update credential set seal = decode(repeat('00', 32), 'hex') where key_id = $1`,
    'authorisation.hash': `update authorisation set hash = 'SHA-384' where key_id = $1 and sad_hash is not null`,
    'authorisation.count': `update authorisation set count = count + 1 where key_id = $1 and sad_hash is not null`,
    'authorisation.expires_at': `update authorisation set expires_at = expires_at + interval '1 hour' where key_id = $1`,
    'authorisation.key_id': `update authorisation set key_id = (select id from key where purpose = 'ca' limit 1)
      where key_id = $1 and sad_hash is not null`,
    'authorisation.client_id': `update authorisation set client_id = 'other' where key_id = $1 and sad_hash is not null`,
    'authorisation.bound': `update authorisation set bound = false where key_id = $1 and sad_hash is not null`,
    'authorisation.seal': `update authorisation set seal = decode(repeat('00', 32), 'hex') where key_id = $1`,
    'authorised_hash.digest': `update authorised_hash set digest = decode(repeat('11', 32), 'hex')
      where authorisation_id in (select id from authorisation where key_id = $1 and sad_hash is not null)`,
  }
  for (const [column, sql] of Object.entries(SEALED)) {
    it(`signs nothing after ${column} was altered by SQL, and raises an alarm`, async () => {
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
      expect(outcome).to.match(/^TokenError/)
      expect(test.log().slice(from)).to.include('"alarm":"seal_broken"')
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
})
