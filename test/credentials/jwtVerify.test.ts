import { expect } from 'chai'
import type { VerifyRequest } from '../../src/credentials/formats/format.ts'
import { Authority } from '../support/authority.ts'
import { later, NOW, row, SECONDS, text, V1, V2 } from './credentials.ts'
import { CONTROLLER, forged, knowing, localKey } from './keys.ts'

const key = localKey()
const HEADER = { alg: 'ES256', typ: 'vc+jwt', cty: 'vc', kid: key.id }
const VP = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: 'VerifiablePresentation',
  holder: CONTROLLER,
}

describe('a credential as JWT is not believed', () => {
  const verify = async (
    secured: VerifyRequest['secured'],
    more: Partial<VerifyRequest> = {},
  ): Promise<string[]> => {
    const request = { secured, now: NOW, profile: 'strict', resolve: knowing(key), ...more } as const
    const { problems } = await row('jwt').verify(request)
    return problems.map(({ name, detail }) => `${name}: ${detail}`)
  }
  const good = forged(key, HEADER, V2)
  const whole = JSON.stringify(V2)
  const [header = '', payload = '', signature = ''] = good.split('.')

  it('though its like is', async () => {
    expect(await verify(good)).to.deep.equal([])
    expect(
      await verify(forged(key, { ...HEADER, typ: 'application/VC+JWT', cty: 'application/vc' }, V2)),
    ).to.deep.equal([])
    expect(await verify(forged(key, { alg: 'ES256', kid: key.id }, V2))).to.deep.equal([])
    expect(await verify(forged(key, { ...HEADER, kid: '#local' }, V2))).to.deep.equal([])
  })

  for (const [what, secured] of [
    ['padding', `${good}=`],
    ['a blank', `${header}. ${payload}.${signature}`],
    ['a line feed', `${good}\n`],
    ['the other alphabet', `${header}.${payload}.${'+'.repeat(86)}`],
    [
      'unused bits that are set',
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('B') ? 'C' : 'B'}`,
    ],
    ['two parts', `${header}.${payload}`],
    ['four parts', `${good}.`],
    ['nothing', ''],
    ['an object', V2],
    ['octets', Buffer.from(good)],
    ['no JSON', forged(key, HEADER, '{')],
    ['an array', forged(key, HEADER, '[]')],
    ['a member twice', forged(key, HEADER, whole.replace('{', '{"\\u0069ssuer":"x",'))],
    ['a member twice, deep inside', forged(key, HEADER, whole.replace('"name":', '"name":1,"name":'))],
    [
      'brackets without end',
      forged(key, HEADER, whole.replace('{', `{"a":${'['.repeat(200)}${']'.repeat(200)},`)),
    ],
    ['another context', forged(key, HEADER, { ...V2, '@context': ['https://example.org/'] })],
    ['another type', forged(key, HEADER, { ...V2, type: 'Other' })],
  ] as const) {
    it(`for ${what}: malformed`, async () => {
      const [problem = '', ...more] = await verify(secured)
      expect(problem).to.match(/^malformed: /)
      expect(more).to.deep.equal([])
    })
  }

  const spki = Buffer.from(key.spki).toString('base64url')
  for (const [what, members, problem] of [
    ['alg none', { alg: 'none' }, 'algorithm-not-allowed: alg: not the algorithm of the key'],
    ['alg NONE', { alg: 'NONE' }, 'algorithm-not-allowed: alg: not the algorithm of the key'],
    ['no alg', { alg: undefined }, 'algorithm-not-allowed: alg: not the algorithm of the key'],
    ['alg as COSE has it', { alg: -7 }, 'algorithm-not-allowed: alg: not the algorithm of the key'],
    [
      'HMAC by the public key',
      { alg: 'HS256', k: spki },
      'algorithm-not-allowed: alg: not the algorithm of the key',
    ],
    [
      'the algorithm of another curve',
      { alg: 'ES384' },
      'algorithm-not-allowed: alg: not the algorithm of the key',
    ],
    [
      'the algorithm of another family',
      { alg: 'EdDSA' },
      'algorithm-not-allowed: alg: not the algorithm of the key',
    ],
    [
      'crit',
      { crit: ['exp'], exp: 1 },
      'header-not-supported: crit: nothing is understood that must be (RFC 7515, 4.1.11)',
    ],
    [
      'b64',
      { crit: ['b64'], b64: false },
      'header-not-supported: crit: nothing is understood that must be (RFC 7515, 4.1.11)',
    ],
    [
      'a key of its own',
      { jwk: { kty: 'EC' } },
      'key-not-trusted: jwk: a key that comes with the signature is not believed',
    ],
    [
      'the address of a key',
      { jku: 'https://attacker.example/' },
      'key-not-trusted: jku: a key that comes with the signature is not believed',
    ],
    [
      'the address of a certificate',
      { x5u: 'https://attacker.example/' },
      'key-not-trusted: x5u: a key that comes with the signature is not believed',
    ],
    ['a certificate that is none', { x5c: ['AAAA'] }, 'key-not-trusted: x5c: not a certificate of the key'],
    ['no certificate', { x5c: [] }, 'key-not-trusted: x5c: not a certificate of the key'],
    ['no kid', { kid: undefined }, 'key-unknown: kid: names no key'],
    ['a strange kid', { kid: `${CONTROLLER}#other` }, 'key-unknown: kid: nobody knows this key'],
    ['a kid that is a path', { kid: '../../etc/passwd' }, 'key-unknown: kid: nobody knows this key'],
    ['another typ', { typ: 'kb+jwt' }, 'type-not-allowed: typ: neither a credential nor a presentation'],
    ['typ of version 1.1', { typ: 'JWT' }, 'type-not-allowed: typ: not that of a credential'],
    ['typ of a presentation', { typ: 'vp+jwt' }, 'type-not-allowed: typ: not that of a credential'],
    ['a typ that is no text', { typ: 1 }, 'type-not-allowed: typ: neither a credential nor a presentation'],
    ['another cty', { cty: 'vp' }, 'type-not-allowed: cty: not that of a credential'],
  ] as const) {
    it(`for ${what}`, async () => {
      expect(await verify(forged(key, { ...HEADER, ...members }, V2))).to.deep.equal([problem])
    })
  }

  for (const [what, members, problem] of [
    ['vc in 2.0', { vc: V2 }, 'claim-not-allowed: vc: not in version 2.0, whose document is the claims'],
    ['vp in 2.0', { vp: V2 }, 'claim-not-allowed: vp: not in version 2.0, whose document is the claims'],
    [
      'iss that is not the issuer',
      { iss: 'did:web:other.example' },
      'claims-differ: iss: differs from issuer',
    ],
    [
      'another issuer',
      { issuer: { id: 'did:web:other.example' } },
      'issuer-mismatch: issuer: not the controller of the key',
    ],
    ['no issuer', { issuer: undefined }, 'issuer-mismatch: issuer: not the controller of the key'],
    ['validFrom to come', { validFrom: '2026-06-01T12:01:01Z' }, 'not-yet-valid: validFrom: is to come'],
    ['validUntil over', { validUntil: '2026-06-01T13:00:00+01:00' }, 'expired: validUntil: is over'],
    ['a validUntil that is no time', { validUntil: 'soon' }, 'malformed: validUntil: not a time'],
    ['a validUntil that is a number', { validUntil: 4e9 }, 'malformed: validUntil: not a time'],
    ['exp', { exp: SECONDS }, 'expired: exp: is over'],
    ['nbf', { nbf: SECONDS + 61 }, 'not-yet-valid: nbf: is to come'],
    ['exp as text', { exp: '2030-01-01T00:00:00Z' }, 'malformed: exp: not a time'],
  ] as const) {
    it(`for ${what}, signed well`, async () => {
      const found = await verify(forged(key, HEADER, { ...V2, ...members }))
      expect(found.length === 1 ? found : found.slice(0, 1)).to.deep.equal([problem])
    })
  }

  it('unless only the proof is asked for, where another issued it', async () => {
    const strange = forged(key, HEADER, { ...V2, issuer: 'https://vc.example/issuers/5678' })
    expect(await verify(strange, { profile: 'proof' })).to.deep.equal([])
    expect(await verify(strange, { profile: 'proof', now: new Date('2028-01-01') })).to.deep.equal([
      'expired: validUntil: is over',
    ])
  })

  for (const [what, members, problem] of [
    [
      'nbf that is not issuanceDate',
      { nbf: 1 },
      'claims-differ: issuanceDate: not what the claim for it says',
    ],
    [
      'exp that is not expirationDate',
      { exp: 4e9 },
      'claims-differ: expirationDate: not what the claim for it says',
    ],
    ['iss that is not the issuer', { iss: 'x' }, 'claims-differ: issuer: not what the claim for it says'],
    [
      'sub that is not the subject',
      { sub: 'x' },
      'claims-differ: credentialSubject.id: not what the claim for it says',
    ],
    ['jti that is not the id', { jti: 'x' }, 'claims-differ: id: not what the claim for it says'],
    ['a presentation beside it', { vp: {} }, 'claim-not-allowed: vp: there is a credential already'],
  ] as const) {
    it(`for ${what}, in version 1.1`, async () => {
      expect(
        await verify(forged(key, { alg: 'ES256', typ: 'JWT', kid: key.id }, { vc: V1, ...members })),
      ).to.deep.equal([problem])
    })
  }

  it('and of version 1.1, what stands in claims alone is put where it belongs', async () => {
    const { '@context': context, type, id } = V1
    const vc = { '@context': context, type, credentialSubject: { id: 'did:example:ada', name: 'Ada' } }
    const claims = { iss: CONTROLLER, jti: id, sub: 'did:example:ada', nbf: 1767225600, exp: 1798758000, vc }
    const secured = forged(key, { alg: 'ES256', kid: key.id }, claims)
    const { problems, content } = await row('jwt').verify({
      secured,
      now: NOW,
      profile: 'strict',
      resolve: knowing(key),
    })
    expect(problems).to.deep.equal([])
    const times = { issuanceDate: '2026-01-01T00:00:00.000Z', expirationDate: '2026-12-31T23:00:00.000Z' }
    expect(content).to.deep.equal({ ...vc, id, issuer: CONTROLLER, ...times })
  })

  it('for a certificate of another key; one of its own may stand there', async () => {
    const authority = await Authority.create('Anybody')
    const { certificate } = await authority.issue({ name: 'somebody', hosts: ['somebody.example'] })
    const der = certificate.replaceAll(/-----.*?-----|\s/g, '')
    expect(await verify(forged(key, { ...HEADER, x5c: [der] }, V2))).to.deep.equal([
      'key-not-trusted: x5c: not a certificate of the key',
    ])
  })

  it('where the other of the two is asked for', async () => {
    expect(await verify(good, { kind: 'presentation' })).to.deep.equal([
      'type-not-allowed: This is a credential, not a presentation',
    ])
    const vp = forged(key, { ...HEADER, typ: 'vp+jwt', cty: 'vp' }, VP)
    expect(await verify(vp, { kind: 'credential' })).to.deep.equal([
      'type-not-allowed: This is a presentation, not a credential',
    ])
    expect(await verify(good, { challenge: 'n' })).to.deep.equal([
      'challenge-mismatch: Not made for this challenge',
    ])
  })

  it('in a presentation, when it would not be by itself', async () => {
    const holding = async (...verifiableCredential: unknown[]): Promise<string[]> =>
      verify(forged(key, { ...HEADER, typ: 'vp+jwt', cty: 'vp' }, { ...VP, verifiableCredential }))
    const envelope = (inner: string, media = 'application/vc+jwt') => ({
      '@context': 'https://www.w3.org/ns/credentials/v2',
      type: 'EnvelopedVerifiableCredential',
      id: `data:${media},${inner}`,
    })
    const expired = forged(key, HEADER, { ...V2, validUntil: '2026-01-02T00:00:00Z' })
    expect(await holding(envelope(good), good)).to.deep.equal([])
    expect(await holding(envelope(good), envelope(expired))).to.deep.equal([
      'expired: verifiableCredential[1]: validUntil: is over',
    ])
    expect(await holding(envelope(`${good}.`))).to.deep.equal([
      'malformed: verifiableCredential[0]: This is no compact JWS: three parts in base64url without padding',
    ])
    const vp = forged(key, { ...HEADER, typ: 'vp+jwt', cty: 'vp' }, VP)
    expect(await holding(envelope(vp))).to.deep.equal([
      'type-not-allowed: verifiableCredential[0]: This is a presentation, not a credential',
    ])
    for (const given of [envelope(''), { ...envelope(''), id: 1 }, envelope(good, 'text/html')])
      expect(await holding(given)).to.deep.equal([
        'malformed: verifiableCredential[0]: id: not a data: URL of a secured credential',
      ])
    expect(await holding(7)).to.deep.equal(['malformed: verifiableCredential[0]: Not a secured credential'])
    expect(await holding(...Array<string>(101).fill(good))).to.deep.equal([
      'too-many: verifiableCredential: more than 100 of them',
    ])
  })

  it('nor is a presentation by another than its holder', async () => {
    const vp = forged(
      key,
      { ...HEADER, typ: 'vp+jwt', cty: 'vp' },
      { ...VP, holder: 'did:web:other.example' },
    )
    expect(await verify(vp)).to.deep.equal(['holder-mismatch: holder: not the controller of the key'])
    const { body } = await row('jwt').present({ presentation: VP, key, now: NOW, validUntil: later(5) })
    expect(await verify(text(body), { now: later(5) })).to.deep.equal(['expired: exp: is over'])
  })
})
