import type { ServerResponse } from 'node:http'
import type {
  Configuration,
  errors as Errors,
  KoaContextWithOIDC,
  Provider as ProviderType,
} from 'oidc-provider'
import { clientCertificateOf } from '../../clientCertificate.ts'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { idsOf, note } from '../http/requestLog.ts'
import { isKeyAmong, oauthAdapter } from './adapter.ts'
import { registerClientGrant } from './asClient.ts'
import { ASSERTION_ALGORITHMS, CLOCK_SKEW_S, checkAssertion, expectOwnAudience } from './assertion.ts'
import { bindingOf } from './binding.ts'
import { CODE_GRANT_PARAMETERS, grantCode } from './codeGrant.ts'
import { Provider, errors, notices } from './library.ts'
import { REFRESH_GRANT_PARAMETERS, grantRefresh } from './refreshGrant.ts'
import { scopes } from './scopes.ts'

/** Calling the CSC API for the credentials that are linked to the client (CSC API v2.2, 8.2). */
const SCOPE = 'service'
const GRANT = 'client_credentials'
export const CODE_GRANT = 'authorization_code'
export const REFRESH_GRANT = 'refresh_token'

/**
 * The authorisation server: client authentication and the token endpoint are the library's, the grants are ours. What it
 * does not offer, router.ts keeps out.
 */
export function oauthProvider(ctx: Context): ProviderType {
  for (const notice of notices) ctx.log.debug({ notice }, 'from the OAuth library')
  const provider = new Provider(`${ctx.config.baseUrl}/oauth2`, configuration(ctx))
  provider.use(withoutOwnCors)
  expectOwnAudience(ctx, provider)
  const grant = async (koa: KoaContextWithOIDC): Promise<void> => {
    await grantClientCredentials(ctx, provider, koa)
    ctx.metrics.tokenIssued()
  }
  provider.registerGrantType(GRANT, grant, ['scope'])
  const code = async (koa: KoaContextWithOIDC): Promise<void> => {
    await grantCode(ctx, koa)
    ctx.metrics.tokenIssued()
  }
  provider.registerGrantType(CODE_GRANT, code, CODE_GRANT_PARAMETERS)
  const refresh = async (koa: KoaContextWithOIDC): Promise<void> => {
    await grantRefresh(ctx, koa)
    ctx.metrics.tokenIssued()
  }
  provider.registerGrantType(REFRESH_GRANT, refresh, REFRESH_GRANT_PARAMETERS)
  registerClientGrant(provider)
  provider.on('server_error', (koa, error) => failed(ctx, koa, error))
  provider.on('grant.error', refused)
  // What no route caught, such as a socket that broke: Koa would write it to the console.
  provider.onerror = (error) => ctx.log.warn({ err: error }, 'from the OAuth library')
  return provider
}

/** Certificates come from our own handshakes, and from no header that a proxy, or somebody else, may have written. */
const mutualTls = {
  enabled: true,
  tlsClientAuth: true,
  certificateBoundAccessTokens: true,
  getCertificate: ({ req }: KoaContextWithOIDC) => clientCertificateOf(req)?.certificate,
  certificateAuthorized: ({ req }: KoaContextWithOIDC) => clientCertificateOf(req) !== undefined,
  certificateSubjectMatches: ({ req }: KoaContextWithOIDC, _property: string, registered: string) => {
    const shown = clientCertificateOf(req)
    return shown !== undefined && isKeyAmong(registered, shown.spkiHash)
  },
} as const

function configuration(ctx: Context): Configuration {
  return {
    adapter: oauthAdapter(ctx),
    // Nothing is signed: tokens are opaque. Without this line the library would bring a key of its own, in software.
    jwks: { keys: [] },
    // No id_token is ever made, but the library wants to know by what algorithm it would be: one that needs no key.
    enabledJWA: {
      idTokenSigningAlgValues: ['HS256'],
      clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS],
    },
    clientDefaults: { id_token_signed_response_alg: 'HS256' },
    scopes: [...scopes],
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'tls_client_auth', 'private_key_jwt'],
    assertJwtClientAuthClaimsAndHeader: checkAssertion(ctx),
    clockTolerance: CLOCK_SKEW_S,
    // On by default in the library, and not offered here.
    features: {
      devInteractions: { enabled: false },
      mTLS: mutualTls,
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    ttl: { ClientCredentials: ctx.config.oauth.tokenSeconds },
    // Origins are the business of the allow-list in front of every face.
    clientBasedCORS: () => true,
    // Those who ask for HTML get JSON as well.
    renderError: (koa, out) => {
      koa.body = out
    },
  }
}

/** The library opens the endpoint to the scripts of any origin; here the allow-list in front of every face decides. */
async function withoutOwnCors(koa: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  const decided = koa.res.hasHeader('Access-Control-Allow-Origin')
  await next()
  if (decided) return
  for (const name of koa.res.getHeaderNames()) {
    if (name.startsWith('access-control-')) koa.remove(name)
  }
}

/** RFC 6749, 4.4. A request that names no scope gets the only one, and the answer says so (RFC 6749, 3.3). */
async function grantClientCredentials(
  ctx: Context,
  provider: ProviderType,
  koa: KoaContextWithOIDC,
): Promise<void> {
  const { client, params } = koa.oidc
  if (client === undefined) throw new Error('a grant without its client')
  const asked = params?.['scope']
  if (asked !== undefined && asked !== SCOPE) {
    throw new errors.InvalidScope(`the only scope is "${SCOPE}"`, typeof asked === 'string' ? asked : '')
  }
  const token = new provider.ClientCredentials({ client, scope: SCOPE })
  Object.assign(token, await bindingOf(ctx, koa, client))
  koa.oidc.entity('ClientCredentials', token)
  const value = await token.save()
  note(koa.res, { client: client.clientId })
  koa.body = {
    access_token: value,
    expires_in: token.expiration,
    token_type: token.tokenType,
    scope: token.scope,
  }
}

/** The library's sentences for which the CSC API has phrases (v2.2, 8.2.4); the codes are the same. */
const phrases: ReadonlyMap<string, string> = new Map([
  ['no client authentication mechanism provided', 'Missing parameter client_id'],
  ["missing required parameter 'grant_type'", 'Missing parameter grant_type'],
])

/** RFC 6749, 5.2, has a code for it, which the library does not use. */
const NOT_ALLOWED = 'requested grant type is not allowed for this client'

function refused(koa: KoaContextWithOIDC, { error, error_description }: Errors.OIDCProviderError): void {
  if (error_description === NOT_ALLOWED) {
    note(koa.res, { refusal: 'unauthorized_client' })
    koa.body = { error: 'unauthorized_client', error_description }
    return
  }
  note(koa.res, { refusal: error })
  const phrase = phrases.get(error_description ?? '')
  if (phrase !== undefined) koa.body = { error, error_description: phrase }
}

/** The library has answered 500 by now; a service that is only away says so. */
function failed(ctx: Context, koa: KoaContextWithOIDC, error: Error): void {
  const { res }: { res: ServerResponse } = koa
  if (error instanceof Refusal && error.code === 'unavailable') {
    koa.status = 503
    koa.set('Retry-After', String(error.retryAfter ?? 1))
    koa.body = { error: 'temporarily_unavailable', error_description: error.message }
    note(res, { refusal: error.code })
    return
  }
  ctx.log.error({ err: error, ...idsOf(res) }, 'a token request failed')
  koa.body = { error: 'server_error' }
  note(res, { refusal: 'bug' })
}
