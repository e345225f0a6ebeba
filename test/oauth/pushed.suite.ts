import { expect } from 'chai'
import { digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { sharedService } from './shared.ts'

describe('an authorization request, pushed and redeemed', () => {
  let service: TestService
  let client: CodeClient
  let credential: TestCredential
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    credential = await service.newCredential({
      clientId: client.client.id,
      mode: 'oauth2code',
      multisign: 10,
    })
  })
  afterEach(() => service.checkState())

  describe('that is pushed', () => {
    const pushed = async (): Promise<string> => {
      const { body } = await client.push(client.request(credential))
      const uri = String(body['request_uri'])
      service.keepSecret(uri.slice(-43))
      return uri
    }
    const used = (form: Record<string, string>) => client.authorize({ client_id: client.client.id, ...form })

    it('is its own client’s, and works once of ten at the same time', async () => {
      const uri = await pushed()
      const other = await service.newClient('Other', [REDIRECT])
      expect((await used({ client_id: other.id, request_uri: uri })).status).to.equal(400)
      const answers = await Promise.all(Array.from({ length: 10 }, () => used({ request_uri: uri })))
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([302, ...Array<number>(9).fill(400)])
    })

    it('dies after a minute', async () => {
      const uri = await pushed()
      await service.sql(
        `update oauth_object set expires_at = now() - interval '1 second' where model = 'PushedRequest'`,
      )
      expect(await (await used({ request_uri: uri })).json()).to.deep.equal(
        refusal('Invalid parameter request_uri'),
      )
    })

    it('is not changed by what the browser brings', async () => {
      for (const [name, value] of [
        ['redirect_uri', 'https://client.example/other'],
        ['hashes', Buffer.from(digest('other'), 'base64').toString('base64url')],
        ['numSignatures', '9'],
        ['state', 'other'],
        ['description', 'added'],
        ['scope', 'service'],
        ['code_challenge', 'x'.repeat(43)],
      ] as const) {
        const answer = await used({ request_uri: await pushed(), [name]: value })
        expect(answer.status).to.equal(400)
        expect(await answer.json()).to.deep.equal(refusal(`Parameter ${name} is not what was pushed`))
      }
      expect(
        (await used({ request_uri: await pushed(), state: 'a state', prompt: 'login' })).status,
      ).to.equal(302)
    })

    it('needs its client’s authentication', async () => {
      const form = client.request(credential)
      const wrong = { authorization: `Basic ${btoa(`${client.client.id}:${'x'.repeat(43)}`)}` }
      expect(await client.push(form, wrong)).to.deep.include({
        status: 401,
        body: refusal('client authentication failed', 'invalid_client'),
      })
      expect((await client.push(form, {})).status).to.equal(401)
      const { id: client_id, secret: client_secret } = client.client
      expect((await client.push({ ...form, client_id, client_secret }, {})).status).to.equal(201)
      const other = await service.newClient('Other', [REDIRECT])
      const mismatch = { authorization: `Basic ${btoa(`${other.id}:${other.secret}`)}` }
      expect((await client.push(form, mismatch)).body).to.deep.equal(refusal('client_id mismatch'))
    })

    it('holds no request_uri and no request in JSON', async () => {
      expect((await client.push({ ...client.request(credential), request_uri: 'urn:x' })).body).to.deep.equal(
        refusal('Invalid parameter request_uri'),
      )
      const response = await fetch(`${service.url}/oauth2/pushed_authorize`, {
        method: 'POST',
        headers: { ...client.basic(), 'content-type': 'application/json' },
        body: '{}',
      })
      expect(response.status).to.equal(400)
    })

    it('is the only one that is taken from a client that pushes: nobody else uses up its holders’ attempts', async () => {
      const careful = new CodeClient(service, await service.newClient('Careful', [REDIRECT], true))
      const own = await service.newCredential({ clientId: careful.client.id, mode: 'oauth2code' })
      for (const form of [careful.request(own), careful.login()]) {
        const answer = back(await careful.authorize(form))
        expect(answer.get('error')).to.equal('invalid_request')
        expect(answer.get('error_description')).to.equal(
          'The authorization request of this client must be pushed',
        )
        const { body } = await careful.push(form)
        const request_uri = String(body['request_uri'])
        service.keepSecret(request_uri.slice(-43))
        const page = await careful.open({ client_id: careful.client.id, request_uri })
        const typed = { credential: own.id, pin: own.pin }
        expect(back(await careful.answer(page, typed)).has('code')).to.equal(true)
      }
    })

    it('is no grant at the token endpoint', async () => {
      const answer = await client.token({ grant_type: 'urn:intaglio:client' })
      expect(answer.status).to.equal(400)
      expect(answer.body['error']).to.equal('unsupported_grant_type')
    })
  })

  describe('redeemed', () => {
    const form = { grant_type: 'authorization_code', redirect_uri: REDIRECT }
    for (const [name, change, description, error = 'invalid_request'] of [
      ['no code', { code_verifier: 'x'.repeat(43) }, 'Missing parameter code'],
      ['no code_verifier', { code: 'x' }, 'Missing parameter code_verifier'],
      ['a short code_verifier', { code: 'x', code_verifier: 'x' }, 'Invalid parameter code_verifier'],
      [
        'an unknown code',
        { code: 'x', code_verifier: 'x'.repeat(43) },
        'Invalid parameter code',
        'invalid_grant',
      ],
    ] as const) {
      it(`is refused with ${name}`, async () => {
        expect(await client.token({ ...form, ...change })).to.deep.include({
          status: 400,
          body: refusal(description, error),
        })
      })
    }

    it('is no grant for a client without an address', async () => {
      const none = new CodeClient(service, await service.newClient('None'))
      const answer = await none.token({ ...form, code: 'x', code_verifier: 'x'.repeat(43) })
      expect(answer.status).to.equal(400)
      expect(answer.body).to.deep.equal(
        refusal('requested grant type is not allowed for this client', 'unauthorized_client'),
      )
    })
  })
})
