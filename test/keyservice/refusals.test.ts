import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { badRequest, shown, CONTEXT_2, credential, KeyClient, unknownKey, type MadeKey } from './client.ts'

const ALPHABET = 'letters, digits, . _ ~ : / ? @ ! $ & * + , ; = - and %XX, and at most one #'

describe('the key service refuses', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  let key: MadeKey
  before(async () => {
    service = await startService()
    client = await KeyClient.of(service)
    key = await client.key()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const seen = ({ status, body, headers }: Awaited<ReturnType<KeyClient['call']>>) => {
    if (status >= 400) expect(headers.get('content-type')).to.equal('application/problem+json')
    return { status, body }
  }
  const asked = (more: object = {}): object => ({
    identifier: key.id,
    secrets: key.secrets,
    verifiable: credential(key.controller),
    ...more,
  })

  describe('an identifier', () => {
    const rows: readonly [unknown, string][] = [
      [undefined, 'identifier: is missing'],
      [7, 'identifier: a string is wanted'],
      ['', 'identifier: is empty'],
      ['x'.repeat(501), 'identifier: 500 characters at most'],
      ["did:web:'; DROP#z", `identifier: ${ALPHABET}`],
      ['a b', `identifier: ${ALPHABET}`],
      ['a"b', `identifier: ${ALPHABET}`],
      ['a\nb', `identifier: ${ALPHABET}`],
      ['a\u0000', `identifier: ${ALPHABET}`],
      ['\u00e9', `identifier: ${ALPHABET}`],
      ['a%2', `identifier: ${ALPHABET}`],
      ['a#b#c', `identifier: ${ALPHABET}`],
      ['#b', `identifier: ${ALPHABET}`],
      ['a#', `identifier: ${ALPHABET}`],
      ['did:', 'identifier: not the form of a DID'],
      ['did:WEB:x', 'identifier: not the form of a DID'],
      ['did:web:#1', 'identifier: not the form of a DID'],
    ]
    for (const [identifier, detail] of rows) {
      it(shown(identifier), async () => {
        const made = { identifier, secrets: ['a'], signatureType: 'ES256', keyType: 'JWK' }
        expect(seen(await client.call('/generate', made))).to.deep.equal({
          status: 400,
          body: badRequest(detail),
        })
      })
    }
    it('nothing of 500 characters', async () => {
      const { id } = await client.key({ identifier: `did:web:${'x'.repeat(488)}#key` })
      expect(id).to.have.length(500)
    })
  })

  describe('members of /generate', () => {
    const rows: readonly [object, string][] = [
      [{ signatureType: undefined }, 'signatureType: is missing'],
      [{ signatureType: 'ES256K' }, 'signatureType: one of Ed25519, ES256, ES384, ES512, PS256, RS256'],
      [{ keyType: 'PEM' }, 'keyType: one of JWK, JsonWebKey, VerificationKey2020, Multikey'],
      [{ exportable: true }, 'exportable: there is no such member'],
      [JSON.parse('{"__proto__":{"admin":true}}') as object, '__proto__: there is no such member'],
    ]
    for (const [more, detail] of rows) {
      it(detail, async () => {
        const made = { identifier: 'members', secrets: ['a'], signatureType: 'ES256', keyType: 'JWK' }
        const text = JSON.stringify(made).replace(/}$/, `,${JSON.stringify(more).slice(1)}`)
        const body = JSON.stringify(more).includes('__proto__') ? text : { ...made, ...more }
        expect(seen(await client.call('/generate', body))).to.deep.equal({
          status: 400,
          body: badRequest(detail),
        })
      })
    }
  })

  describe('what is to be signed', () => {
    const deep = (levels: number): object =>
      JSON.parse(`{"a":`.repeat(levels) + '1' + '}'.repeat(levels)) as object
    const vc: readonly [object, string][] = [
      [{ verifiable: undefined }, 'verifiable: an object is wanted'],
      [{ verifiable: 'text' }, 'verifiable: an object is wanted'],
      [{ verifiable: [] }, 'verifiable: an object is wanted'],
      [{ verifiable: deep(65) }, 'verifiable: nests deeper than 64'],
      [{ verifiable: {} }, '@context is no list'],
      [
        { verifiable: { '@context': ['https://example.org/'] } },
        `@context does not begin with ${CONTEXT_2} or https://www.w3.org/2018/credentials/v1`,
      ],
      [{ verifiable: credential('did:web:somebody.example') }, '='],
      [{ secrets: undefined }, 'secrets: these, or an activation, and not both'],
      [{ activation: 'x' }, 'secrets: these, or an activation, and not both'],
      [{ secrets: undefined, activation: 'x'.repeat(513) }, 'activation: 512 characters at most'],
      [{ challenge: 'x' }, 'challenge: there is no such member'],
      [{ cryptosuite: 'eddsa-jcs-2022' }, 'cryptosuite: not in this format'],
      [{ selective: ['/a'] }, 'selective: not in this format'],
      [{ selective: 'a' }, 'selective: a list is wanted'],
      [{ selective: ['x'.repeat(1001)] }, 'selective.0: 1000 characters at most'],
      [{ mandatoryPointers: Array.from({ length: 1001 }, () => '/a') }, 'mandatoryPointers: 1000 at most'],
      [{ holder: 'jwk' }, 'holder: an object is wanted'],
      [{ previousProof: 7 }, 'previousProof: an id, or a list of ids, is wanted'],
      [{ identifier: 'a b' }, `identifier: ${ALPHABET}`],
      [{ identifier: 'x'.repeat(1301) }, 'identifier: 1300 characters at most'],
    ]
    for (const [more, detail] of vc) {
      const [member = '', value] = Object.entries(more)[0] ?? []
      it(`as a credential: ${member} ${shown(value)}`, async () => {
        const says =
          detail === '=' ? `issuer: the key is ${key.controller}'s, and signs for no other` : detail
        const answer = await client.call('/sign/vc/jwt', asked(more))
        expect(seen(answer)).to.deep.equal({ status: 400, body: badRequest(says) })
      })
    }

    const long = 'x'.repeat(10_001)
    const vp: readonly [object, string][] = [
      [{ challenge: long }, 'challenge: 10000 characters at most'],
      [{ nonce: long }, 'nonce: 10000 characters at most'],
      [{ domain: long }, 'domain: 10000 characters at most'],
      [{ audience: long }, 'audience: 10000 characters at most'],
      [{ challenge: '' }, 'challenge: is empty'],
      [{ challenge: 'a', nonce: 'b' }, 'nonce: another one than challenge'],
      [{ domain: 'a', audience: 'b' }, 'audience: another one than domain'],
      [{ validUntil: 'tomorrow' }, 'validUntil: not a time of RFC 3339'],
      [{ validUntil: '2030-02-30' }, 'validUntil: not a time of RFC 3339'],
      [{ validUntil: 1735689600 }, 'validUntil: a string is wanted'],
      [{ selective: ['/a'] }, 'selective: not in this format'],
    ]
    const presentation = (): object => ({
      verifiable: { '@context': [CONTEXT_2], type: ['VerifiablePresentation'], holder: key.controller },
    })
    for (const [more, detail] of vp) {
      it(`as a presentation: ${JSON.stringify(more).slice(0, 60)}`, async () => {
        const answer = await client.call('/sign/vp/jwt', asked({ ...presentation(), ...more }))
        expect(seen(answer)).to.deep.equal({ status: 400, body: badRequest(detail) })
      })
    }
    it('nothing of 10,000 characters', async () => {
      const most = { challenge: 'x'.repeat(10_000), domain: 'y'.repeat(10_000) }
      expect((await client.call('/sign/vp/jwt', asked({ ...presentation(), ...most }))).status).to.equal(201)
    })

    it('as a proof of possession for nobody', async () => {
      const answer = await client.call('/sign/pop/jwt', asked())
      expect(seen(answer)).to.deep.equal({ status: 400, body: badRequest('domain: is missing') })
    })

    it('with a key that there is not', async () => {
      for (const proof of [{}, { secrets: undefined, activation: 'x' }]) {
        const answer = await client.call('/sign/vc/jwt', asked({ identifier: 'nobody', ...proof }))
        expect(seen(answer)).to.deep.equal({ status: 404, body: unknownKey })
      }
    })

    const counts: readonly [unknown, string][] = [
      [0, 'at least 1'],
      [10_001, '10000 at most'],
      [1.5, 'a whole number is wanted'],
      ['1', 'a whole number is wanted'],
    ]
    for (const [numSignatures, detail] of counts) {
      it(`for ${JSON.stringify(numSignatures)} signatures`, async () => {
        const answer = await client.call('/activate', {
          identifier: key.id,
          secrets: key.secrets,
          numSignatures,
        })
        expect(seen(answer)).to.deep.equal({ status: 400, body: badRequest(`numSignatures: ${detail}`) })
      })
    }
  })
})
