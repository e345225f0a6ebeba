import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Context } from '../../context.ts'
import { note } from '../http/requestLog.ts'
import { bindingOf, tokenType } from './binding.ts'
import { redeemCode, type CodePayload, type RedeemRefusal } from './codes.ts'
import { purposeOf, type Purpose } from './codeTokens.ts'
import { errors } from './library.ts'

/** RFC 7636, 4.1. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/** Of the token endpoint's parameters, those of this grant. */
export const CODE_GRANT_PARAMETERS = ['code', 'redirect_uri', 'code_verifier']

const refusals: Readonly<Record<RedeemRefusal, string>> = {
  unknown: 'Invalid parameter code',
  over: 'Authorization code is invalid or expired',
  redirect_uri: 'redirect_uri parameter does not match',
  verifier: 'Invalid parameter code_verifier',
  proof: 'The DPoP proof is not by the key that the code is for',
}

/**
 * RFC 6749, 4.1.3, in place of the library's own handler of this grant: that one issues a token of the library's making,
 * and the token of the scope credential is the SAD of an authorisation that the token sealed for its holder's PIN. Its
 * checks are done here (client, expiry, use, address, verifier); the client was authenticated by the library before.
 */
export async function grantCode(ctx: Context, koa: KoaContextWithOIDC): Promise<void> {
  const { client, params = {} } = koa.oidc
  if (client === undefined) throw new Error('a grant without its client')
  const { code, redirect_uri: redirectUri, code_verifier: verifier } = params
  if (typeof code !== 'string') throw new errors.InvalidRequest('Missing parameter code')
  if (typeof verifier !== 'string') throw new errors.InvalidRequest('Missing parameter code_verifier')
  if (!VERIFIER.test(verifier)) throw new errors.InvalidRequest('Invalid parameter code_verifier')
  const binding = await bindingOf(ctx, koa, client)
  const redeemed = await redeemCode(ctx, {
    clientId: client.clientId,
    code,
    redirectUri: typeof redirectUri === 'string' ? redirectUri : undefined,
    verifier,
    binding,
  })
  if (typeof redeemed === 'string') {
    throw new errors.CustomOIDCProviderError('invalid_grant', refusals[redeemed])
  }
  note(koa.res, { client: client.clientId })
  koa.body = {
    access_token: redeemed.accessToken,
    expires_in: redeemed.expiresIn,
    token_type: tokenType(binding),
    ...(redeemed.refreshToken === undefined ? {} : { refresh_token: redeemed.refreshToken }),
    ...words[purposeOf(redeemed.payload)](redeemed.payload),
  }
}

/** What was granted, in the words of the request (RFC 9396, 7; CSC API v2.2, 8.2.4). */
const words: Readonly<Record<Purpose, (payload: CodePayload) => Record<string, unknown>>> = {
  login: () => ({ scope: 'service' }),
  approved: ({ approved }) => (approved === undefined ? {} : signing(approved)),
  created: ({ created }) => ({ scope: 'credential-creation', ...detailsOf(created?.detail) }),
  deleting: ({ deleting }) => ({
    scope: 'credential-deletion',
    credentialID: deleting?.credentialId,
    ...detailsOf(deleting?.detail),
  }),
}

function signing(approved: NonNullable<CodePayload['approved']>): Record<string, unknown> {
  const { credentialId: credentialID, count: numSignatures, type, documents, hashAlgorithmOID } = approved
  const granted = { scope: 'credential', credentialID }
  if (type === undefined) return granted
  const detail = {
    type,
    credentialID,
    numSignatures,
    ...(documents === undefined ? {} : { documentDigests: documents }),
    ...(hashAlgorithmOID === undefined ? {} : { hashAlgorithmOID }),
  }
  return { ...granted, ...detailsOf(detail) }
}

/** What was asked for in details is answered in them. */
function detailsOf(detail: object | undefined): Record<string, unknown> {
  return detail === undefined ? {} : { authorization_details: [detail] }
}
