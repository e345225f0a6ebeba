import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256']

describe('the authorisation server', () => {
  let service: TestService

  before(async () => {
    service = await startService()
  })
  after(() => service.close())

  const places = [
    '/oauth2/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/oauth2',
  ]
  for (const place of places) {
    it(`says at ${place} what it offers and nothing else`, async () => {
      const response = await fetch(`${service.url}${place}`)
      expect(response.status).to.equal(200)
      expect(response.headers.get('content-type')).to.match(/^application\/json/)
      expect(await response.json()).to.deep.equal({
        issuer: `${service.url}/oauth2`,
        authorization_endpoint: `${service.url}/oauth2/authorize`,
        authorization_response_iss_parameter_supported: true,
        token_endpoint: `${service.url}/oauth2/token`,
        pushed_authorization_request_endpoint: `${service.url}/oauth2/pushed_authorize`,
        revocation_endpoint: `${service.url}/oauth2/revoke`,
        token_endpoint_auth_methods_supported: METHODS,
        token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
        revocation_endpoint_auth_methods_supported: METHODS,
        revocation_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
        grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token'],
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        code_challenge_methods_supported: ['S256'],
        dpop_signing_alg_values_supported: ALGORITHMS,
        authorization_details_types_supported: [
          'credential',
          'https://cloudsignatureconsortium.org/2025/credential',
          'https://cloudsignatureconsortium.org/2025/credential-creation',
          'https://cloudsignatureconsortium.org/2025/credential-deletion',
        ],
        scopes_supported: ['service', 'credential', 'credential-creation', 'credential-deletion'],
        ui_locales_supported: ['en', 'el'],
      })
    })
  }

  it('holds no key and offers none', async () => {
    const response = await fetch(`${service.url}/oauth2/jwks`)
    expect(response.status).to.equal(404)
    const keys = await service.sql(`select 1 from key where purpose = 'oauth'`)
    expect(keys).to.deep.equal([])
  })

  const closed: [string, string, number][] = [
    ['GET', '/oauth2/authorize', 400],
    ['PUT', '/oauth2/authorize', 405],
    ['GET', '/oauth2/auth', 404],
    ['POST', '/oauth2/pushed_authorize', 400],
    ['GET', '/oauth2/pushed_authorize', 405],
    ['POST', '/oauth2/request', 404],
    ['POST', '/oauth2/revoke', 400],
    ['GET', '/oauth2/revoke', 405],
    ['GET', '/oauth2/me', 404],
    ['POST', '/oauth2/reg', 404],
    ['GET', '/oauth2/session/end', 404],
    ['POST', '/oauth2/session/end/confirm', 404],
    ['POST', '/oauth2/device/auth', 404],
    ['GET', '/oauth2/interaction/x', 404],
    ['POST', '/oauth2/token/introspection', 404],
    ['GET', '/oauth2/.well-known/openid-configuration', 404],
    ['GET', '/oauth2/token', 405],
    ['OPTIONS', '/oauth2/token', 405],
    ['POST', '/oauth2/Token', 404],
    ['POST', '/oauth2/token/', 404],
  ]
  for (const [method, path, status] of closed) {
    it(`answers ${method} ${path} with ${status}`, async () => {
      const response = await fetch(`${service.url}${path}`, { method })
      expect(response.status).to.equal(status)
      const body = (await response.json()) as { error: string }
      expect(body.error).to.equal('invalid_request')
      if (status === 405) expect(response.headers.get('allow')).to.match(/POST$/)
    })
  }
})
