import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Context } from '../../context.ts'
import { note } from '../http/requestLog.ts'
import { bindingOf, tokenType } from './binding.ts'
import { errors } from './library.ts'
import { renewTokens } from './serviceTokens.ts'

/** Of the token endpoint's parameters, those of this grant. */
export const REFRESH_GRANT_PARAMETERS = ['refresh_token', 'scope']

const refusals = { unknown: 'Invalid parameter refresh_token', expired: 'Refresh token expired' } as const

/**
 * RFC 6749, 6, for service tokens alone, in place of the library's own: the tokens are ours (codeGrant.ts says why). The
 * refresh token itself is its client's, who is authenticated each time, and is bound to no key (RFC 9449, 5).
 */
export async function grantRefresh(ctx: Context, koa: KoaContextWithOIDC): Promise<void> {
  const { client, params = {} } = koa.oidc
  if (client === undefined) throw new Error('a grant without its client')
  const { refresh_token: refreshToken, scope = 'service' } = params
  if (typeof refreshToken !== 'string') throw new errors.InvalidRequest('Missing parameter refresh_token')
  if (scope !== 'service')
    throw new errors.CustomOIDCProviderError('invalid_scope', 'Invalid parameter scope')
  const binding = await bindingOf(ctx, koa, client)
  const renewed = await renewTokens(ctx, {
    clientId: client.clientId,
    refreshToken,
    binding,
  })
  if (typeof renewed === 'string') {
    throw new errors.CustomOIDCProviderError('invalid_grant', refusals[renewed])
  }
  note(koa.res, { client: client.clientId })
  koa.body = {
    access_token: renewed.accessToken,
    expires_in: renewed.expiresIn,
    token_type: tokenType(binding),
    refresh_token: renewed.refreshToken,
    scope,
  }
}
