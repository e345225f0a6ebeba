import { createPublicKey } from 'node:crypto'
import { z } from 'zod'

/** TABLE of what an operator may be (EN 319 401, 7.2; EN 419 241-1, 6.2). What each may do: src/api/admin/matrix.ts. */
export const roles = [
  'security-officer',
  'administrator',
  'registration-officer',
  'revocation-officer',
  'auditor',
] as const
export type Role = (typeof roles)[number]

/** Nobody checks their own work: an auditor is nothing else, and who sets the rules does not run the machines. */
const incompatible: readonly (readonly [Role, Role])[] = [
  ['auditor', 'security-officer'],
  ['auditor', 'administrator'],
  ['auditor', 'registration-officer'],
  ['auditor', 'revocation-officer'],
  ['security-officer', 'administrator'],
]

/** The first two of these roles that one operator may not hold together. */
export function incompatiblePair(held: readonly Role[]): readonly [Role, Role] | undefined {
  return incompatible.find(([one, other]) => held.includes(one) && held.includes(other))
}

export const rolesSchema = z
  .array(z.enum(roles))
  .min(1)
  .refine((held) => new Set(held).size === held.length, 'a role stands twice')
  .superRefine((held, issues) => {
    const pair = incompatiblePair(held)
    if (pair === undefined) return
    issues.addIssue({ code: 'custom', message: `one operator cannot be ${pair[0]} and ${pair[1]}` })
  })

/** 32 octets, in the one text that they have: a thumbprint is over the text (RFC 7638, 3.3). */
const coordinate = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, '32 octets in base64url')
const about = { kid: z.string().optional(), use: z.literal('sig').optional(), alg: z.string().optional() }

/**
 * An operator's public key. Strict, so that a private member (`d`) is refused and never stored; what comes out holds
 * the members that make the key and no other.
 */
export const publicJwkSchema = z
  .discriminatedUnion('kty', [
    z.strictObject({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: coordinate,
      y: coordinate,
      ...about,
    }),
    z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate, ...about }),
  ])
  .transform((key): PublicJwk =>
    key.kty === 'EC'
      ? { kty: 'EC', crv: 'P-256', x: key.x, y: key.y }
      : { kty: 'OKP', crv: 'Ed25519', x: key.x },
  )
  .refine(isPoint, 'no point of this curve')

export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }

function isPoint(key: PublicJwk): boolean {
  try {
    createPublicKey({ key, format: 'jwk' })
    return true
  } catch {
    return false
  }
}
