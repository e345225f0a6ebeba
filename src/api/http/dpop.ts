import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { EmbeddedJWK, calculateJwkThumbprint, jwtVerify, type JWTPayload } from 'jose'
import { z } from 'zod'
import { listenersOf } from '../../../config/listeners.ts'
import { isCompactJws } from '../../compactJws.ts'
import type { Context } from '../../context.ts'
import { seenFirst } from '../../db/seenOnce.ts'

/** What proofs may be signed by. */
export const PROOF_ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const
/** A proof is made for one request; clocks differ by less than the second figure. */
const AGE_S = 60
const SKEW_S = 15
/** A proof with an RSA key of 8192 bits is half of it. */
const LENGTH_MAX = 8192
const JTI_MAX = 256

const claimsSchema = z.object({
  htm: z.string(),
  htu: z.url(),
  iat: z.number(),
  jti: z.string().min(1).max(JTI_MAX),
  ath: z.string().optional(),
})

/** 'none': the request has no proof; 'wrong': it has one that proves nothing. */
export type Proven = { readonly thumbprint: string } | 'none' | 'wrong'

/**
 * RFC 9449, 4.3: which key the sender of a request has, by its thumbprint (RFC 7638). Of the many who come with one proof,
 * one is believed.
 * @param accessToken that the proof must be for; absent at the authorisation server
 */
export async function provenKey(
  ctx: Context,
  request: IncomingMessage & { readonly originalUrl?: string },
  accessToken?: string,
): Promise<Proven> {
  const { dpop: proof } = request.headers
  if (proof === undefined) return 'none'
  // Several of them come joined, and are no proof.
  if (typeof proof !== 'string' || proof.length > LENGTH_MAX || !isCompactJws(proof)) return 'wrong'
  const verified = await verify(ctx, proof)
  const claims = claimsSchema.safeParse(verified?.payload)
  if (verified === undefined || !claims.success) return 'wrong'
  const { htm, htu, iat, jti, ath } = claims.data
  const age = ctx.clock() / 1000 - iat
  if (age < -SKEW_S || age > AGE_S) return 'wrong'
  if (htm !== request.method || !isHere(ctx, request, htu)) return 'wrong'
  if (accessToken !== undefined && ath !== hashed(accessToken).toString('base64url')) return 'wrong'
  const { thumbprint } = verified
  // Longer than it would be believed. Last, so that only what is good otherwise costs a row.
  const once = { digest: hashed(`dpop ${thumbprint} ${jti}`), expiresIn: AGE_S + 2 * SKEW_S }
  return (await seenFirst(ctx.db, once)) ? { thumbprint } : 'wrong'
}

async function verify(
  ctx: Context,
  proof: string,
): Promise<{ readonly thumbprint: string; readonly payload: JWTPayload } | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...PROOF_ALGORITHMS],
      currentDate: new Date(ctx.clock()),
    })
    const { jwk } = protectedHeader
    if (jwk === undefined || (jwk.use !== undefined && jwk.use !== 'sig')) return undefined
    return { payload, thumbprint: await calculateJwkThumbprint(jwk, 'sha256') }
  } catch {
    return undefined
  }
}

/** Compared without query and fragment, with the addresses that this service has: Host is what its sender wrote. */
function isHere(
  { config }: Context,
  { originalUrl, url }: { readonly originalUrl?: string; readonly url?: string | undefined },
  htu: string,
): boolean {
  const { origin, pathname } = new URL(htu)
  const [path] = (originalUrl ?? url ?? '').split('?', 1)
  const origins = [config.baseUrl, ...listenersOf(config).map((listener) => listener.url)]
  return origins.includes(origin) && pathname === path
}

const hashed = (text: string): Buffer => createHash('sha256').update(text).digest()
