import { expect } from 'chai'
import * as oauth from 'oauth4webapi'
import { startService, type TestService } from '../support/startService.ts'

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

describe('the token endpoint', () => {
  let service: TestService

  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const ask = async (
    form: Record<string, string> | string,
    headers: Record<string, string> = {},
    path = '/oauth2/token',
  ): Promise<Answer> => {
    const response = await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    })
    const body = (await response.json()) as Record<string, unknown>
    if (typeof body['access_token'] === 'string') service.keepSecret(body['access_token'])
    return { status: response.status, headers: response.headers, body }
  }
  const basic = (id: string, secret: string): { authorization: string } => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const mine = (): { authorization: string } => basic(service.client.id, service.client.secret)
  const usable = async (token: unknown): Promise<number> => {
    const response = await fetch(`${service.url}/csc/v2/credentials/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' },
      body: '{}',
    })
    return response.status
  }

  it('gives a client with Basic an opaque token of the scope service, and says nothing may store it', async () => {
    const { status, headers, body } = await ask({ grant_type: 'client_credentials' }, mine())
    expect(status).to.equal(200)
    expect(headers.get('cache-control')).to.equal('no-store')
    expect(headers.get('content-type')).to.match(/^application\/json/)
    expect(headers.get('set-cookie')).to.equal(null)
    expect(body).to.deep.equal({
      access_token: body['access_token'],
      expires_in: 3600,
      token_type: 'Bearer',
      scope: 'service',
    })
    expect(body['access_token']).to.match(/^[A-Za-z0-9_-]{43,}$/)
    expect(await usable(body['access_token'])).to.equal(200)
  })

  it('takes the secret in the body as well', async () => {
    const { id: client_id, secret: client_secret } = service.client
    const { status, body } = await ask({
      grant_type: 'client_credentials',
      scope: 'service',
      client_id,
      client_secret,
    })
    expect(status).to.equal(200)
    expect(await usable(body['access_token'])).to.equal(200)
  })

  it('takes Basic as arctic writes it: unencoded, and no client_id in the body', async () => {
    const { status } = await ask({ grant_type: 'client_credentials', scope: 'service' }, mine())
    expect(status).to.equal(200)
  })

  const methods = { basic: oauth.ClientSecretBasic, post: oauth.ClientSecretPost }
  for (const [name, method] of Object.entries(methods)) {
    it(`serves oauth4webapi, from discovery to token, with client_secret_${name}`, async () => {
      // The service under test speaks plain HTTP on the loopback.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      const insecure = { [oauth.allowInsecureRequests]: true }
      const issuer = new URL(`${service.url}/oauth2`)
      const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
      const server = await oauth.processDiscoveryResponse(issuer, found)
      const client = { client_id: service.client.id }
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        method(service.client.secret),
        { scope: 'service' },
        insecure,
      )
      const token = await oauth.processClientCredentialsResponse(server, client, response)
      service.keepSecret(token.access_token)
      expect(token.token_type).to.equal('bearer')
      expect(token.expires_in).to.equal(3600)
      expect(await usable(token.access_token)).to.equal(200)
    })
  }

  it('tells an unknown client, a wrong secret and a disabled client the same', async () => {
    const disabled = await service.newClient()
    await service.sql(`update client set state = 'disabled' where id = $1`, [disabled.id])
    const wrong = 'A'.repeat(43)
    const form = { grant_type: 'client_credentials' }
    const expected = { error: 'invalid_client', error_description: 'client authentication failed' }
    const credentials: [string, string][] = [
      [service.client.id, wrong],
      ['nobody', wrong],
      [disabled.id, disabled.secret],
      ['not an id', wrong],
      ['\0', wrong],
    ]
    for (const [id, secret] of credentials) {
      const byHeader = await ask(form, basic(encodeURIComponent(id), secret))
      expect(byHeader.body, `Basic, ${id}`).to.deep.equal(
        id === '\0'
          ? {
              error: 'invalid_request',
              error_description:
                'client_id and client_secret in the authorization header are not properly encoded',
            }
          : expected,
      )
      expect(byHeader.status).to.equal(id === '\0' ? 400 : 401)
      const byBody = await ask({ ...form, client_id: id, client_secret: secret })
      expect(byBody.body, `body, ${id}`).to.deep.equal(expected)
      expect(byBody.status).to.equal(401)
    }
  })

  it("says in the CSC API's phrases what is missing", async () => {
    const noGrant = await ask({}, mine())
    expect(noGrant.body).to.deep.equal({
      error: 'invalid_request',
      error_description: 'Missing parameter grant_type',
    })
    const noClient = await ask({ grant_type: 'client_credentials' })
    expect(noClient.body).to.deep.equal({
      error: 'invalid_request',
      error_description: 'Missing parameter client_id',
    })
  })

  it('challenges a failed Basic with Basic', async () => {
    const { headers } = await ask({ grant_type: 'client_credentials' }, basic(service.client.id, 'wrong'))
    expect(headers.get('www-authenticate')).to.match(/^Basic realm=/)
  })

  const refusals: [string, Record<string, string> | string, number, string][] = [
    ['no grant_type', {}, 400, 'invalid_request'],
    ['an unknown grant', { grant_type: 'magic' }, 400, 'unsupported_grant_type'],
    ['authorization_code', { grant_type: 'authorization_code', code: 'x' }, 400, 'unauthorized_client'],
    ['refresh_token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'unauthorized_client'],
    ['password', { grant_type: 'password', username: 'x', password: 'y' }, 400, 'unsupported_grant_type'],
    ['the scope credential', { grant_type: 'client_credentials', scope: 'credential' }, 400, 'invalid_scope'],
    ['two scopes', { grant_type: 'client_credentials', scope: 'service openid' }, 400, 'invalid_scope'],
    [
      'a scope of odd characters',
      { grant_type: 'client_credentials', scope: '"\u0001' },
      400,
      'invalid_scope',
    ],
    [
      'grant_type twice',
      'grant_type=client_credentials&grant_type=client_credentials',
      400,
      'invalid_request',
    ],
    ['scope twice', 'grant_type=client_credentials&scope=service&scope=service', 400, 'invalid_request'],
    ['__proto__', 'grant_type=client_credentials&__proto__=x&scope=other', 400, 'invalid_scope'],
    ['too much', `grant_type=client_credentials&x=${'y'.repeat(60_000)}`, 400, 'invalid_request'],
  ]
  for (const [name, form, status, error] of refusals) {
    it(`refuses ${name}`, async () => {
      const answer = await ask(form, mine())
      expect(answer.status).to.equal(status)
      expect(answer.body['error']).to.equal(error)
      expect(answer.body).to.not.have.property('access_token')
    })
  }

  it('refuses two ways of authentication at once, and none', async () => {
    const twice = await ask({ grant_type: 'client_credentials', client_secret: 'x' }, mine())
    expect(twice.status).to.equal(400)
    const none = await ask({ grant_type: 'client_credentials' })
    expect(none.status).to.equal(400)
    expect(none.body['error']).to.equal('invalid_request')
    const onlyId = await ask({ grant_type: 'client_credentials', client_id: service.client.id })
    expect(onlyId.status).to.equal(401)
    expect(onlyId.body['error']).to.equal('invalid_client')
  })

  it('never reads a secret from the query', async () => {
    const { id, secret } = service.client
    const query = new URLSearchParams({
      client_id: id,
      client_secret: secret,
      grant_type: 'client_credentials',
    })
    expect((await ask({}, {}, `/oauth2/token?${query.toString()}`)).status).to.equal(400)
  })

  it('takes nothing but a form', async () => {
    const response = await fetch(`${service.url}/oauth2/token`, {
      method: 'POST',
      headers: { ...mine(), 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'client_credentials' }),
    })
    expect(response.status).to.equal(400)
    expect(((await response.json()) as { error: string }).error).to.equal('invalid_request')
  })

  it('answers JSON to those who would rather have a page', async () => {
    const { status, headers, body } = await ask({}, { ...mine(), accept: 'text/html' })
    expect(status).to.equal(400)
    expect(headers.get('content-type')).to.match(/^application\/json/)
    expect(body['error']).to.equal('invalid_request')
  })

  it('believes no forwarded header', async () => {
    const forwarded = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil',
    }
    const { headers, body } = await ask(
      { grant_type: 'client_credentials' },
      { ...basic(service.client.id, 'wrong'), ...forwarded },
    )
    expect(body['error']).to.equal('invalid_client')
    expect(headers.get('www-authenticate')).to.contain(`realm="${service.url}/oauth2"`)
  })

  it('is no help to scripts of other origins', async () => {
    const { headers } = await ask(
      { grant_type: 'client_credentials' },
      { ...mine(), origin: 'https://evil.example' },
    )
    expect(headers.get('access-control-allow-origin')).to.equal(null)
  })
})
