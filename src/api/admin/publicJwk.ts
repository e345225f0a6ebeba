import { createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { z } from 'zod'
import { isCanonical } from '../../compactJws.ts'
import type { PublicJwk } from '../../db/clientKeys.ts'
import { Refusal } from '../../refusal.ts'

/** NIST SP 800-57; above the upper bound verifying becomes work that a stranger could ask for. */
const RSA_BITS_MIN = 2048
const RSA_BITS_MAX = 8192
/** A JWK of the longest RSA key is a fifth of it. */
const MEMBER_MAX = 2048

/** One text for one key: its thumbprint is over the text (RFC 7638, 3.3). */
const number = z.string().min(1).max(MEMBER_MAX).refine(isCanonical, 'not base64url')
const common = {
  kid: z.string().min(1).max(256).optional(),
  /** Of a key that is meant for something else, either would say so (RFC 7517, 4.2 and 4.3). */
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((all) => all.includes('verify'), 'not to verify with')
    .optional(),
}

/** TABLE of the keys that clients sign assertions with, and the algorithms of each. Texts alone are kept, and no other members. */
const publicJwkSchema = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('EC'),
    crv: z.enum(['P-256', 'P-384']),
    x: number,
    y: number,
    alg: z.enum(['ES256', 'ES384']).optional(),
    ...common,
  }),
  z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: number,
    alg: z.enum(['EdDSA', 'Ed25519']).optional(),
    ...common,
  }),
  z.object({
    kty: z.literal('RSA'),
    n: number,
    e: number,
    alg: z.enum(['PS256', 'RS256']).optional(),
    ...common,
  }),
])

/** Members of a JWK that only its owner has (RFC 7518, 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** @throws Refusal 'invalid_request' for anything but one public key that is fit for signatures */
export async function publicJwk(given: unknown): Promise<{ jwk: PublicJwk; thumbprint: Buffer }> {
  if (typeof given === 'object' && given !== null && PRIVATE.some((name) => name in given)) {
    throw new Refusal('invalid_request', 'jwk: this is a private key, and must not leave its client')
  }
  const result = publicJwkSchema.safeParse(given)
  if (!result.success) {
    const [issue] = result.error.issues
    const path = ['jwk', ...(issue?.path ?? [])].join('.')
    throw new Refusal('invalid_request', `${path}: ${issue?.message ?? 'Invalid'}`)
  }
  const jwk = Object.fromEntries(
    Object.entries(result.data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
  const bits = keyOf(jwk).asymmetricKeyDetails?.modulusLength
  if (jwk['kty'] === 'RSA' && (bits === undefined || bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)) {
    throw new Refusal('invalid_request', `jwk: RSA keys have ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`)
  }
  const thumbprint = await calculateJwkThumbprint(jwk, 'sha256')
  return { jwk, thumbprint: Buffer.from(thumbprint, 'base64url') }
}

function keyOf(jwk: PublicJwk): KeyObject {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    throw new Refusal('invalid_request', 'jwk: not a public key')
  }
}
