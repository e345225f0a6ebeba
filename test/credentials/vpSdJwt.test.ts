import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { JsonObject, PresentRequest } from '../../src/credentials/formats/format.ts'
import { later, names, NOW, refused, row, SECONDS, spoiled, text, V2, verifying } from './credentials.ts'
import { algorithms, CONTROLLER, localKey, tokenKeys, type TokenKeys } from './keys.ts'
import { judge } from './sdJwtJudge.ts'

const sdJwt = row('sd-jwt')
const CONTEXT = 'https://www.w3.org/ns/credentials/v2'
const VP: JsonObject = {
  '@context': [CONTEXT],
  id: 'urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5',
  type: ['VerifiablePresentation'],
  holder: CONTROLLER,
}
const purpose = { challenge: 'n-1', domain: 'https://verifier.example' }
const claims = { nonce: purpose.challenge, aud: purpose.domain, iat: SECONDS }
const SELECTIVE = ['/holder', '/verifiableCredential/0', '/verifiableCredential/1/id']

const envelope = (secured: string, media: string) => ({
  '@context': CONTEXT,
  id: `data:application/${media},${secured}`,
  type: 'EnvelopedVerifiableCredential',
})

describe('presentations as vp+sd-jwt, by keys in a token', () => {
  let keys: TokenKeys
  before(async () => {
    keys = await tokenKeys()
  })
  after(() => keys.open.close())

  for (const algorithm of algorithms) {
    it(`${algorithm}: hold credentials, of which some may be left out, and another's library believes them`, async () => {
      const key = keys.key(algorithm)
      const inside = [
        text((await row('jwt').issue({ credential: V2, key, now: NOW })).body),
        text((await sdJwt.issue({ credential: V2, key, now: NOW, selective: ['/id'] })).body),
      ] as const
      const presentation = { ...VP, verifiableCredential: inside }
      const before = structuredClone(presentation)
      const asked = { presentation, key, now: NOW, ...purpose, validUntil: later(60), selective: SELECTIVE }
      const count = keys.signed()
      const { body, mediaType } = await sdJwt.present(asked)
      expect(keys.signed() - count).to.equal(1)
      expect(presentation).to.deep.equal(before)
      expect(mediaType).to.equal('application/vp+sd-jwt')
      const [jwt = '', ...disclosures] = text(body).split('~')
      expect(disclosures)
        .to.have.length(SELECTIVE.length + 1)
        .and.include('')
      expect(decodeProtectedHeader(jwt)).to.deep.equal({
        alg: algorithm,
        typ: 'vp+sd-jwt',
        cty: 'vp',
        kid: key.id,
      })
      const open = decodeJwt(jwt)
      expect(open).to.deep.include({ ...claims, exp: SECONDS + 60, _sd_alg: 'sha-256', type: VP['type'] })
      expect(open).not.to.have.property('holder')
      expect(JSON.stringify(open)).not.to.include('data:')

      const envelopes = [envelope(inside[0], 'vc+jwt'), envelope(inside[1], 'vc+sd-jwt')] as const
      const document = { ...VP, verifiableCredential: envelopes }
      const verify = verifying(keys, 'sd-jwt')
      const order = { ...purpose, kind: 'presentation' } as const
      expect(await verify(body, order)).to.deep.equal({ problems: [], content: document })
      const judged = await judge(keys, algorithm).any.verify(text(body), { currentDate: SECONDS })
      expect(judged.payload).to.deep.equal({ ...document, ...claims, exp: SECONDS + 60 })

      // Whoever shows it on leaves the first credential and its holder's name out.
      const less = [jwt, disclosures[2], ''].join('~')
      const { problems, content } = await verify(less, order)
      expect({ problems, inside: content?.['verifiableCredential'] }).to.deep.equal({
        problems: [],
        inside: [envelopes[1]],
      })
      const { payload } = await judge(keys, algorithm).any.verify(less, { currentDate: SECONDS })
      expect((payload as JsonObject)['verifiableCredential']).to.deep.equal([envelopes[1]])

      for (const part of [0, 1, 2] as const) {
        const altered = [spoiled(jwt, part), ...disclosures].join('~')
        expect(names(await verify(altered, order))).to.have.length(1)
        const said = await judge(keys, algorithm)
          .any.verify(altered, { currentDate: SECONDS })
          .catch(() => 'refused')
        expect(said).to.equal('refused')
      }
    })
  }

  it('say nothing of digests where nothing may be left out, and need neither challenge nor domain', async () => {
    const { body } = await sdJwt.present({ presentation: VP, key: keys.key('ES256'), now: NOW })
    expect(decodeJwt(text(body))).to.deep.equal({ ...VP, iat: SECONDS })
    expect(text(body).split('~')).to.have.length(2)
    expect(names(await verifying(keys, 'sd-jwt')(body, { kind: 'presentation' }))).to.deep.equal([])
  })
})

describe('a vp+sd-jwt is not made', () => {
  const key = localKey()
  const unsignable = { ...key, sign: () => Promise.reject(new Error('the key was asked')) }
  const rows: readonly (readonly [string, JsonObject, Partial<PresentRequest>, string])[] = [
    [
      'of another holder',
      { ...VP, holder: 'did:web:other.example' },
      {},
      `holder: the key is ${CONTROLLER}'s, and signs for no other`,
    ],
    [
      'of version 1.1',
      { ...VP, '@context': ['https://www.w3.org/2018/credentials/v1'] },
      {},
      '@context: vp+sd-jwt is of version 2.0',
    ],
    ['of no version', {}, {}, '@context is no list'],
    ['of a credential', V2, {}, 'type lacks VerifiablePresentation'],
    [
      'of a credential that is not enveloped',
      { ...VP, verifiableCredential: [V2] },
      {},
      'verifiableCredential[0]: neither an EnvelopedVerifiableCredential nor what goes into one',
    ],
    [
      'of an envelope with nothing in it',
      { ...VP, verifiableCredential: [{ ...envelope('x', 'vc+jwt'), id: 'x' }] },
      {},
      'verifiableCredential: id is no data: URL',
    ],
    ['with vp', { ...VP, vp: {} }, {}, 'vp: not in version 2.0'],
    ['with an audience of its own', { ...VP, aud: 'x' }, {}, 'aud: not in version 2.0'],
    ['with an iss that differs', { ...VP, iss: 'x' }, {}, 'iss: differs from holder'],
    ['with a cryptosuite', VP, { cryptosuite: 'x' }, 'cryptosuite: not in this format'],
    ['with digests', { ...VP, _sd: [] }, {}, '_sd: a name that claims must not have (RFC 9901, 4.1)'],
    [
      'where nothing is concealed',
      VP,
      { selective: ['/termsOfUse2'] },
      'selective: /termsOfUse2 names nothing in the credential',
    ],
    ['without its type', VP, { selective: ['/type'] }, 'selective: /type always stands open in vp+sd-jwt'],
  ]
  for (const [what, presentation, more, message] of rows) {
    it(`${what}: the key is not asked`, async () => {
      const asking = sdJwt.present({ presentation, key: unsignable, now: NOW, ...more })
      expect(await refused(asking)).to.equal(`invalid_request: ${message}`)
    })
  }

  for (const format of ['jwt', 'cose', 'data-integrity'] as const) {
    it(`in ${format}, where nothing is concealed`, async () => {
      const asked = { presentation: VP, key: unsignable, now: NOW, selective: ['/holder'] }
      expect(await refused(row(format).present(asked))).to.equal(
        'invalid_request: selective: not in this format',
      )
    })
  }
})
