import { expect } from 'chai'
import type { VerificationKey } from '../../src/credentials/credentialKey.ts'
import { didJwkOf, readDidJwk } from '../../src/credentials/did/didJwk.ts'
import { didKeyOf, readDidKey, resolveDidKey } from '../../src/credentials/did/didKey.ts'
import { keyResolver } from '../../src/credentials/did/resolver.ts'
import { jwkOf } from '../../src/credentials/jwk.ts'
import { multikeyOf } from '../../src/credentials/multikey.ts'
import { toMultibase } from '../../src/credentials/multibase.ts'
import { algorithms, localKey, tokenKeys, type TokenKeys } from './keys.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const nowhere = keyResolver({ fetch: () => Promise.reject(new Error('asked')), clock: () => NOW })

/** did:key, test vectors; RFC 8032, 7.1, TEST 3's like for Ed25519. */
const PUBLISHED = [
  [
    'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp',
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from('3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29', 'hex').toString(
        'base64url',
      ),
    },
  ],
  [
    'zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI',
      y: 'hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU',
    },
  ],
  [
    'z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9',
    {
      kty: 'EC',
      crv: 'P-384',
      x: 'lInTxl8fjLKp_UCrxI0WDklahi-7-_6JbtiHjiRvMvhedhKVdHBfi2HCY8t_QJyc',
      y: 'y6N1IC-2mXxHreETBW7K3mBcw0qGr3CWHCs-yl09yCQRLcyfGv7XhqAngHOu51Zv',
    },
  ],
] as const

describe('keys as DIDs', () => {
  let keys: TokenKeys
  before(async () => {
    keys = await tokenKeys()
  })
  after(() => keys.open.close())

  for (const algorithm of algorithms) {
    it(`a token's key for ${algorithm} comes back from its did:key and its did:jwk`, async () => {
      const { keyType, spki } = keys.key(algorithm)
      const [didKey, didJwk] = [didKeyOf({ keyType, spki }), didJwkOf({ spki })]
      const expected = (id: string, controller: string): VerificationKey => ({
        id,
        controller,
        keyType,
        spki,
        scheme: undefined,
      })
      const keyId = `${didKey}#${didKey.slice('did:key:'.length)}`
      expect(await nowhere(keyId)).to.deep.equal(expected(keyId, didKey))
      expect(await nowhere(`${didJwk}#0`)).to.deep.equal(expected(`${didJwk}#0`, didJwk))
      for (const id of [didKey, didJwk, `${didKey}#0`, `${didJwk}#1`, `${didJwk}#`, `${didKey}?a#0`])
        expect(await nowhere(id), id).to.equal(undefined)
    })
  }

  for (const [multikey, jwk] of PUBLISHED) {
    it(`did:key:${multikey.slice(0, 8)}… is the published key`, () => {
      const key = readDidKey(`did:key:${multikey}`)
      if (typeof key === 'string') throw new Error(key)
      expect(jwkOf(key)).to.deep.equal(jwk)
      expect(multikeyOf(key)).to.equal(multikey)
    })
  }

  it('did:jwk’s own example is its key', () => {
    const did =
      'did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9'
    const key = readDidJwk(did)
    if (typeof key === 'string') throw new Error(key)
    expect(jwkOf(key)).to.deep.include({ crv: 'P-256', x: 'acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0' })
    expect(didJwkOf(key)).to.equal(did)
  })

  it('did:jwk is refused for what is no public key, or no JSON that all read alike', () => {
    const of = (text: string): unknown => readDidJwk(`did:jwk:${Buffer.from(text).toString('base64url')}`)
    const jwk = jwkOf(localKey())
    expect(of(JSON.stringify(jwk))).to.have.property('keyType', 'P-256')
    expect(of(JSON.stringify({ ...jwk, d: 'AA' }))).to.equal('invalidPublicKey')
    expect(of(JSON.stringify({ ...jwk, use: 'enc' }))).to.equal('invalidPublicKey')
    expect(of(JSON.stringify({ ...jwk, x: jwk['y'] }))).to.equal('invalidPublicKey')
    expect(of(JSON.stringify({ kty: 'oct', k: 'AA' }))).to.equal('invalidPublicKey')
    expect(of('{"kty":"EC","kty":"OKP"}')).to.equal('invalidDid')
    expect(of('[]')).to.equal('invalidDid')
    expect(readDidJwk('did:jwk:e30=')).to.equal('invalidDid')
  })
})

describe('did:key, as its suite asks', () => {
  const multibase = 'z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b'
  const did = `did:key:${multibase}`
  const prefixed = (prefix: string, octets: Buffer): string =>
    `did:key:${toMultibase('z', Buffer.concat([Buffer.from(prefix, 'hex'), octets]))}`

  it('is a document with one key for everything', () => {
    const id = `${did}#${multibase}`
    const method = { id, type: 'Multikey', controller: did, publicKeyMultibase: multibase }
    const document = {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
      id: did,
      verificationMethod: [method],
      assertionMethod: [id],
      authentication: [id],
    }
    expect(resolveDidKey(did)).to.deep.equal({ document, isDereferenced: false })
    expect(resolveDidKey(id)).to.deep.equal({ document: method, isDereferenced: true })
    const jwk = resolveDidKey(id, { publicKeyFormat: 'JsonWebKey2020' }).document
    expect(jwk).to.have.nested.property('publicKeyJwk.crv', 'Ed25519')
    expect(resolveDidKey(id, { publicKeyFormat: 'Ed25519VerificationKey2020' }).document).to.have.property(
      'publicKeyMultibase',
      multibase,
    )
  })

  for (const [what, url, options, error] of [
    ['another scheme', `notDid:key:${multibase}`, {}, 'invalidDid'],
    ['another method', `did:experimental:${multibase}`, {}, 'methodNotSupported'],
    ['a version that is no number', `did:key:-4:${multibase}`, {}, 'invalidDid'],
    ['a key without z', `did:key:${multibase.slice(1)}`, {}, 'invalidDid'],
    ['a sign that no DID has', 'did:key:@', {}, 'invalidDid'],
    ['a key that is too short', 'did:key:zTjsVPtY', {}, 'invalidPublicKeyLength'],
    ['a path and a query', `${did}/^bar^/?query=\`#${multibase}`, {}, 'invalidDidUrl'],
    ['a format that nobody knows', did, { publicKeyFormat: 'unknown' }, 'unsupportedPublicKeyType'],
    [
      'a format of the past',
      `${did}#${multibase}`,
      { publicKeyFormat: 'Ed25519VerificationKey2018' },
      'invalidPublicKeyType',
    ],
    ['another key', `${did}#z6MkOther`, {}, 'notFound'],
    ['no fragment', `${did}#`, {}, 'invalidDidUrl'],
    ['a codec that nobody knows', prefixed('ffff', Buffer.alloc(32)), {}, 'unsupportedPublicKeyType'],
    [
      'a codec’s varint in another length',
      prefixed('ed8100', Buffer.alloc(32)),
      {},
      'unsupportedPublicKeyType',
    ],
    [
      'a point that is none',
      prefixed('8024', Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 0xff)])),
      {},
      'invalidPublicKey',
    ],
    [
      'a point that is not compressed',
      prefixed('8024', Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])),
      {},
      'invalidPublicKeyLength',
    ],
    ['an RSA key that is none', prefixed('8524', Buffer.alloc(270, 1)), {}, 'invalidPublicKey'],
  ] as const) {
    it(`refuses ${what}: ${error}`, () => {
      expect(resolveDidKey(url, options)).to.deep.equal({ error, isDereferenced: /[/?#]/.test(url) })
    })
  }
})
