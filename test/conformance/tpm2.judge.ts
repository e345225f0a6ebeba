import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { schemes, type KeyType } from '../../hsm/algorithms.ts'
import type { Token } from '../../hsm/token.ts'
import { Tokens } from '../../hsm/tokens.ts'
import { authorise, digest, judge as isGood, personKey, refusal } from '../hsm/support.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { judge } from './judge.ts'
import { makeTpmToken, probeTpm, type TpmToken } from './tpmToken.ts'

/** A TPM has neither HMAC keys nor public session keys of curves: another token seals for it, a module verifies. */
judge('a TPM 2.0 by tpm2-pkcs11', probeTpm, (tally) => {
  let tpm: TpmToken
  let soft: SoftToken
  let tokens: Tokens
  let token: Token

  before(async function () {
    this.timeout(60_000)
    tpm = await makeTpmToken()
    soft = makeSoftToken()
    const { module, provider, environment } = soft.config
    tokens = await Tokens.open({
      configs: [
        { ...tpm.config, verifier: { module, provider, environment } },
        { ...soft.config, name: 'softhsm' },
      ],
      loginGate: new MemoryLoginGate(),
      log: new MemoryLog(),
      prepare: true,
    })
    const made = tokens.named('tpm')
    if (made === undefined) throw new Error('no such token')
    token = made.token
  })
  after(async () => {
    await tokens.close()
    await tpm.close()
    soft.remove()
  })

  for (const [keyType, scheme] of [
    ['P-256', 'ecdsa-sha256'],
    ['P-384', 'ecdsa-sha384'],
    ['RSA-2048', 'rsa-sha256'],
    ['RSA-2048', 'pss-sha256'],
  ] as const) {
    it(`signs with ${scheme} by a ${keyType} key, sealed in another token`, async () => {
      const person = await personKey(token, { keyType })
      expect(person.key.tokenSerial).to.equal(token.serial)
      const message = Buffer.from('judged by a TPM')
      const hash = schemes[scheme].hash?.name ?? 'SHA-256'
      const one = digest(hash, message)
      const digests = Array.from({ length: 4 }, () => one)
      const authorisation = await authorise(token, person, { digests, hash })
      const use = { flow: 'test', key: person.key, scheme, inputs: [one], authorisation } as const
      const all = await Promise.all(digests.map(() => tokens.sign(use)))
      for (const [signature = Buffer.alloc(0)] of all) {
        expect(isGood(person.key.spki, scheme, { message, signature })).to.equal(true)
        tally.add('signatures')
      }
      const altered = { ...authorisation, count: 5 }
      expect((await refusal(tokens.sign({ ...use, authorisation: altered })))[1]).to.equal('seal')
    }).timeout(60_000)
  }

  it('makes a service key, tells its attributes, and destroys it', async () => {
    const [keyId, ckaId] = [randomUUID(), randomBytes(16)]
    const keyType: KeyType = 'P-256'
    const made = await tokens.generate({ keyId, ckaId, keyType, purpose: 'ca' })
    expect(made.attributes.flags).to.include({
      sensitive: true,
      extractable: false,
      neverExtractable: true,
      local: true,
      sign: true,
      decrypt: false,
    })
    const inputs = [Buffer.from('3003020105', 'hex')]
    const use = { flow: 'test', key: made.key, scheme: 'ecdsa-sha256', inputs } as const
    expect(await tokens.sign(use)).to.have.length(1)
    expect(await tokens.destroy(ckaId, token.serial)).to.equal(true)
    expect((await token.list()).map(({ label }) => label)).not.to.include(`ca ${keyId}`)
  }).timeout(60_000)
})
