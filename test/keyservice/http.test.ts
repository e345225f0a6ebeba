import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { badRequest, credential, KeyClient, problem, type MadeKey } from './client.ts'

const BEARER = "The access token is not the client's own, of the scope service."
const JSON_ONLY = 'What is read here is application/json, not compressed.'

describe('the key service refuses by HTTP', function () {
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
    expect(headers.get('content-type')).to.equal('application/problem+json')
    return { status, body }
  }
  const asked = (): object => ({
    identifier: key.id,
    secrets: key.secrets,
    verifiable: credential(key.controller),
  })

  it('who has no access token of the client', async () => {
    const paths = [
      '/generate',
      '/delete',
      '/activate',
      '/sign/vc/jwt',
      '/keys',
      '/keys/a',
      '/keys/a/rotate',
      '/keys/attest',
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
      body: badRequest('The request body: deeper than 100 levels'),
    })
  })

  it('what others would read as something else, before anything is signed', async () => {
    const { secrets, id } = key
    const asked = (claim: string): string =>
      `{"identifier":${JSON.stringify(id)},"secrets":${JSON.stringify(secrets)},"verifiable":` +
      `${JSON.stringify(credential(key.controller)).replace('"name":"Joan Doe"', claim)}}`
    const kept = (number: string): string => `The request body: ${number} is no number that is kept as it is`
    for (const [claim, detail] of [
      ['"degree":"Bachelor","degree":"Master"', 'The request body: two members "degree"'],
      ['"degree":"Bachelor","d\\u0065gree":"Master"', 'The request body: two members "degree"'],
      ['"number":9007199254740993', kept('9007199254740993')],
      ['"number":-123456789012345678901234567890', kept('-123456789012345678901234567890')],
      ['"number":1e400', kept('1e400')],
      ['"number":-1E+309', kept('-1E+309')],
      ['"number":1e-400', kept('1e-400')],
    ] as const) {
      expect(seen(await client.call('/sign/vc/jwt', asked(claim))), claim).to.deep.equal({
        status: 400,
        body: badRequest(detail),
      })
    }
    const good = '"degree":"9007199254740993 1e400","number":[9007199254740991,0.1,1e3,1.5E-7,0e5,-0.0]'
    expect((await client.call('/sign/vc/jwt', asked(good))).status).to.equal(201)
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
