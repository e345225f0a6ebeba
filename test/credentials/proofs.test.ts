import { expect } from 'chai'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { attestKeys } from '../../src/credentials/formats/keyAttestation.ts'
import { jwkOf } from '../../src/credentials/jwk.ts'
import { formats } from '../../src/credentials/formats/index.ts'
import { later, NOW, publicKey, refused, row, SECONDS, spoiled, text } from './credentials.ts'
import { algorithms, CONTROLLER, localKey, tokenKeys, type TokenKeys } from './keys.ts'

const ISSUER = 'https://credential-issuer.example'

describe('proofs about keys in a token', () => {
  let keys: TokenKeys
  before(async () => {
    keys = await tokenKeys()
  })
  after(() => keys.open.close())

  for (const algorithm of algorithms) {
    it(`${algorithm}: a proof of possession as OpenID4VCI, F.1 has it`, async () => {
      const key = keys.key(algorithm)
      const asked = { key, now: NOW, domain: ISSUER, challenge: 'c-nonce', validUntil: later(60) }
      const { body, mediaType } = await row('jwt').prove(asked)
      expect(mediaType).to.equal('application/openid4vci-proof+jwt')
      const options = {
        typ: 'openid4vci-proof+jwt',
        audience: ISSUER,
        currentDate: NOW,
        algorithms: [algorithm],
      }
      const { payload, protectedHeader } = await jwtVerify(text(body), publicKey(key.spki), options)
      expect(protectedHeader).to.deep.equal({
        alg: algorithm,
        typ: 'openid4vci-proof+jwt',
        kid: `${CONTROLLER}#${algorithm}`,
      })
      expect(payload).to.deep.equal({ aud: ISSUER, iat: SECONDS, nonce: 'c-nonce', exp: SECONDS + 60 })
      for (const part of [0, 1, 2] as const)
        expect(
          await jwtVerify(spoiled(text(body), part), publicKey(key.spki), options).catch(() => 'refused'),
        ).to.equal('refused')
    })

    it(`${algorithm}: a key attestation as OpenID4VCI, D has it`, async () => {
      const key = keys.key(algorithm)
      const attested = algorithms.map((name) => keys.key(name))
      const { body, mediaType } = await attestKeys({
        key,
        now: NOW,
        attested,
        keyStorage: ['iso_18045_moderate'],
        userAuthentication: ['iso_18045_basic'],
        nonce: 'c-nonce',
        expires: later(3600),
      })
      expect(mediaType).to.equal('application/key-attestation+jwt')
      const options = { typ: 'key-attestation+jwt', currentDate: NOW, algorithms: [algorithm] }
      const { payload, protectedHeader } = await jwtVerify(text(body), publicKey(key.spki), options)
      expect(protectedHeader).to.deep.equal({ alg: algorithm, typ: 'key-attestation+jwt', kid: key.id })
      expect(payload).to.deep.equal({
        iat: SECONDS,
        exp: SECONDS + 3600,
        attested_keys: attested.map((one) => jwkOf(one)),
        key_storage: ['iso_18045_moderate'],
        user_authentication: ['iso_18045_basic'],
        nonce: 'c-nonce',
      })
      for (const part of [0, 1, 2] as const)
        expect(
          await jwtVerify(spoiled(text(body), part), publicKey(key.spki), options).catch(() => 'refused'),
        ).to.equal('refused')
    })
  }
})

describe('a proof of possession', () => {
  const key = localKey()
  it('brings its key where no DID names it, and says its client where it has one', async () => {
    const plain = { ...key, id: 'wallet#z1', controller: 'wallet' }
    const { body } = await row('jwt').prove({ key: plain, now: NOW, domain: ISSUER, client: 'wallet-client' })
    expect(decodeProtectedHeader(text(body))).to.deep.equal({
      alg: 'ES256',
      typ: 'openid4vci-proof+jwt',
      jwk: jwkOf(key),
    })
    const { payload } = await jwtVerify(text(body), publicKey(key.spki))
    expect(payload).to.deep.equal({ iss: 'wallet-client', aud: ISSUER, iat: SECONDS })
  })

  it('is made by jwt, not by SD-JWT nor in COSE; a key attestation is of some key', async () => {
    expect(formats['sd-jwt']).not.to.have.property('prove')
    expect(formats.cose).not.to.have.property('prove')
    expect(await refused(row('jwt').prove({ key, now: NOW, domain: ISSUER, cryptosuite: 'x' }))).to.equal(
      'invalid_request: cryptosuite: not in this format',
    )
    for (const attested of [[], Array<typeof key>(101).fill(key)])
      expect(await refused(attestKeys({ key, now: NOW, attested }))).to.equal(
        'invalid_request: attested: 1 to 100 keys',
      )
  })
})
