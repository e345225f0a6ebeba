import type { KoaContextWithOIDC } from 'oidc-provider'
import { clientCertificateOf } from '../../clientCertificate.ts'
import type { Context } from '../../context.ts'
import { ACCESS_TOKEN, PROVEN_TOKEN } from '../../db/oauth.ts'
import { provenKey } from '../http/dpop.ts'
import { errors } from './library.ts'

/** What an access token is bound to, as it is stored with it: one of the two, or nothing. */
export interface Binding {
  /** The certificate that it was given to (RFC 8705, 3.1). */
  readonly 'x5t#S256'?: string
  /** The key that its client proved to have (RFC 9449, 6.1). */
  readonly jkt?: string
}

/**
 * What the tokens of a request will be bound to. A client that is let in by certificate has them bound to it; any other,
 * to the key of its proof, if it came with one.
 */
export async function bindingOf(
  ctx: Context,
  koa: KoaContextWithOIDC,
  client: NonNullable<KoaContextWithOIDC['oidc']['client']>,
): Promise<Binding> {
  const proven = await provenKey(ctx, koa.req)
  if (proven === 'wrong') throw new errors.InvalidDpopProof('The DPoP proof is invalid')
  if (client.tlsClientCertificateBoundAccessTokens !== true) {
    return proven === 'none' ? {} : { jkt: proven.thumbprint }
  }
  if (proven !== 'none') {
    throw new errors.InvalidRequest('A certificate and a DPoP proof are one too many')
  }
  const shown = clientCertificateOf(koa.req)
  if (shown === undefined) throw new errors.InvalidGrant('client certificate was not provided')
  return { 'x5t#S256': shown.thumbprint }
}

export function tokenType({ jkt }: Binding): 'Bearer' | 'DPoP' {
  return jkt === undefined ? 'Bearer' : 'DPoP'
}

/** What an access token that is bound so is stored as. */
export function accessTokenModel({ jkt }: Binding): string {
  return jkt === undefined ? ACCESS_TOKEN : PROVEN_TOKEN
}
