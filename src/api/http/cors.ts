import type { Step } from './direct.ts'

/** Seconds that a browser may remember the answer to a preflight. */
const MAX_AGE_S = '600'

/**
 * Lets the browsers of these origins, and of no others, read answers (Fetch standard, CORS protocol). Tokens travel in a
 * header that scripts must set, so there are no credentials to allow.
 */
export function cors(origins: readonly string[]): Step {
  const allowed = new Set(origins.map((origin) => new URL(origin).origin))
  return (request, response, next) => {
    if (allowed.size === 0) {
      next()
      return
    }
    response.setHeader('Vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) {
      next()
      return
    }
    response.setHeader('Access-Control-Allow-Origin', origin)
    response.setHeader('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After, X-Request-Id')
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
      next()
      return
    }
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, DPoP, Idempotency-Key')
    response.setHeader('Access-Control-Max-Age', MAX_AGE_S)
    response.statusCode = 204
    response.end()
  }
}
