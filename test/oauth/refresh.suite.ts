import { expect } from 'chai'
import * as oauth from 'oauth4webapi'
import { CscClient, OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, type Answer } from './codeClient.ts'
import { sharedService } from './shared.ts'

describe('tokens of a login', () => {
  let service: TestService
  let client: CodeClient
  let credential: TestCredential
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    credential = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
  })
  afterEach(() => service.checkState())

  const usable = async (token: unknown): Promise<number> =>
    (await client.call(String(token), 'credentials/list', {})).status
  const login = async (which = credential): Promise<{ access: string; refresh: string }> => {
    const answer = { credential: which.id, pin: which.pin }
    return pair(await client.redeem(await client.code(client.login(), answer)))
  }
  const pair = ({ body }: Answer) => ({
    access: String(body['access_token']),
    refresh: String(body['refresh_token']),
  })
  const invalid = (description: string) => ({ status: 400, body: refusal(description, 'invalid_grant') })

  it('are renewed, each refresh token once', async () => {
    const first = await login()
    const renewed = await client.refresh(first.refresh)
    expect(renewed.status).to.equal(200)
    expect(renewed.body).to.deep.equal({
      access_token: renewed.body['access_token'],
      expires_in: 3600,
      token_type: 'Bearer',
      refresh_token: renewed.body['refresh_token'],
      scope: 'service',
    })
    const second = pair(renewed)
    expect(second.refresh).to.not.equal(first.refresh)
    expect(await usable(second.access)).to.equal(200)
    expect((await client.refresh(second.refresh)).status).to.equal(200)
  })

  it('all end when a refresh token comes again', async () => {
    const first = await login()
    const second = pair(await client.refresh(first.refresh))
    expect(await client.refresh(first.refresh)).to.deep.include(invalid('Invalid parameter refresh_token'))
    expect(await client.refresh(second.refresh)).to.deep.include(invalid('Invalid parameter refresh_token'))
    for (const token of [first.access, second.access]) expect(await usable(token)).to.equal(401)
  })

  it('are renewed by one of ten at the same time, and then by nobody', async () => {
    const { refresh } = await login()
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.refresh(refresh)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).to.have.length(1)
    expect(await usable(won[0]?.body['access_token'])).to.equal(401)
  })

  it('are renewed by their own client alone, while the login lasts', async () => {
    const { refresh } = await login()
    const other = new CodeClient(service, await service.newClient('Other', [REDIRECT]))
    expect(await other.refresh(refresh)).to.deep.include(invalid('Invalid parameter refresh_token'))
    const seconds = `select floor(extract(epoch from max(expires_at) - now()))::int as seconds from oauth_object
                      where model = 'RefreshToken' and consumed_at is null and client_id = $1`
    await service.sql(
      `update oauth_object set expires_at = now() + interval '100 seconds' where model = 'RefreshToken'`,
    )
    const second = await client.refresh(refresh)
    // Renewing makes no login longer, and no access token outlives it.
    expect(second.body['expires_in']).to.be.within(90, 100)
    const [left] = await service.sql<{ seconds: number }>(seconds, [client.client.id])
    expect(left?.seconds).to.be.within(90, 100)
    await service.sql(
      `update oauth_object set expires_at = now() - interval '1 second' where model = 'RefreshToken'`,
    )
    expect(await client.refresh(pair(second).refresh)).to.deep.include(invalid('Refresh token expired'))
  })

  it('end with the credential that logged in', async () => {
    const own = await service.newCredential({ clientId: client.client.id })
    const { refresh, access } = await login(own)
    await service.sql(`update credential set state = 'disabled' where id = $1`, [own.id])
    expect(await client.refresh(refresh)).to.deep.include(invalid('Invalid parameter refresh_token'))
    expect(await usable(access)).to.equal(401)
  })

  it('are not renewed without a refresh token, with an unknown one, or for more', async () => {
    expect((await client.token({ grant_type: 'refresh_token' })).body).to.deep.equal(
      refusal('Missing parameter refresh_token'),
    )
    expect(await client.refresh('x')).to.deep.include(invalid('Invalid parameter refresh_token'))
    const form = { grant_type: 'refresh_token', refresh_token: (await login()).refresh, scope: 'credential' }
    expect((await client.token(form)).body).to.deep.equal(refusal('Invalid parameter scope', 'invalid_scope'))
  })

  it('are revoked, with 200 and no body: an access token alone, a refresh token with all', async () => {
    const first = await login()
    const second = pair(await client.refresh(first.refresh))
    const response = await client.revoke(second.access, { token_type_hint: 'access_token' })
    expect(response.status).to.equal(200)
    expect(response.body).to.deep.equal({})
    expect(response.headers.get('content-length')).to.equal('0')
    expect(await usable(second.access)).to.equal(401)
    const third = pair(await client.refresh(second.refresh))
    expect((await client.revoke(third.refresh)).status).to.equal(200)
    for (const token of [first.access, third.access]) expect(await usable(token)).to.equal(401)
    expect(await client.refresh(third.refresh)).to.deep.include(invalid('Invalid parameter refresh_token'))
  })

  it('are revoked by their own client alone, which learns nothing of others', async () => {
    const { access, refresh } = await login()
    const other = new CodeClient(service, await service.newClient('Other'))
    for (const token of [access, refresh, 'unknown']) expect((await other.revoke(token)).status).to.equal(200)
    expect(await usable(access)).to.equal(200)
    expect((await client.refresh(refresh)).status).to.equal(200)
  })

  it('of a credential, and SADs, are revoked, too', async () => {
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const token = String((await client.redeem(code)).body['access_token'])
    expect((await client.revoke(token)).status).to.equal(200)
    const csc = await CscClient.of(service, client.client)
    const sign = { credentialID: credential.id, hashes: [digest('a document')], signAlgo: OID.ecdsa256 }
    expect((await csc.call('signatures/signHash', { ...sign, SAD: token })).body).to.deep.equal(
      refusal('Invalid parameter SAD'),
    )
    const explicit = await service.newCredential({ clientId: client.client.id })
    const sad = await csc.authorize(explicit, [digest('a document')])
    await client.revoke(sad)
    expect(
      (await csc.call('signatures/signHash', { ...sign, credentialID: explicit.id, SAD: sad })).body,
    ).to.deep.equal(refusal('Invalid parameter SAD'))
    const own = await service.serviceToken(client.client)
    await client.revoke(own)
    expect(await usable(own)).to.equal(401)
  })

  it('are not revoked by a request that is wrong', async () => {
    const { access } = await login()
    expect(await client.revoke('')).to.deep.include({
      status: 400,
      body: refusal('Missing (or invalid type) string parameter token'),
    })
    expect(await client.revoke(access, { token_type_hint: 'sad' })).to.deep.include({
      status: 400,
      body: refusal('Invalid string parameter token_type_hint'),
    })
    const stranger = new CodeClient(service, { id: client.client.id, secret: 'x'.repeat(43) })
    expect((await stranger.revoke(access)).status).to.equal(401)
    expect(await usable(access)).to.equal(200)
  })

  it('are got, renewed and revoked by oauth4webapi, from the metadata on', async () => {
    // The service under test speaks plain HTTP on the loopback.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const insecure = { [oauth.allowInsecureRequests]: true }
    const issuer = new URL(`${service.url}/oauth2`)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    const as = await oauth.processDiscoveryResponse(issuer, found)
    const me: oauth.Client = { client_id: client.client.id }
    const auth = oauth.ClientSecretBasic(client.client.secret)
    const verifier = oauth.generateRandomCodeVerifier()
    const form = {
      ...client.request(credential),
      state: 'live',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    }
    const pushed = await oauth.pushedAuthorizationRequest(as, me, auth, new URLSearchParams(form), insecure)
    const { request_uri: uri } = await oauth.processPushedAuthorizationResponse(as, me, pushed)
    const page = await client.open({ client_id: me.client_id, request_uri: uri })
    const back = await client.answer(page, { pin: credential.pin })
    const answer = oauth.validateAuthResponse(as, me, new URL(back.headers.get('location') ?? ''), 'live')
    const given = await oauth.authorizationCodeGrantRequest(
      as,
      me,
      auth,
      answer,
      REDIRECT,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, me, given)
    service.keepSecret(tokens.access_token)
    expect(tokens['credentialID']).to.equal(credential.id)
    const { refresh } = await login()
    const renewed = await oauth.refreshTokenGrantRequest(as, me, auth, refresh, insecure)
    const second = await oauth.processRefreshTokenResponse(as, me, renewed)
    const gone = await oauth.revocationRequest(as, me, auth, second.refresh_token ?? '', insecure)
    await oauth.processRevocationResponse(gone)
    expect(await usable(second.access_token)).to.equal(401)
  })
})
