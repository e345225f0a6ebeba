import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { JsonObject, PresentRequest } from '../../src/credentials/formats/format.ts'
import { jwkOf } from '../../src/credentials/jwk.ts'
import { CLAIMS, later, names, NOW, refused, row, SECONDS, text, V2, verifying } from './credentials.ts'
import { CONTROLLER, forged, knowing, localKey } from './keys.ts'

const sdJwt = row('sd-jwt')

describe('SD-JWT', () => {
  const key = localKey()
  const verify = verifying({ resolve: knowing(key) }, 'sd-jwt')
  const issue = (credential: JsonObject, more: object = {}) =>
    refused(
      sdJwt.issue({
        credential,
        key: { ...key, sign: () => Promise.reject(new Error('asked')) },
        now: NOW,
        ...more,
      }),
    )

  it('is not made of what must not be in it', async () => {
    const no = 'invalid_request: '
    for (const [credential, more, message] of [
      [{ ...CLAIMS, vct: 1 }, {}, 'vct: not text'],
      [
        { ...CLAIMS, iss: 'did:web:other.example' },
        {},
        `iss: the key is ${CONTROLLER}'s, and signs for no other`,
      ],
      [{ ...CLAIMS, exp: '2030' }, {}, 'exp: not a number of seconds'],
      [{ ...CLAIMS, status: 1 }, {}, 'status: not an object'],
      [{ ...CLAIMS, _sd: [] }, {}, '_sd: a name that claims must not have (RFC 9901, 4.1)'],
      [{ ...CLAIMS, a: [{ '...': 'x' }] }, {}, '...: a name that claims must not have (RFC 9901, 4.1)'],
      [{ ...CLAIMS, cnf: {} }, { holder: jwkOf(key) }, 'holder: there is a cnf already'],
      [{ ...CLAIMS, cnf: { jwk: { kty: 'oct', k: 'AA' } } }, {}, 'cnf.jwk: not a public key for signatures'],
      [CLAIMS, { holder: { ...jwkOf(key), d: 'AA' } }, 'holder: not a public key for signatures'],
      [CLAIMS, { selective: ['/nothing'] }, 'selective: /nothing names nothing in the credential'],
      [
        CLAIMS,
        { selective: ['/nationalities/2'] },
        'selective: /nationalities/2 names nothing in the credential',
      ],
      [
        CLAIMS,
        { selective: ['/nationalities/01'] },
        'selective: /nationalities/01 names nothing in the credential',
      ],
      [CLAIMS, { selective: ['/__proto__'] }, 'selective: /__proto__ names nothing in the credential'],
      [
        CLAIMS,
        { selective: ['given_name'] },
        'selective[0]: not a JSON pointer to something in the credential',
      ],
      [CLAIMS, { selective: [''] }, 'selective[0]: not a JSON pointer to something in the credential'],
      [CLAIMS, { selective: ['/a~2'] }, 'selective[0]: not a JSON pointer to something in the credential'],
      [CLAIMS, { selective: ['/given_name', '/given_name'] }, 'selective: names one place twice'],
      [CLAIMS, { selective: ['/exp'] }, 'selective: /exp always stands open in dc+sd-jwt'],
      [
        { ...CLAIMS, status: { a: 1 } },
        { selective: ['/status/a'] },
        'selective: /status/a always stands open in dc+sd-jwt',
      ],
      [V2, { selective: ['/issuer'] }, 'selective: /issuer always stands open in vc+sd-jwt'],
      [
        { ...V2, issuer: 'did:web:other.example' },
        {},
        `issuer: the key is ${CONTROLLER}'s, and signs for no other`,
      ],
      [CLAIMS, { cryptosuite: 'x' }, 'cryptosuite: not in this format'],
    ] as const)
      expect(await issue(credential, more)).to.equal(no + message)
  })

  it('is presented by the key that its issuer wrote into it, to somebody, once', async () => {
    const { body } = await sdJwt.issue({ credential: CLAIMS, key, now: NOW, holder: jwkOf(key) })
    const { body: unbound } = await sdJwt.issue({ credential: CLAIMS, key, now: NOW })
    const asked = { key, now: NOW, challenge: 'n', domain: 'd' }
    const present = (presentation: PresentRequest['presentation'], more: Partial<PresentRequest> = {}) =>
      refused(sdJwt.present({ ...asked, presentation, ...more }))
    expect(await present(text(body), { key: localKey() })).to.equal(
      'invalid_request: presentation: made for another holder: the key is not that of cnf',
    )
    expect(await present(text(unbound))).to.equal(
      'invalid_request: presentation: cnf: says no key of a holder',
    )
    expect(await present(text(body), { challenge: undefined })).to.equal(
      'invalid_request: challenge: is missing: a key binding has a nonce',
    )
    expect(await present(text(body), { domain: undefined })).to.equal(
      'invalid_request: domain: is missing: a key binding has an audience',
    )
    expect(await present(text(body), { selective: ['/given_name'] })).to.equal(
      'invalid_request: selective: of an SD-JWT, its holder leaves disclosures out instead',
    )
    const { body: bound } = await sdJwt.present({ ...asked, presentation: text(body) })
    expect(await present(text(bound))).to.equal('invalid_request: presentation: has a key binding already')

    const purpose = { challenge: 'n', domain: 'd' }
    expect(names(await verify(bound, purpose))).to.deep.equal([])
    expect(names(await verify(body, purpose))).to.deep.equal(['key-binding-missing'])
    expect(names(await verify(bound, { challenge: 'm', domain: 'd' }))).to.deep.equal(['challenge-mismatch'])
    expect(names(await verify(bound, { challenge: 'n', domain: 'e' }))).to.deep.equal(['domain-mismatch'])
    expect(names(await verify(bound, { kind: 'credential' }))).to.deep.equal(['type-not-allowed'])
    expect(names(await verify(bound, { ...purpose, now: later(601) }))).to.deep.equal(['expired'])
    const forger = localKey()
    const claims = {
      nonce: 'n',
      aud: 'd',
      iat: SECONDS,
      sd_hash: createHash('sha256').update(text(body)).digest('base64url'),
    }
    const by = (who: typeof key, header: object, payload: object) =>
      verify(text(body) + forged(who, header, payload), purpose)
    expect(names(await by(key, { alg: 'ES256', typ: 'kb+jwt' }, claims))).to.deep.equal([])
    expect(names(await by(forger, { alg: 'ES256', typ: 'kb+jwt' }, claims))).to.deep.equal([
      'signature-invalid',
    ])
    expect(
      names(await by(forger, { alg: 'ES256', typ: 'kb+jwt', jwk: jwkOf(forger) }, claims)),
    ).to.deep.equal(['key-not-trusted'])
    expect(names(await by(key, { alg: 'ES256', typ: 'JWT' }, claims))).to.deep.equal(['type-not-allowed'])
    expect(names(await by(key, { alg: 'ES256', typ: 'kb+jwt' }, { ...claims, sd_hash: 'x' }))).to.deep.equal([
      'key-binding-invalid',
    ])
    expect(
      names(await by(key, { alg: 'ES256', typ: 'kb+jwt' }, { ...claims, nonce: undefined })),
    ).to.deep.equal(['malformed'])
  })

  const disclosure = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const digest = (of: string): string => createHash('sha256').update(of).digest('base64url')
  const name = disclosure('salt', 'name', 'Ada')
  const signed = (claims: object, ...disclosures: string[]): string =>
    [
      forged(key, { alg: 'ES256', typ: 'dc+sd-jwt', kid: key.id }, { iss: CONTROLLER, vct: 'x', ...claims }),
      ...disclosures,
      '',
    ].join('~')

  it('is believed only with disclosures that it asks for, each once and where nothing is', async () => {
    const sd = { _sd: [digest(name)] }
    const element = disclosure('salt', 'NO')
    for (const [secured, expected] of [
      [signed(sd, name), []],
      [signed(sd), []],
      [signed({ n: [{ '...': digest(element) }] }, element), []],
      [signed({}, name), ['disclosure-invalid']],
      [signed(sd, name, name), ['disclosure-invalid']],
      [signed({ ...sd, inner: sd }, name), ['disclosure-invalid']],
      [signed({ ...sd, name: 'Eve' }, name), ['disclosure-invalid']],
      [signed({ _sd: [digest(element)] }, element), ['disclosure-invalid']],
      [signed({ n: [{ '...': digest(name) }] }, name), ['disclosure-invalid']],
      [signed({ n: { '...': digest(name) } }, name), ['malformed']],
      [signed({ n: [{ '...': digest(element), more: 1 }] }, element), ['malformed']],
      [signed({ _sd: 'x' }), ['malformed']],
      [signed(sd, `${name}=`), ['malformed']],
      [signed(sd, ''), ['malformed']],
      [signed({ ...sd, _sd_alg: 'md5' }, name), ['algorithm-not-allowed']],
      [signed(sd, name).slice(0, -1), ['malformed']],
      [forged(key, { alg: 'ES256', typ: 'dc+sd-jwt', kid: key.id }, { vct: 'x' }), ['malformed']],
    ] as const)
      expect(names(await verify(secured)), secured).to.deep.equal(expected)
    for (const reserved of ['_sd', '...']) {
      const bad = disclosure('salt', reserved, [])
      expect(names(await verify(signed({ _sd: [digest(bad)] }, bad)))).to.deep.equal(['malformed'])
    }
  })

  it('conceals no claim by which it is judged', async () => {
    for (const claim of ['iss', 'exp', 'nbf', 'cnf', 'status', 'aka_vcts', 'vct#integrity']) {
      const concealed = disclosure('salt', claim, 1)
      expect(
        names(await verify(signed({ iss: undefined, _sd: [digest(concealed)] }, concealed))),
        claim,
      ).to.deep.equal(['claim-not-allowed'])
    }
    expect(names(await verify(signed({ status: { _sd: [digest('x')] } })))).to.deep.equal([
      'claim-not-allowed',
    ])
    for (const claim of ['iss', 'aud', 'nonce', 'nbf', 'exp', 'cnf']) {
      const concealed = disclosure('salt', claim, 1)
      const header = { alg: 'ES256', typ: 'vc+sd-jwt', kid: key.id }
      const secured = `${forged(key, header, { ...V2, _sd: [digest(concealed)] })}~${concealed}~`
      expect(names(await verify(secured)), `${claim} of W3C's`).to.deep.equal(['claim-not-allowed'])
    }
  })

  it('is of its own type, and of its issuer', async () => {
    for (const typ of ['JWT', 'vc+jwt', undefined]) {
      const secured = `${forged(key, { alg: 'ES256', typ, kid: key.id }, CLAIMS)}~`
      expect(names(await verify(secured))).to.deep.equal(['type-not-allowed'])
    }
    // Drafts before the tenth named SD-JWT VC so; the name is W3C's now.
    const old = `${forged(key, { alg: 'ES256', typ: 'vc+sd-jwt', kid: key.id }, { ...CLAIMS, iss: undefined })}~`
    expect(names(await verify(old))).to.deep.equal(['malformed'])
    for (const [cty, expected] of [
      ['vc', []],
      ['vp', ['type-not-allowed']],
    ] as const) {
      const secured = `${forged(key, { alg: 'ES256', typ: 'vc+sd-jwt', cty, kid: key.id }, V2)}~`
      expect(names(await verify(secured))).to.deep.equal(expected)
    }
    expect(names(await verify(signed({ iss: 'did:web:other.example' })))).to.deep.equal(['issuer-mismatch'])
    expect(names(await verify(signed({ iss: undefined })))).to.deep.equal([])
    expect(names(await verify(signed({ exp: SECONDS })))).to.deep.equal(['expired'])
  })
})
