import { readFileSync } from 'node:fs'
import { Router, type RequestHandler } from 'express'
import { listenersWithCertificates } from '../../../config/listeners.ts'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { PROOF_ALGORITHMS } from '../http/dpop.ts'
import { renderErrors, type Rendered } from '../http/errors.ts'
import { ASSERTION_ALGORITHMS } from './assertion.ts'
import { authorize } from './authorize.ts'
import { answerWish, showLink } from './approve.ts'
import { answerConsent, showConsent } from './consent.ts'
import { lettingGo } from './library.ts'
import { CODE_GRANT, REFRESH_GRANT, oauthProvider } from './provider.ts'
import { pushedAuthorize } from './pushedAuthorize.ts'
import { revoke } from './revoke.ts'
import { detailTypes, scopes } from './scopes.ts'
import { strings } from './strings.ts'

const script = readFileSync(new URL('../http/assets/fragment.js', import.meta.url), 'utf8')
const style = readFileSync(new URL('../http/assets/page.css', import.meta.url), 'utf8')

/** The authorisation server, to be mounted at /oauth2. Only what is listed here reaches the library. */
export function oauthRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const serve = lettingGo(oauthProvider(ctx).callback())
  router.post('/token', withoutForwarded, (request, response) => serve(request, response))
  router.all('/token', only('POST', 'Tokens are asked for by POST'))
  router.post('/pushed_authorize', withoutForwarded, (request, response) =>
    pushedAuthorize({ ctx, serve }, request, response),
  )
  router.post('/revoke', withoutForwarded, (request, response) => revoke({ ctx, serve }, request, response))
  router.all('/revoke', only('POST', 'Tokens are revoked by POST'))
  router.all('/pushed_authorize', only('POST', 'Requests are pushed by POST'))
  router.get('/authorize', (request, response) => authorize(ctx, request, response))
  router.post('/authorize', (request, response) => authorize(ctx, request, response))
  router.all('/authorize', only('GET, POST', 'Authorization is asked for by GET or POST'))
  router.get('/consent/:id', (request, response) => showConsent(ctx, request, response))
  router.post('/consent/:id', (request, response) => answerConsent(ctx, request, response))
  router.get('/approve', (request, response) => {
    showLink(ctx, request, response)
  })
  router.post('/approve', (request, response) => answerWish(ctx, request, response))
  router.get('/fragment.js', (_request, response) => void response.type('text/javascript').send(script))
  router.get('/page.css', (_request, response) => void response.type('text/css').send(style))
  router.get('/.well-known/oauth-authorization-server', oauthMetadata(ctx))
  router.use(() => {
    throw new Refusal('not_found', 'There is no such endpoint')
  })
  router.use(renderErrors(ctx.log, render))
  return router
}

function only(methods: string, sentence: string): RequestHandler {
  return (_request, response) => {
    response.setHeader('Allow', methods)
    throw new Refusal('method_not_allowed', sentence)
  }
}

/**
 * RFC 8414, 3: where an issuer has a path, its metadata is at /.well-known/oauth-authorization-server/oauth2; many clients
 * look below the path instead. Written here, since the library's own advertises what we keep out.
 */
export function oauthMetadata(ctx: Context): RequestHandler {
  const issuer = `${ctx.config.baseUrl}/oauth2`
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    authorization_response_iss_parameter_supported: true,
    token_endpoint: `${issuer}/token`,
    pushed_authorization_request_endpoint: `${issuer}/pushed_authorize`,
    revocation_endpoint: `${issuer}/revoke`,
    token_endpoint_auth_methods_supported: AUTH_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: AUTH_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    ...mutualTls(ctx),
    grant_types_supported: ['client_credentials', CODE_GRANT, REFRESH_GRANT],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    code_challenge_methods_supported: ['S256'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    authorization_details_types_supported: detailTypes,
    scopes_supported: scopes,
    ui_locales_supported: Object.keys(strings),
  }
  return (_request, response) => {
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    response.end(JSON.stringify(metadata))
  }
}

const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** RFC 8705, 3.3 and 5: where some listener asks for certificates. */
function mutualTls(ctx: Context): Record<string, unknown> {
  const [listener] = listenersWithCertificates(ctx.config, 'oauth')
  if (listener === undefined) return {}
  const methods = [...AUTH_METHODS, 'tls_client_auth']
  return {
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    tls_client_certificate_bound_access_tokens: true,
    ...(listener.url === undefined
      ? {}
      : {
          mtls_endpoint_aliases: {
            token_endpoint: `${listener.url}/oauth2/token`,
            revocation_endpoint: `${listener.url}/oauth2/revoke`,
            pushed_authorization_request_endpoint: `${listener.url}/oauth2/pushed_authorize`,
          },
        }),
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
  too_large: 413,
  unavailable: 503,
}

/** What the library does not answer itself. */
function render(refusal: Refusal | undefined): Rendered {
  const status = refusal && statuses[refusal.code]
  if (status === undefined) return { status: 500, body: { error: 'server_error' } }
  const error = status === 503 ? 'temporarily_unavailable' : 'invalid_request'
  return { status, body: { error, error_description: refusal?.message } }
}
