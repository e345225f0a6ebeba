import { Router, type RequestHandler } from 'express'
import { listenersWithCertificates } from '../../../config/listeners.ts'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { renderErrors, type Rendered } from '../http/errors.ts'
import { SCOPE, oauthProvider } from './provider.ts'

/** Endpoints of the standards that this service does not have yet (CSC API v2.2, 8.2). */
const notBuilt = ['authorize', 'pushed_authorize', 'revoke']

/** The authorisation server, to be mounted at /oauth2. Only what is listed here reaches the library. */
export function oauthRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const provider = oauthProvider(ctx).callback()
  router.post('/token', withoutForwarded, (request, response) => provider(request, response))
  router.all('/token', (_request, response) => {
    response.setHeader('Allow', 'POST')
    throw new Refusal('method_not_allowed', 'Tokens are asked for by POST')
  })
  router.get('/.well-known/oauth-authorization-server', oauthMetadata(ctx))
  for (const name of notBuilt) {
    router.all(`/${name}`, () => {
      throw new Refusal('not_implemented', `The endpoint ${name} is not implemented`)
    })
  }
  router.use(() => {
    throw new Refusal('not_found', 'There is no such endpoint')
  })
  router.use(renderErrors(ctx.log, render))
  return router
}

/**
 * RFC 8414, 3: where an issuer has a path, its metadata is at /.well-known/oauth-authorization-server/oauth2; many clients
 * look below the path instead. Written here, since the library's own advertises what we keep out.
 */
export function oauthMetadata(ctx: Context): RequestHandler {
  const issuer = `${ctx.config.baseUrl}/oauth2`
  const metadata = {
    issuer,
    token_endpoint: `${issuer}/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    ...mutualTls(ctx),
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    scopes_supported: [SCOPE],
  }
  return (_request, response) => {
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    response.end(JSON.stringify(metadata))
  }
}

/** RFC 8705, 3.3 and 5: where some listener asks for certificates. */
function mutualTls(ctx: Context): Record<string, unknown> {
  const [listener] = listenersWithCertificates(ctx.config, 'oauth')
  if (listener === undefined) return {}
  return {
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'tls_client_auth'],
    tls_client_certificate_bound_access_tokens: true,
    ...(listener.url === undefined
      ? {}
      : { mtls_endpoint_aliases: { token_endpoint: `${listener.url}/oauth2/token` } }),
  }
}

/** Nothing at the token endpoint depends on the caller's address, so the library is shown none, whoever wrote it. */
const withoutForwarded: RequestHandler = (request, _response, next) => {
  for (const name of Object.keys(request.headers)) {
    if (name === 'forwarded' || name.startsWith('x-forwarded-')) Reflect.deleteProperty(request.headers, name)
  }
  next()
}

const statuses: Readonly<Partial<Record<RefusalCode, number>>> = {
  invalid_request: 400,
  not_found: 404,
  method_not_allowed: 405,
  not_implemented: 501,
}

/** What the library does not answer itself. */
function render(refusal: Refusal | undefined): Rendered {
  const status = refusal && statuses[refusal.code]
  if (status === undefined) return { status: 500, body: { error: 'server_error' } }
  return { status, body: { error: 'invalid_request', error_description: refusal?.message } }
}
