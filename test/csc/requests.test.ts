import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { CscClient, refusal } from './client.ts'
import { METHODS_2 } from './editions.ts'
import { healed } from '../support/healed.ts'

const [, ...CLOSED] = METHODS_2

describe('a request to the CSC API', () => {
  let service: TestService
  let client: CscClient

  before(async () => {
    service = await startService({ log: { level: 'info' } })
    client = await CscClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const send = async (
    method: string,
    init: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string>; query?: string },
  ) => {
    const { body = '{}', headers = {}, query = '' } = init
    const response = await fetch(`${service.url}/csc/v2/${method}${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const authorized = (): Record<string, string> => ({ authorization: `Bearer ${client.token}` })

  for (const method of CLOSED) {
    it(`wants a token for ${method}`, async () => {
      const { status, headers, body } = await send(method, {})
      expect(status).to.equal(401)
      expect(headers.get('www-authenticate')).to.equal('Bearer')
      expect(body).to.deep.equal(refusal('An access token is required', 'invalid_token'))
    })

    it(`refuses an unknown token for ${method}`, async () => {
      const { status, headers, body } = await send(method, {
        headers: { authorization: `Bearer ${'A'.repeat(43)}` },
      })
      expect(status).to.equal(401)
      expect(headers.get('www-authenticate')).to.equal(
        'Bearer error="invalid_token", error_description="The access token is invalid"',
      )
      expect(body).to.deep.equal(refusal('The access token is invalid', 'invalid_token'))
    })

    for (const authorization of [
      'Bearer',
      'Bearer ',
      'Basic YTpi',
      'Bearer a b',
      'Bearer "x"',
      'x',
      'DPoP a b',
    ]) {
      it(`refuses ${JSON.stringify(authorization)} as the header for ${method}`, async () => {
        const { status, body } = await send(method, { headers: { authorization } })
        expect(status).to.equal(400)
        expect(body).to.deep.equal(refusal('Malformed authorization header'))
      })
    }
  }

  it('takes a token from the header and from nowhere else', async () => {
    const query = `?access_token=${client.token}`
    expect((await send('credentials/list', { query })).status).to.equal(401)
    const body = JSON.stringify({ access_token: client.token })
    expect((await send('credentials/list', { body })).status).to.equal(401)
    expect(service.log()).to.contain('"path":"/csc/v2/credentials/list"')
  })

  it('takes "bearer" in any case', async () => {
    const headers = { authorization: `bEARER ${client.token}` }
    expect((await send('credentials/list', { headers })).status).to.equal(200)
  })

  it('refuses a token of another scope', async () => {
    const other = await service.newClient()
    const token = await service.serviceToken(other)
    await service.sql(
      `update oauth_object set payload = payload || '{"scope":"other"}'::jsonb where client_id = $1`,
      [other.id],
    )
    const { status, body } = await send('credentials/list', { headers: { authorization: `Bearer ${token}` } })
    expect(status).to.equal(403)
    expect(body).to.deep.equal(refusal('The access token is not of the scope service', 'access_denied'))
  })

  const bodies: [string, string | Uint8Array<ArrayBuffer>, string][] = [
    ['bad JSON', '{', 'The request body is not valid JSON'],
    ['a comment', '{} //', 'The request body is not valid JSON'],
    ['a list', '[]', 'The request body must be a JSON object'],
    ['null', 'null', 'The request body must be a JSON object'],
    ['a string', '"x"', 'The request body must be a JSON object'],
    [
      'octets that are not UTF-8',
      new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      'The request body is not valid JSON',
    ],
    ['__proto__', '{"__proto__":{"credentialID":"x"}}', 'Unknown parameter __proto__'],
    [
      'an escaped __proto__',
      '{"\\u005f_proto__":null,"\\u005f_proto_\\u005f":1}',
      'Unknown parameter __proto__',
    ],
    ['a very long name', `{"${'x'.repeat(500)}":1}`, `Unknown parameter ${'x'.repeat(64)}`],
  ]
  for (const [name, body, description] of bodies) {
    it(`refuses ${name} as its body`, async () => {
      const answer = await send('credentials/list', { body, headers: authorized() })
      expect(answer.body).to.deep.equal(refusal(description))
      expect(answer.status).to.equal(400)
    })
  }

  it('is unharmed by __proto__ in authData', async () => {
    const body =
      '{"credentialID":"x","numSignatures":1,"authData":[{"id":"PIN","value":"x","__proto__":{"a":1}}]}'
    const answer = await send('credentials/authorize', { body, headers: authorized() })
    expect(answer.body).to.deep.equal(refusal('Unknown parameter __proto__'))
    expect(({} as { a?: unknown }).a).to.equal(undefined)
  })

  const types: [string, boolean][] = [
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['application/json;charset=UTF-8', true],
    ['Application/JSON', true],
    ['application/json; charset=latin1', false],
    ['application/x-www-form-urlencoded', false],
    ['text/plain', false],
    ['application/jsonp', false],
    ['application/problem+json', false],
  ]
  for (const [type, good] of types) {
    it(`${good ? 'takes' : 'refuses'} a body of type ${type}`, async () => {
      const answer = await send('credentials/list', { headers: { ...authorized(), 'content-type': type } })
      expect(answer.status).to.equal(good ? 200 : 400)
      if (!good) expect(answer.body).to.deep.equal(refusal('The request body must be application/json'))
    })
  }

  it('refuses a compressed body', async () => {
    const answer = await send('credentials/list', {
      headers: { ...authorized(), 'content-encoding': 'gzip' },
    })
    expect(answer.status).to.equal(400)
    expect(answer.body).to.deep.equal(refusal('The request body must not be compressed'))
  })

  it('refuses a body that is too large, and serves the next on the same connection', async () => {
    const body = JSON.stringify({ clientData: 'x'.repeat(400_000) })
    for (let i = 0; i < 3; i++) {
      const answer = await send('credentials/list', { body, headers: authorized() })
      expect(answer.status).to.equal(413)
      expect(answer.body).to.deep.equal(refusal('The request body is too large'))
      expect((await send('credentials/list', { headers: authorized() })).status).to.equal(200)
    }
  })

  it('answers 503 and when to come again while Postgres is away, and heals', async () => {
    const headers = authorized()
    const name = new URL(service.database.url).pathname.slice(1)
    const connections =
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = $2'
    // Connections end and no new one is allowed: to the service it is as if the server were gone.
    await service.sql(`alter database ${name} connection limit 0`)
    try {
      await service.sql(connections, [name, 'intaglio_service'])
      const answer = await send('credentials/info', {
        headers,
        body: JSON.stringify({ credentialID: service.credential.id }),
      })
      expect(answer.status).to.equal(503)
      expect(answer.headers.get('retry-after')).to.match(/^[1-9]\d*$/)
      expect(answer.body).to.have.property('error', 'temporarily_unavailable')
    } finally {
      await service.sql(`alter database ${name} connection limit -1`)
    }
    const ask = async (): Promise<number> => (await send('credentials/list', { headers })).status
    expect(await healed(ask, service.config.database.connections)).to.equal(200)
  })

  it('answers a bug bare, and logs it whole', async () => {
    const other = await service.newCredential()
    const broken = Buffer.from('not a certificate')
    await service.sql(
      'update certificate set der = $2, tbs = $2 where id = (select certificate_id from credential where id = $1)',
      [other.id, broken],
    )
    const answer = await send('credentials/info', {
      headers: authorized(),
      body: JSON.stringify({ credentialID: other.id, certInfo: true }),
    })
    expect(answer.status).to.equal(500)
    expect(answer.body).to.deep.equal({ error: 'server_error' })
    const requestId = answer.headers.get('x-request-id') ?? ''
    const lines = service
      .log()
      .split('\n')
      .filter((line) => line.includes(requestId))
    expect(lines.some((line) => line.includes('"level":"error"') && line.includes('"stack"'))).to.equal(true)
  })

  it('leaves a line that names the client, the method, the outcome, and no secret', async () => {
    const answer = await send('credentials/info', {
      headers: authorized(),
      body: JSON.stringify({ credentialID: 'nothing', clientData: 'a word from the client' }),
      query: '?secret=in-the-query',
    })
    const requestId = answer.headers.get('x-request-id') ?? ''
    const line =
      service
        .log()
        .split('\n')
        .find((one) => one.includes(requestId)) ?? '{}'
    const parsed = JSON.parse(line) as Record<string, unknown>
    expect(parsed).to.include({
      level: 'info',
      requestId,
      method: 'POST',
      path: '/csc/v2/credentials/info',
      status: 400,
      client: service.client.id,
      refusal: 'credential_unknown',
      msg: 'request',
    })
    expect(service.log()).to.not.contain('in-the-query')
    expect(service.log()).to.not.contain('a word from the client')
  })
})
