import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Context } from '../../context.ts'
import { consumeOauthObject, deleteTokensOf, storeOauthObject, takeOauthObject } from '../../db/oauth.ts'
import { bearerHash } from '../../signing/permit.ts'
import { revokeAuthorisation } from '../../signing/revocation.ts'
import { signingTypes } from './asked.ts'
import { newBearer } from './bearer.ts'
import type { Binding } from './binding.ts'
import { issueToken } from './codeTokens.ts'

/** A code goes from the browser to the client's server at once (RFC 6749, 4.1.2: ten minutes at most). */
export const CODE_S = 60
const CODE = 'AuthorizationCode'
export const CONSENT = 'Consent'

/** Of a code that is for a credential itself. */
const about = {
  credentialId: z.string(),
  /** What was asked for by authorization_details, to be given back (RFC 9396, 7). */
  detail: z.record(z.string(), z.unknown()).optional(),
}

/** What a code stands for, as it is stored: no bearer value, no PIN. */
const codePayload = z.object({
  clientId: z.string(),
  redirectUri: z.string().optional(),
  codeChallenge: z.string(),
  /** The one key that its token may be bound to (RFC 9449, 10). */
  proofKey: z.string().optional(),
  /** Of the scope service: who logged in, and with which credential. */
  login: z.object({ personId: z.string(), credentialId: z.string() }).optional(),
  /** Of the scope credential: what its holder approved. */
  approved: z
    .object({
      authorisationId: z.string(),
      credentialId: z.string(),
      count: z.int(),
      /** The request's own words, to be given back (RFC 9396, 7). */
      type: z.enum(signingTypes).optional(),
      hashAlgorithmOID: z.string().optional(),
      /** Base64. */
      documents: z.array(z.object({ hash: z.string(), label: z.string().optional() })).optional(),
    })
    .optional(),
  /** Of the scope credential-creation: what was made, and is handed over by credentials/create alone. */
  created: z.object(about).optional(),
  /** Of the scope credential-deletion: what may be deleted. */
  deleting: z.object(about).optional(),
})
export type CodePayload = z.infer<typeof codePayload>

/**
 * Ends a consent in a code. @returns undefined where it had ended already, so that one consent has one code
 * @param consent its id
 */
export async function issueCode(
  ctx: Context,
  consent: string,
  payload: CodePayload,
): Promise<string | undefined> {
  const code = newBearer()
  const { clientId } = payload
  const stored = await ctx.db.transaction(async (tx) => {
    const taken = await takeOauthObject(tx, { model: CONSENT, idHash: bearerHash(consent), clientId })
    if (taken === undefined) return false
    const idHash = bearerHash(code)
    await storeOauthObject(tx, { model: CODE, idHash, payload, clientId, expiresIn: CODE_S })
    return true
  })
  return stored ? code : undefined
}

export interface Redemption {
  readonly clientId: string
  readonly code: string
  readonly redirectUri: string | undefined
  readonly verifier: string
  readonly binding: Binding
}

export interface Redeemed {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
  /** Of the scope service alone: what was approved is approved once. */
  readonly refreshToken?: string
  readonly payload: CodePayload
}

export type RedeemRefusal = 'unknown' | 'over' | 'redirect_uri' | 'verifier' | 'proof'

/**
 * A code becomes an access token, once. Whoever comes with it again takes back what it gave (RFC 6749, 4.1.2), and a code
 * that came with the wrong verifier or address is spent: it may have been stolen.
 */
export async function redeemCode(ctx: Context, given: Redemption): Promise<Redeemed | RedeemRefusal> {
  const { clientId } = given
  const idHash = bearerHash(given.code)
  return ctx.db.transaction(async (tx) => {
    const consumed = await consumeOauthObject(tx, { model: CODE, idHash, clientId })
    if (consumed === undefined) return 'unknown'
    const payload = codePayload.parse(consumed.payload)
    if (consumed.verdict === 'again') {
      await deleteTokensOf(tx, idHash)
      const authorisationId = payload.approved?.authorisationId
      if (authorisationId !== undefined) await revokeAuthorisation(tx, { authorisationId, clientId })
      return 'over'
    }
    if (consumed.verdict === 'expired') return 'over'
    if (payload.redirectUri !== undefined && payload.redirectUri !== given.redirectUri) return 'redirect_uri'
    if (!isVerifier(given.verifier, payload.codeChallenge)) return 'verifier'
    if (payload.proofKey !== undefined && payload.proofKey !== given.binding.jkt) return 'proof'
    return issueToken(ctx, tx, { ...given, idHash, payload })
  })
}

/** RFC 7636, 4.6. */
function isVerifier(verifier: string, challenge: string): boolean {
  const hashed = createHash('sha256').update(verifier).digest()
  const expected = Buffer.from(challenge, 'base64url')
  return hashed.length === expected.length && timingSafeEqual(hashed, expected)
}
