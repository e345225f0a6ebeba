import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import {
  badRequest,
  shown,
  CONTEXT_2,
  credential,
  KeyClient,
  problem,
  unknownKey,
  type MadeKey,
} from './client.ts'

const ALPHABET = 'letters, digits, . _ ~ : / ? @ ! $ & * + , ; = - and %XX, and at most one #'
const BEARER = "The access token is not the client's own, of the scope service."
const JSON_ONLY = 'What is read here is application/json, not compressed.'

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
      [{ verifiable: deep(100) }, 'verifiable: nests deeper than 64'],
      [
        { verifiable: {} },
        `@context: does not begin with ${CONTEXT_2} or https://www.w3.org/2018/credentials/v1`,
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
      [{ selective: ['/a'] }, 'selective: there is no such member'],
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

  describe('by HTTP', () => {
    it('who has no access token of the client', async () => {
      const paths = [
        '/generate',
        '/delete',
        '/activate',
        '/sign/vc/jwt',
        '/keys',
        '/keys/a',
        '/keys/a/rotate',
      ]
      for (const path of paths) {
        const body = path === '/keys' || path === '/keys/a' ? undefined : {}
        const answer = await client.call(path, body, { authorization: 'Bearer wrong' })
        expect(seen(answer), path).to.deep.equal({
          status: 401,
          body: problem(401, 'unauthenticated', 'The access token is invalid'),
        })
        expect(answer.headers.get('www-authenticate')).to.equal(
          'Bearer error="invalid_token", error_description="The access token is invalid"',
        )
        const none = await fetch(`${service.url}${path}`, { method: body === undefined ? 'GET' : 'POST' })
        expect([none.status, none.headers.get('www-authenticate')]).to.deep.equal([401, 'Bearer'])
      }
    })

    it("an access token that is for one person's credentials", async () => {
      const { token } = await KeyClient.of(service)
      await service.sql(
        `update oauth_object set payload = jsonb_set(payload, '{scope}', '"credential"')
          where id_hash = sha256($1::bytea)`,
        [Buffer.from(token)],
      )
      const answer = await new KeyClient(service, token).call('/keys')
      expect(seen(answer)).to.deep.equal({
        status: 403,
        body: problem(403, 'forbidden', BEARER),
      })
    })

    it('another type of request, before it is read', async () => {
      for (const headers of [
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/json; charset=latin1' },
        { 'content-encoding': 'gzip' },
      ]) {
        const answer = await client.call('/sign/vc/jwt', asked(), headers)
        expect(seen(answer)).to.deep.equal({
          status: 415,
          body: problem(415, 'unsupported_media_type', JSON_ONLY),
        })
      }
    })

    it('another type of answer, before anything is signed', async () => {
      const detail = 'What is answered here is application/vc+jwt, application/jwt.'
      for (const accept of ['application/json', 'text/html, application/jwt;q=0', 'image/*']) {
        const answer = await client.call('/sign/vc/jwt', asked(), { accept })
        expect(seen(answer)).to.deep.equal({
          status: 406,
          body: problem(406, 'not_acceptable', detail),
        })
      }
      for (const [accept, type] of [
        ['application/jwt', 'application/jwt'],
        ['application/*', 'application/vc+jwt'],
        ['application/vc+jwt;q=0.5, application/jwt', 'application/jwt'],
        ['text/html, */*;q=0.1', 'application/vc+jwt'],
      ] as const) {
        const answer = await client.call('/sign/vc/jwt', asked(), { accept })
        expect([answer.status, answer.headers.get('content-type')], accept).to.deep.equal([201, type])
      }
    })

    it('what is no JSON, or too much of it', async () => {
      for (const [body, detail] of [
        ['{', 'The request body is not valid JSON'],
        ['[]', 'The request body must be a JSON object'],
        ['{"verifiable":"\ud800"}', 'verifiable: an object is wanted'],
      ] as const) {
        expect(seen(await client.call('/sign/vc/jwt', body))).to.deep.equal({
          status: 400,
          body: badRequest(detail),
        })
      }
      const nesting = '['.repeat(2_500_000) + ']'.repeat(2_500_000)
      const large = await client.call('/sign/vc/jwt', `{"verifiable":${nesting}}`)
      expect(seen(large)).to.deep.equal({
        status: 413,
        body: problem(413, 'too_large', 'The request body is too large'),
      })
      const nested = `{"verifiable":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`
      expect(seen(await client.call('/sign/vc/jwt', nested))).to.deep.equal({
        status: 400,
        body: badRequest('verifiable: nests deeper than 64'),
      })
    })

    it('other methods, and other addresses', async () => {
      const answer = await client.call('/sign/vc/jwt')
      expect(seen(answer)).to.deep.equal({
        status: 405,
        body: problem(405, 'method_not_allowed', 'Here is POST, and nothing else.'),
      })
      expect(answer.headers.get('allow')).to.equal('POST')
      for (const path of ['/sign/vc/paper', '/sign/jwt', '/keys/a/b/c']) {
        expect(seen(await client.call(path, {})), path).to.deep.equal({
          status: 404,
          body: problem(404, 'not_found', 'There is no such address.'),
        })
      }
    })
  })
})
