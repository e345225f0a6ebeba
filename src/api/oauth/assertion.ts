import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isCompactJws } from '../../compactJws.ts'
import type { Context } from '../../context.ts'
import { errors } from './library.ts'

/** What clients may sign with (RFC 7518, 3.1; RFC 8037; Ed25519 by its name of RFC 9864, too). */
export const ASSERTION_ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const
/** Seconds that clocks differ by. */
export const CLOCK_SKEW_S = 15
/** An assertion is made for one request. */
const LIFE_MAX_S = 300
/** Its id is remembered for no longer. */
export const REMEMBERED_S = LIFE_MAX_S + 2 * CLOCK_SKEW_S

/**
 * RFC 7523, 3: whom an assertion must be for. The library would take the address that the request came to, which is what
 * its sender wrote into Host: an assertion for another server could be used here.
 */
export function expectOwnAudience(ctx: Context, provider: Provider): void {
  const issuer = `${ctx.config.baseUrl}/oauth2`
  const own = [issuer, ...['token', 'pushed_authorize', 'revoke'].map((name) => `${issuer}/${name}`)]
  provider.OIDCContext.prototype.clientJwtAuthExpectedAudience = () => new Set(own)
}

/** What the library does not ask of an assertion that it found good otherwise. */
export function checkAssertion(ctx: Context) {
  return (koa: KoaContextWithOIDC, claims: Readonly<Record<string, unknown>>): void => {
    const assertion = koa.oidc.params?.['client_assertion']
    if (typeof assertion !== 'string' || !isCompactJws(assertion)) {
      throw new errors.InvalidClientAuth('an assertion that is written in another way')
    }
    const { exp } = claims
    if (typeof exp !== 'number' || exp > ctx.clock() / 1000 + LIFE_MAX_S + CLOCK_SKEW_S) {
      throw new errors.InvalidClientAuth('an assertion that lives too long')
    }
  }
}
