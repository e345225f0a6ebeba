import { CodeChallengeMethod, OAuth2Client, generateCodeVerifier } from 'arctic'
import { expect } from 'chai'
import * as openid from 'openid-client'
import { OID, digest } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT } from './codeClient.ts'
import { sharedService } from './shared.ts'

/** openid-client takes the address from where the browser came back to, without its query. */
const PLAIN = 'https://client.example/back'

describe('OAuth clients in the field', () => {
  let service: TestService
  let browser: CodeClient
  let credential: TestCredential
  before(async () => {
    service = await sharedService()
    browser = new CodeClient(service, await service.newClient('Wallet', [REDIRECT, PLAIN]))
    credential = await service.newCredential({ clientId: browser.client.id, mode: 'oauth2code' })
  })
  afterEach(() => service.checkState())

  /** What the holder's browser does from the client's address to the one that it is sent back to. */
  const visited = async (start: URL, answer: Record<string, string>): Promise<URL> => {
    const page = await browser.open(Object.fromEntries(start.searchParams))
    const { headers } = await browser.answer(page, answer)
    const back = new URL(headers.get('location') ?? 'none:')
    service.keepSecret(back.searchParams.get('code') ?? 'none')
    return back
  }
  const call = (token: string, method: string, body: unknown): Promise<Response> =>
    fetch(`${service.url}/csc/v2/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('arctic logs a holder in, renews and revokes', async () => {
    const { id, secret } = browser.client
    const arctic = new OAuth2Client(id, secret, REDIRECT)
    const at = (name: string): string => `${service.url}/oauth2/${name}`
    const verifier = generateCodeVerifier()
    const start = arctic.createAuthorizationURLWithPKCE(
      at('authorize'),
      'a state',
      CodeChallengeMethod.S256,
      verifier,
      ['service'],
    )
    const back = await visited(start, { credential: credential.id, pin: credential.pin })
    expect(back.searchParams.get('state')).to.equal('a state')
    const code = back.searchParams.get('code') ?? ''
    const tokens = await arctic.validateAuthorizationCode(at('token'), code, verifier)
    service.keepSecret(tokens.accessToken())
    const listed = await call(tokens.accessToken(), 'credentials/list', {})
    expect(await listed.json()).to.deep.equal({ credentialIDs: [credential.id] })
    service.keepSecret(tokens.refreshToken())
    const renewed = await arctic.refreshAccessToken(at('token'), tokens.refreshToken(), ['service'])
    service.keepSecret(renewed.accessToken())
    service.keepSecret(renewed.refreshToken())
    await arctic.revokeToken(at('revoke'), renewed.refreshToken())
    expect((await call(renewed.accessToken(), 'credentials/list', {})).status).to.equal(401)
  })

  it('openid-client pushes, redeems with DPoP, signs', async () => {
    const { id, secret } = browser.client
    const config = await openid.discovery(
      new URL(`${service.url}/oauth2`),
      id,
      undefined,
      openid.ClientSecretBasic(secret),
      // The service under test speaks plain HTTP on the loopback.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    )
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const details = {
      type: 'https://cloudsignatureconsortium.org/2025/credential',
      credentialID: credential.id,
      numSignatures: 1,
      documentDigests: [{ hash: digest('a document'), label: 'lease.pdf' }],
      hashAlgorithmOID: OID.sha256,
    }
    const start = await openid.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: PLAIN,
      scope: 'credential',
      state: 'a state',
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      authorization_details: JSON.stringify([details]),
    })
    expect([...start.searchParams.keys()]).to.have.members(['client_id', 'request_uri'])
    service.keepSecret((start.searchParams.get('request_uri') ?? '').slice(-43))
    const back = await visited(start, { pin: credential.pin })
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair())
    const checks = { pkceCodeVerifier, expectedState: 'a state' }
    const tokens = await openid.authorizationCodeGrant(config, back, checks, {}, { DPoP })
    service.keepSecret(tokens.access_token)
    expect(tokens['authorization_details']).to.deep.equal([details])
    const body = { credentialID: credential.id, hashes: [digest('a document')], signAlgo: OID.ecdsa256 }
    const signed = await openid.fetchProtectedResource(
      config,
      tokens.access_token,
      new URL(`${service.url}/csc/v2/signatures/signHash`),
      'POST',
      JSON.stringify(body),
      new Headers({ 'content-type': 'application/json' }),
      { DPoP },
    )
    expect(signed.status).to.equal(200)
    await openid.tokenRevocation(config, tokens.access_token)
  })
})
