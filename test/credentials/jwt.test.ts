import { expect } from 'chai'
import { compactVerify, decodeProtectedHeader, jwtVerify } from 'jose'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import {
  later,
  names,
  NOW,
  publicKey,
  refused,
  row,
  SECONDS,
  spoiled,
  text,
  V1,
  V2,
  verifying,
} from './credentials.ts'
import { algorithms, CONTROLLER, localKey, tokenKeys, type TokenKeys } from './keys.ts'

const jwt = row('jwt')
const VP2: JsonObject = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiablePresentation'],
  holder: CONTROLLER,
}
const VP1: JsonObject = {
  '@context': ['https://www.w3.org/2018/credentials/v1'],
  type: 'VerifiablePresentation',
}

describe('credentials as JWT, by keys in a token', () => {
  let keys: TokenKeys
  before(async () => {
    keys = await tokenKeys()
  })
  after(() => keys.open.close())

  const claimsOf = async (body: unknown, spki: Buffer): Promise<JsonObject> => {
    const { payload } = await compactVerify(text(body), publicKey(spki))
    return JSON.parse(new TextDecoder().decode(payload)) as JsonObject
  }

  for (const algorithm of algorithms) {
    const kid = `${CONTROLLER}#${algorithm}`
    /** jose, another's library, believes it, and none that was altered in any of its parts; neither do we. */
    const judge = async (body: unknown): Promise<void> => {
      const key = publicKey(keys.key(algorithm).spki)
      const made = text(body)
      await compactVerify(made, key, { algorithms: [algorithm] })
      for (const part of [0, 1, 2] as const) {
        const altered = spoiled(made, part)
        const said = await compactVerify(altered, key).then(
          () => 'believed',
          () => 'refused',
        )
        expect(said, `part ${part}`).to.equal('refused')
        expect(names(await verifying(keys, 'jwt')(altered)), `part ${part}`).to.have.length(1)
      }
    }

    it(`${algorithm}: a credential of version 2.0 is vc+jwt, and its payload the credential`, async () => {
      const before = structuredClone(V2)
      const asked = keys.signed()
      const made = await jwt.issue({ credential: V2, key: keys.key(algorithm), now: NOW })
      expect(keys.signed() - asked).to.equal(1)
      expect(V2).to.deep.equal(before)
      expect(made.mediaType).to.equal('application/vc+jwt')
      expect(decodeProtectedHeader(text(made.body))).to.deep.equal({
        alg: algorithm,
        typ: 'vc+jwt',
        cty: 'vc',
        kid,
      })
      expect(await claimsOf(made.body, keys.key(algorithm).spki)).to.deep.equal(V2)
      expect(await verifying(keys, 'jwt')(made.body)).to.deep.equal({ problems: [], content: V2 })
      await judge(made.body)
    })

    it(`${algorithm}: a credential of version 1.1 is JWT-VC, and has its claims`, async () => {
      const { body, mediaType } = await jwt.issue({ credential: V1, key: keys.key(algorithm), now: NOW })
      expect(mediaType).to.equal('application/jwt')
      expect(decodeProtectedHeader(text(body))).to.deep.equal({ alg: algorithm, typ: 'JWT', kid })
      expect(await claimsOf(body, keys.key(algorithm).spki)).to.deep.equal({
        iss: CONTROLLER,
        sub: 'did:example:ada',
        jti: 'http://issuer.example/credentials/1',
        nbf: 1767225600,
        exp: 1798758000,
        vc: V1,
      })
      expect(await verifying(keys, 'jwt')(body)).to.deep.equal({ problems: [], content: V1 })
      await judge(body)
    })

    it(`${algorithm}: presentations are made for a challenge and a domain, and hold credentials`, async () => {
      const key = keys.key(algorithm)
      const asked = {
        key,
        now: NOW,
        challenge: 'n-1',
        domain: 'https://verifier.example',
        validUntil: later(60),
      }
      const [two, one] = await Promise.all(
        [V2, V1].map((credential) => jwt.issue({ credential, key, now: NOW })),
      )
      const times = { iat: SECONDS, exp: SECONDS + 60, nonce: 'n-1', aud: 'https://verifier.example' }

      const current = await jwt.present({
        ...asked,
        presentation: { ...VP2, verifiableCredential: [two?.body] },
      })
      expect(current.mediaType).to.equal('application/vp+jwt')
      expect(decodeProtectedHeader(text(current.body))).to.deep.equal({
        alg: algorithm,
        typ: 'vp+jwt',
        cty: 'vp',
        kid,
      })
      const envelope = {
        '@context': 'https://www.w3.org/ns/credentials/v2',
        id: `data:application/vc+jwt,${text(two?.body)}`,
        type: 'EnvelopedVerifiableCredential',
      }
      const document = { ...VP2, verifiableCredential: [envelope] }
      expect(await claimsOf(current.body, key.spki)).to.deep.equal({ ...document, ...times })

      const old = await jwt.present({ ...asked, presentation: { ...VP1, verifiableCredential: [one?.body] } })
      expect(decodeProtectedHeader(text(old.body))).to.deep.equal({ alg: algorithm, typ: 'JWT', kid })
      const vp = { ...VP1, verifiableCredential: [one?.body] }
      expect(await claimsOf(old.body, key.spki)).to.deep.equal({ iss: CONTROLLER, ...times, vp })

      const { audience, challenge, domain } = { audience: asked.domain, ...asked }
      await jwtVerify(text(current.body), publicKey(key.spki), {
        audience,
        currentDate: NOW,
        typ: 'vp+jwt',
      })
      const expected = [document, { ...vp, holder: CONTROLLER }]
      for (const [index, { body }] of [current, old].entries()) {
        const verify = verifying(keys, 'jwt')
        const good = await verify(body, { challenge, domain, kind: 'presentation' })
        expect(good).to.deep.equal({ problems: [], content: expected[index] })
        expect(names(await verify(body, { challenge: 'n-2', domain }))).to.deep.equal(['challenge-mismatch'])
        expect(names(await verify(body, { challenge, domain: 'https://other.example' }))).to.deep.equal([
          'domain-mismatch',
        ])
        expect(names(await verify(body, { now: later(61) }))).to.deep.equal(['expired'])
        await judge(body)
      }
    })
  }
})

describe('what is not made as JWT', () => {
  const key = localKey()
  const issue = (credential: JsonObject, more: object = {}) =>
    refused(jwt.issue({ credential, key, now: NOW, ...more }))
  const other = 'did:web:other.example'
  const unsignable = { ...key, sign: () => Promise.reject(new Error('the key was asked')) }

  for (const [what, credential, message] of [
    [
      'another issuer',
      { ...V2, issuer: other },
      `issuer: the key is ${CONTROLLER}'s, and signs for no other`,
    ],
    [
      'another issuer, in 1.1',
      { ...V1, issuer: { id: other } },
      `issuer: the key is ${CONTROLLER}'s, and signs for no other`,
    ],
    ['no issuer', { ...V2, issuer: undefined }, 'issuer is missing'],
    ['an issuer without id', { ...V2, issuer: {} }, 'issuer has no id that is a URL'],
    [
      'another context',
      { ...V2, '@context': ['https://example.org/'] },
      '@context does not begin with https://www.w3.org/ns/credentials/v2 or https://www.w3.org/2018/credentials/v1',
    ],
    ['vc in 2.0', { ...V2, vc: {} }, 'vc: not in version 2.0'],
    ['vp in 2.0', { ...V2, vp: {} }, 'vp: not in version 2.0'],
    ['an audience', { ...V2, aud: 'x' }, 'aud: not in version 2.0'],
    ['nbf in 2.0', { ...V2, nbf: 1 }, 'nbf: not in version 2.0'],
    ['iss that differs', { ...V2, iss: other }, 'iss: differs from issuer'],
    ['jti that differs', { ...V2, jti: 'x' }, 'jti: differs from id'],
    ['vc in 1.1', { ...V1, vc: {} }, 'vc: made here, of the document'],
    [
      'two subjects in 1.1',
      { ...V1, credentialSubject: [{ id: 'did:example:1' }, { id: 'did:example:2' }] },
      'credentialSubject: a JWT of version 1.1 has one subject (6.3.1)',
    ],
    [
      'a day that is none',
      { ...V1, expirationDate: '2027-02-29T00:00:00Z' },
      'expirationDate is no dateTime',
    ],
  ] as const) {
    it(`${what} is refused by name, before the key is asked`, async () => {
      const asking = jwt.issue({ credential, key: unsignable, now: NOW })
      expect(await refused(asking)).to.equal(`invalid_request: ${message}`)
    })
  }

  it('is what only other formats do', async () => {
    for (const option of [
      'cryptosuite',
      'mandatoryPointers',
      'selective',
      'holder',
      'previousProof',
      'proofId',
    ]) {
      const refusal = `invalid_request: ${option}: not in this format`
      expect(await issue(V2, { [option]: [] })).to.equal(refusal)
    }
  })

  it('is what JOSE has no name for', async () => {
    const message = 'algorithm_not_allowed: JOSE has no name for ecdsa-sha384 with a P-256 key'
    expect(await issue(V2, { key: { ...unsignable, scheme: 'ecdsa-sha384' } })).to.equal(message)
  })

  it('a key of a plain name signs as given', async () => {
    const plain = { ...key, id: 'payroll#z1', controller: 'payroll' }
    const { body } = await jwt.issue({ credential: { ...V2, issuer: other }, key: plain, now: NOW })
    expect(decodeProtectedHeader(text(body)).kid).to.equal('payroll#z1')
  })

  it('a presentation of 2.0 holds nothing that is not enveloped', async () => {
    const present = (verifiableCredential: unknown) =>
      refused(jwt.present({ presentation: { ...VP2, verifiableCredential }, key: unsignable, now: NOW }))
    const { body: old } = await jwt.issue({ credential: V1, key, now: NOW })
    expect(await present([V2])).to.equal(
      'invalid_request: verifiableCredential[0]: neither an EnvelopedVerifiableCredential nor what goes into one',
    )
    for (const given of [old, 'x.y.z', ''])
      expect(await present(given)).to.equal(
        'invalid_request: verifiableCredential[0]: no credential of version 2.0 in JOSE',
      )
  })
})
