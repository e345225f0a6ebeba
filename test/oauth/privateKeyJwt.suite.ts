import { expect } from 'chai'
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { startService as startAnother } from '../../src/service.ts'
import { createLogger } from '../../src/log.ts'
import { refusal } from '../csc/client.ts'
import type { TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, type Answer } from './codeClient.ts'
import { sharedService } from './shared.ts'

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const

interface Pair {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

describe('a client that is let in by a key of its own', () => {
  let service: TestService
  const pairs = new Map<string, Pair>()
  let id: string
  let client: CodeClient
  before(async () => {
    service = await sharedService()
    for (const alg of ALGORITHMS) {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      pairs.set(alg, { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg } })
    }
    const made = await service.newClient('By key', [REDIRECT], true)
    ;({ id } = made)
    client = new CodeClient(service, made)
    for (const { jwk } of pairs.values()) expect((await register(id, jwk)).status).to.equal(201)
  })
  afterEach(() => service.checkState())

  const register = (to: string, jwk: unknown) =>
    service.admin(service.operators.admin, 'POST /clients/:id/keys', { params: { id: to }, body: { jwk } })
  const now = (): number => Math.floor(Date.now() / 1000)
  const pairOf = (alg: string): Pair => {
    const pair = pairs.get(alg)
    if (pair === undefined) throw new Error(`no key for ${alg}`)
    return pair
  }
  const claims = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
    iss: id,
    sub: id,
    aud: `${service.url}/oauth2`,
    jti: randomUUID(),
    iat: now(),
    exp: now() + 60,
    ...more,
  })
  const signed = (payload = claims(), alg = 'ES256', { privateKey } = pairOf(alg)): Promise<string> =>
    new SignJWT(payload).setProtectedHeader({ alg, kid: alg }).sign(privateKey)
  const asserted = (client_assertion: string): Record<string, string> => ({
    client_assertion,
    client_assertion_type: ASSERTION,
  })
  const token = (client_assertion: string): Promise<Answer> =>
    client.token({ grant_type: 'client_credentials', ...asserted(client_assertion) }, {})
  const FAILED = refusal('client authentication failed', 'invalid_client')

  for (const alg of ALGORITHMS) {
    it(`gets a token for an assertion signed by ${alg}`, async () => {
      const answer = await token(await signed(claims(), alg))
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    })
  }

  it('may address it to the issuer or to an endpoint of it', async () => {
    for (const path of ['', '/token', '/pushed_authorize', '/revoke']) {
      const aud = `${service.url}/oauth2${path}`
      expect((await token(await signed(claims({ aud })))).status, path).to.equal(200)
      expect((await token(await signed(claims({ aud: ['https://other.example', aud] })))).status).to.equal(
        200,
      )
    }
  })

  it('is refused where the assertion is not what it should be', async () => {
    const stranger = await generateKeyPair('ES256')
    const wrong: Record<string, string> = {
      'for another server': await signed(claims({ aud: 'https://other.example' })),
      'for nobody': await signed(claims({ aud: undefined })),
      expired: await signed(claims({ exp: now() - 16 })),
      'that lives too long': await signed(claims({ exp: now() + 400 })),
      'without an end': await signed(claims({ exp: undefined })),
      'without an id': await signed(claims({ jti: undefined })),
      'of the future': await signed(claims({ nbf: now() + 60 })),
      'issued by another client': await signed(claims({ iss: service.client.id })),
      'without an issuer': await signed(claims({ iss: undefined })),
      'about another client': await signed(claims({ iss: service.client.id, sub: service.client.id })),
      'signed with a key that is not registered': await signed(claims(), 'ES256', {
        ...pairOf('ES256'),
        privateKey: stranger.privateKey,
      }),
      'signed by another algorithm': await signed(claims(), 'PS384', {
        jwk: {},
        privateKey: (await generateKeyPair('PS384')).privateKey,
      }),
      'signed with the secret that is not for it': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from(client.client.secret)),
      'not signed': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(
        JSON.stringify(claims()),
      ).toString('base64url')}.`,
    }
    for (const [name, assertion] of Object.entries(wrong)) {
      expect(await token(assertion), name).to.deep.include({ status: 401, body: FAILED })
    }
    expect((await token('x')).body).to.deep.equal(refusal('invalid client_assertion format'))
  })

  it('is not believed for another server by naming that server in Host', async () => {
    const assertion = await signed(claims({ aud: 'http://other.example/oauth2/token' }))
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...asserted(assertion) })
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'other.example', 'content-type': 'application/x-www-form-urlencoded' }
      const sent = httpRequest(`${service.url}/oauth2/token`, { method: 'POST', headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject)
      sent.end(form.toString())
    })
    expect(status).to.equal(401)
  })

  it('uses an assertion once of ten at the same time, over two replicas', async () => {
    const log = createLogger('warn', { write: () => undefined })
    const other = await startAnother({ config: service.config, log })
    try {
      const assertion = await signed()
      const form = { grant_type: 'client_credentials', ...asserted(assertion) }
      const answers = await Promise.all(
        Array.from({ length: 10 }, async (_, turn) => {
          const base = turn % 2 === 0 ? service.url : other.url
          const body = new URLSearchParams(form)
          const response = await fetch(`${base}/oauth2/token`, { method: 'POST', body })
          const { access_token: given } = (await response.json()) as { access_token?: string }
          if (given !== undefined) service.keepSecret(given)
          return response.status
        }),
      )
      expect(answers.sort()).to.deep.equal([200, ...Array<number>(9).fill(401)])
      expect((await token(assertion)).status).to.equal(401)
    } finally {
      await other.close()
    }
  })

  it('has no other way in', async () => {
    const byBasic = await client.token({ grant_type: 'client_credentials' })
    expect(byBasic).to.deep.include({ status: 401, body: FAILED })
    const both = await client.token({ grant_type: 'client_credentials', ...asserted(await signed()) })
    expect(both.body).to.deep.equal(
      refusal('client authentication must only be provided using one mechanism'),
    )
    const posted = { client_id: id, client_secret: client.client.secret }
    expect((await client.token({ grant_type: 'client_credentials', ...posted }, {})).status).to.equal(401)
    const jwk = pairOf('ES256')
    const secretClient = new CodeClient(service, service.client)
    const foreign = await signed(claims({ iss: service.client.id, sub: service.client.id }), 'ES256', jwk)
    expect(
      (await secretClient.token({ grant_type: 'client_credentials', ...asserted(foreign) }, {})).status,
    ).to.equal(401)
  })

  it('pushes, redeems and revokes by it, as oauth4webapi does', async () => {
    // The service under test speaks plain HTTP on the loopback.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const insecure = { [oauth.allowInsecureRequests]: true }
    const issuer = new URL(`${service.url}/oauth2`)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    const as = await oauth.processDiscoveryResponse(issuer, found)
    expect(as.token_endpoint_auth_methods_supported).to.include('private_key_jwt')
    const me: oauth.Client = { client_id: id }
    const auth = oauth.PrivateKeyJwt({ key: pairOf('ES256').privateKey, kid: 'ES256' })
    const credential = await service.newCredential({ clientId: id, mode: 'oauth2code' })
    const form = new URLSearchParams(client.request(credential))
    const pushed = await oauth.pushedAuthorizationRequest(as, me, auth, form, insecure)
    const { request_uri: uri } = await oauth.processPushedAuthorizationResponse(as, me, pushed)
    service.keepSecret(uri.slice(-43))
    const page = await client.open({ client_id: id, request_uri: uri })
    const back = await client.answer(page, { pin: credential.pin })
    const answer = oauth.validateAuthResponse(as, me, new URL(back.headers.get('location') ?? ''), 'a state')
    const grant = [answer, REDIRECT, client.verifier, insecure] as const
    const given = await oauth.authorizationCodeGrantRequest(as, me, auth, ...grant)
    const tokens = await oauth.processAuthorizationCodeResponse(as, me, given)
    service.keepSecret(tokens.access_token)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, me, auth, tokens.access_token, insecure),
    )
  })

  it('loses the tokens that its secret brought with its first key', async () => {
    const made = await service.newClient('Changing')
    const old = await service.serviceToken(made)
    const { publicKey } = await generateKeyPair('ES256')
    expect((await register(made.id, await exportJWK(publicKey))).status).to.equal(201)
    const list = await fetch(`${service.url}/csc/v2/credentials/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${old}`, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(list.status).to.equal(401)
  })

  it('makes no account_token: it has no secret', async () => {
    const { body } = await client.push(
      {
        ...client.login({ account_token: await signed() }),
        ...asserted(await signed()),
      },
      {},
    )
    expect(body).to.deep.equal(refusal('Invalid parameter account_token'))
  })

  describe('and its keys', () => {
    it('are listed, are one client’s, and are removed for good', async () => {
      const { id: other } = await service.newClient('Another by key')
      const { privateKey, publicKey } = await generateKeyPair('ES256')
      const jwk = { ...(await exportJWK(publicKey)), kid: 'ES256' }
      const made = await register(other, { ...jwk, ext: true, key_ops: ['verify'] })
      expect(made.status).to.equal(201)
      const body = made.body as { id: string; jwk: unknown; thumbprint: string }
      expect(body).to.have.all.keys('id', 'thumbprint', 'jwk', 'addedAt')
      expect(body.jwk).to.deep.equal(jwk)
      expect((await register(id, jwk)).body).to.deep.include({
        status: 409,
        detail: 'This key is registered already.',
      })
      const assertion = () => signed(claims({ iss: other, sub: other }), 'ES256', { jwk, privateKey })
      expect((await token(await assertion())).status).to.equal(200)
      const { operators } = service
      const params = { id: other, key: body.id }
      const rotate = { params: { id: other } }
      expect(
        (await service.admin(operators.admin, 'POST /clients/:id/rotate-secret', rotate)).body,
      ).to.deep.include({
        status: 409,
        detail: 'The client has keys: remove them first.',
      })
      const removed = await service.admin(operators.officer, 'POST /clients/:id/keys/:key/remove', { params })
      expect(removed.body).to.include.keys('removedAt')
      const again = await service.admin(operators.officer, 'POST /clients/:id/keys/:key/remove', { params })
      expect(again.body).to.deep.equal(removed.body)
      expect((await token(await assertion())).status).to.equal(401)
      const list = await service.admin(operators.auditor, 'GET /clients/:id/keys', { params: { id: other } })
      expect((list.body as { items: unknown[] }).items).to.deep.equal([removed.body])
      expect(await service.acts('client.key.add', `client:${other}`)).to.have.length(1)
      expect(await service.acts('client.key.remove', `client:${other}`)).to.have.length(1)
      const secret = await service.admin(operators.admin, 'POST /clients/:id/rotate-secret', rotate)
      const { clientSecret } = secret.body as { clientSecret: string }
      service.keepSecret(clientSecret)
      expect(await service.serviceToken({ id: other, secret: clientSecret })).to.be.a('string')
      const unknown = { params: { id: other, key: 'x' } }
      expect(
        (await service.admin(operators.admin, 'POST /clients/:id/keys/:key/remove', unknown)).status,
      ).to.equal(404)
    })

    it('are public, and fit for signatures', async () => {
      const { privateKey } = await generateKeyPair('ES256', { extractable: true })
      const { jwk } = pairOf('ES256')
      const rsa = await exportJWK((await generateKeyPair('RS256', { modulusLength: 2048 })).publicKey)
      for (const [given, detail] of [
        [await exportJWK(privateKey), 'jwk: this is a private key, and must not leave its client'],
        [{ kty: 'oct', k: 'AAAA' }, 'jwk: this is a private key, and must not leave its client'],
        [{ ...jwk, x: 'AAAA' }, 'jwk: not a public key'],
        [{ ...jwk, use: 'enc' }, 'jwk.use: Invalid input: expected "sig"'],
        [{ ...rsa, n: rsa.n?.slice(0, 172) }, 'jwk: RSA keys have 2048 to 8192 bits'],
      ] as const) {
        expect((await register(id, given)).body).to.deep.include({ status: 400, detail })
      }
      for (const given of [
        undefined,
        'x',
        { kty: 'EC', crv: 'secp256k1', x: 'A', y: 'A' },
        { ...jwk, alg: 'none' },
      ]) {
        expect((await register(id, given)).status).to.equal(400)
      }
    })
  })
})
