import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { VerifyRequest } from '../../src/credentials/formats/format.ts'
import { verifyAny } from '../../src/credentials/formats/index.ts'
import { NOW, SECONDS, V1, V2 } from './credentials.ts'
import { CONTROLLER, forged, knowing, localKey } from './keys.ts'

const CONTEXT = 'https://www.w3.org/ns/credentials/v2'
const purpose = { challenge: 'n-1', domain: 'https://verifier.example' }
const claims = { nonce: purpose.challenge, aud: purpose.domain, iat: SECONDS }
const VP = { '@context': [CONTEXT], type: ['VerifiablePresentation'], holder: CONTROLLER }

const envelope = (secured: string, media: string) => ({
  '@context': CONTEXT,
  id: `data:application/${media},${secured}`,
  type: 'EnvelopedVerifiableCredential',
})

describe('a vp+sd-jwt is not believed', () => {
  const key = localKey()
  const HEADER = { alg: 'ES256', typ: 'vp+sd-jwt', cty: 'vp', kid: key.id }
  const PAYLOAD = { ...VP, ...claims }
  const verify = async (
    secured: VerifyRequest['secured'],
    more: Partial<VerifyRequest> = {},
  ): Promise<string[]> => {
    const asked = { now: NOW, profile: 'strict', kind: 'presentation', resolve: knowing(key) } as const
    const { problems } = await verifyAny({ secured, ...asked, ...purpose, ...more })
    return problems.map(({ name, detail }) => `${name}: ${detail}`)
  }
  const signed = (header: object = {}, payload: object = {}, ...disclosures: string[]): string =>
    [forged(key, { ...HEADER, ...header }, { ...PAYLOAD, ...payload }), ...disclosures, ''].join('~')
  const good = signed()
  const [header = '', payload = '', signature = ''] = good.slice(0, -1).split('.')
  const disclosure = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const digest = (of: string): string => createHash('sha256').update(of).digest('base64url')

  it('though its like is, by itself and in an envelope', async () => {
    expect(await verify(good)).to.deep.equal([])
    expect(await verify(signed({ cty: undefined, typ: 'application/VP+SD-JWT' }))).to.deep.equal([])
    const enveloped = {
      '@context': [CONTEXT],
      id: `data:application/vp+sd-jwt,${good}`,
      type: 'EnvelopedVerifiablePresentation',
    }
    expect(await verify(enveloped)).to.deep.equal([])
    expect(await verify(enveloped, { kind: 'credential' })).to.deep.equal([
      'type-not-allowed: This is a presentation, not a credential',
    ])
  })

  for (const [what, more, problem] of [
    ['another challenge', { challenge: 'n-2' }, 'challenge-mismatch: Not made for this challenge'],
    ['another domain', { domain: 'https://other.example' }, 'domain-mismatch: Not made for this domain'],
    [
      'whom a credential is wanted of',
      { kind: 'credential' },
      'type-not-allowed: This is a presentation, not a credential',
    ],
  ] as const) {
    it(`by ${what}`, async () => {
      expect(await verify(good, more)).to.deep.equal([problem])
    })
  }

  const NONE = 'algorithm-not-allowed: alg: not the algorithm of the key'
  const TYPE = 'type-not-allowed: typ: neither a credential nor a presentation as SD-JWT'
  for (const [what, members, problem] of [
    ['alg none', { alg: 'none' }, NONE],
    ['HMAC by the public key', { alg: 'HS256', k: key.spki.toString('base64url') }, NONE],
    ['the algorithm of another curve', { alg: 'ES384' }, NONE],
    [
      'crit',
      { crit: ['exp'] },
      'header-not-supported: crit: nothing is understood that must be (RFC 7515, 4.1.11)',
    ],
    [
      'a key of its own',
      { jwk: { kty: 'EC' } },
      'key-not-trusted: jwk: a key that comes with the signature is not believed',
    ],
    ['a strange kid', { kid: `${CONTROLLER}#other` }, 'key-unknown: kid: nobody knows this key'],
    ['the typ of a JWT', { typ: 'vp+jwt' }, TYPE],
    ['the typ of a key binding', { typ: 'kb+jwt' }, TYPE],
    ['no typ', { typ: undefined }, TYPE],
    [
      'the typ of a credential',
      { typ: 'vc+sd-jwt', cty: undefined },
      'malformed: type: not a VerifiableCredential',
    ],
    ['the typ of an SD-JWT VC', { typ: 'dc+sd-jwt' }, 'malformed: vct: not text'],
    ['the cty of a credential', { cty: 'vc' }, 'type-not-allowed: cty: not that of a presentation'],
  ] as const) {
    it(`for ${what} in its header`, async () => {
      expect(await verify(signed(members))).to.deep.equal([problem])
    })
  }

  for (const [what, members, problem] of [
    [
      'another holder',
      { holder: 'did:web:other.example' },
      'holder-mismatch: holder: not the controller of the key',
    ],
    ['exp', { exp: SECONDS }, 'expired: exp: is over'],
    ['exp as text', { exp: '2030-01-01T00:00:00Z' }, 'malformed: exp: not a time'],
    ['iat', { iat: SECONDS + 61 }, 'not-yet-valid: iat: is to come'],
    ['validUntil', { validUntil: '2026-06-01T12:00:00Z' }, 'expired: validUntil: is over'],
    ['no nonce', { nonce: undefined }, 'challenge-mismatch: Not made for this challenge'],
    ['no aud', { aud: undefined }, 'domain-mismatch: Not made for this domain'],
    ['iss that is not the holder', { iss: 'x' }, 'claims-differ: iss: differs from holder'],
    ['vp', { vp: {} }, 'claim-not-allowed: vp: not in version 2.0, whose document is the claims'],
    [
      'the context of version 1.1',
      { '@context': ['https://www.w3.org/2018/credentials/v1'] },
      'malformed: @context: not that of version 2.0',
    ],
    [
      'the type of a credential',
      { type: ['VerifiableCredential'] },
      'malformed: type: not a VerifiablePresentation',
    ],
  ] as const) {
    it(`for ${what}, signed well`, async () => {
      expect(await verify(signed({}, members))).to.deep.equal([problem])
    })
  }

  const MALFORMED = 'malformed: This is no compact JWS: three parts in base64url without padding'
  for (const [what, secured, problem] of [
    ['padding', `${header}.${payload}.${signature}=~`, MALFORMED],
    [
      'a line feed',
      `${good}\n`,
      'key-binding-invalid: A presentation is signed by its holder, and has no key binding',
    ],
    ['the other alphabet', `${header}.${payload}.${'+'.repeat(86)}~`, MALFORMED],
    [
      'unused bits that are set',
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('B') ? 'C' : 'B'}~`,
      MALFORMED,
    ],
    ['a tilde less', good.slice(0, -1), 'type-not-allowed: typ: neither a credential nor a presentation'],
    ['a disclosure that is none', `${good}!~`, 'malformed: A disclosure: not base64url'],
    [
      'a disclosure with padding',
      signed({}, {}, `${disclosure('salt', 'a', 1)}=`),
      'malformed: A disclosure: not base64url',
    ],
    [
      'a disclosure that nothing asks for',
      signed({}, {}, disclosure('salt', 'a', 1)),
      'disclosure-invalid: The disclosures: nothing asks for one',
    ],
    [
      'a key binding',
      good + forged(key, { alg: 'ES256', typ: 'kb+jwt' }, claims),
      'key-binding-invalid: A presentation is signed by its holder, and has no key binding',
    ],
  ] as const) {
    it(`with ${what}`, async () => {
      expect(await verify(secured)).to.deep.equal([problem])
    })
  }

  it('with another disclosure than the one that was signed', async () => {
    const mine = disclosure('salt', 'holder', CONTROLLER)
    const theirs = disclosure('salt', 'holder', 'did:example:eve')
    const rest = { holder: undefined, _sd: [digest(mine)] }
    expect(await verify(signed({}, rest, mine))).to.deep.equal([])
    expect(await verify(signed({}, rest))).to.deep.equal([])
    expect(await verify(signed({}, rest, theirs))).to.deep.equal([
      'disclosure-invalid: The disclosures: nothing asks for one',
    ])
  })

  for (const claim of ['iss', 'aud', 'nonce', 'nbf', 'exp', 'cnf']) {
    it(`with ${claim} concealed: whoever shows it on could leave it out`, async () => {
      const concealed = disclosure('salt', claim, 1)
      const rest = { [claim]: undefined, _sd: [digest(concealed)] }
      expect(await verify(signed({}, rest, concealed))).to.deep.equal([
        `claim-not-allowed: ${claim}: concealed, and must stand open`,
      ])
    })
  }

  it('with a credential in it that is not good, in whichever format', async () => {
    const vc = { alg: 'ES256', typ: 'vc+jwt', kid: key.id }
    const holding = (...verifiableCredential: unknown[]): Promise<string[]> =>
      verify(signed({}, { verifiableCredential }))
    const one = forged(key, vc, V2)
    const sd = `${forged(key, { ...vc, typ: 'vc+sd-jwt' }, V2)}~`
    const expired = forged(key, vc, { ...V2, validUntil: '2026-01-02T00:00:00Z' })
    expect(await holding(envelope(one, 'vc+jwt'), envelope(sd, 'vc+sd-jwt'))).to.deep.equal([])
    expect(await holding(envelope(sd, 'vc+sd-jwt'), envelope(expired, 'vc+jwt'))).to.deep.equal([
      'expired: verifiableCredential[1]: validUntil: is over',
    ])
    expect(await holding(envelope(good, 'vp+sd-jwt'))).to.deep.equal([
      'type-not-allowed: verifiableCredential[0]: This is a presentation, not a credential',
    ])
    expect(await holding(V2)).to.deep.equal(['proof-missing: verifiableCredential[0]: proof: there is none'])
    expect(await holding(7)).to.deep.equal(['malformed: verifiableCredential[0]: Not a secured credential'])
    expect(await holding(...Array<string>(101).fill(one))).to.deep.equal([
      'too-many: verifiableCredential: more than 100 of them',
    ])
    const status = () => Promise.resolve([{ name: 'revoked', detail: 'It was revoked' }])
    const presented = signed({}, { verifiableCredential: [envelope(one, 'vc+jwt')] })
    expect(await verify(presented, { status })).to.deep.equal([
      'revoked: verifiableCredential[0]: It was revoked',
    ])
  })

  it('by a key that its holder has for something else', async () => {
    const resolve: VerifyRequest['resolve'] = (id, relationship) =>
      Promise.resolve(id === key.id && relationship === 'assertionMethod' ? key : undefined)
    expect(await verify(good, { resolve })).to.deep.equal(['key-unknown: kid: nobody knows this key'])
  })

  it('and in the profile of proofs alone, whoever its holder is', async () => {
    const strange = signed({}, { holder: 'https://vc.example/holders/1' })
    expect(await verify(strange, { profile: 'proof' })).to.deep.equal([])
    expect(await verify(strange, { profile: 'proof', challenge: 'n-2' })).to.deep.equal([
      'challenge-mismatch: Not made for this challenge',
    ])
  })

  it('nor is anything else believed for it', async () => {
    const jwt = forged(key, { ...HEADER, typ: 'vp+jwt' }, PAYLOAD)
    expect(await verify(jwt)).to.deep.equal([])
    expect(await verify(`${jwt}~`)).to.deep.equal([TYPE])
    const one = `${forged(key, { alg: 'ES256', typ: 'vc+sd-jwt', kid: key.id }, V2)}~`
    expect(await verify(one)).to.deep.equal(['key-binding-missing: Nobody shows that he is its holder'])
    const old = `${forged(key, { alg: 'ES256', typ: 'vc+sd-jwt', kid: key.id }, V1)}~`
    expect(await verify(old)).to.deep.equal(['key-binding-missing: Nobody shows that he is its holder'])
  })
})
