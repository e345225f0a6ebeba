/** Public keys as JWK (RFC 7517, RFC 7518, RFC 8037). */
import { createPublicKey } from 'node:crypto'
import { keyTypes, namedScheme, type KeyType, type SchemeName } from '../../hsm/algorithms.ts'
import { publicParts } from '../../hsm/der.ts'
import { fromBase64url } from '../signing/base64url.ts'
import type { JsonObject } from '../signing/strictJson.ts'

export interface PublicKey {
  readonly keyType: KeyType
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer
  readonly scheme?: SchemeName | undefined
}

/** Members that make the key, in the order of a thumbprint (RFC 7638, 3.2), by `kty`. */
const MEMBERS = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] } as const
/** Members that only a key's owner has (RFC 7518, 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const isKty = (kty: unknown): kty is keyof typeof MEMBERS =>
  typeof kty === 'string' && Object.hasOwn(MEMBERS, kty)

/** Of a key as the token gives it: its members and nothing else. */
export function jwkOf({ spki }: Pick<PublicKey, 'spki'>): Record<string, string> {
  const jwk = createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'jwk' })
  const { kty } = jwk
  if (!isKty(kty)) throw new Error(`no JWK of ${String(kty)}`)
  return Object.fromEntries(MEMBERS[kty].map((member) => [member, String(jwk[member])]))
}

/**
 * A public key that is for verifying signatures, of a type that the table has.
 * @returns undefined for a private key, one for something else, or one that is written in another way than the right one
 */
export function keyOfJwk(jwk: JsonObject): PublicKey | undefined {
  const { kty, use, key_ops: operations, alg } = jwk
  if (!isKty(kty) || PRIVATE.some((member) => Object.hasOwn(jwk, member))) return undefined
  if (use !== undefined && use !== 'sig') return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined
  const spki = spkiOf(Object.fromEntries(MEMBERS[kty].map((member) => [member, jwk[member]])))
  const keyType = spki && keyTypeOf(spki)
  if (spki === undefined || keyType === undefined) return undefined
  if (alg === undefined) return { keyType, spki }
  const scheme = typeof alg === 'string' ? namedScheme(keyType, alg) : undefined
  return scheme && { keyType, spki, scheme: scheme.name }
}

function spkiOf(members: JsonObject): Buffer | undefined {
  const isText = Object.entries(members).every(
    ([name, value]) =>
      typeof value === 'string' && (name === 'kty' || name === 'crv' || fromBase64url(value) !== undefined),
  )
  if (!isText) return undefined
  try {
    const key = createPublicKey({ key: members, format: 'jwk' })
    const again = key.export({ format: 'jwk' }) as JsonObject
    // Leading zeros that are missing, or too many: another spelling of the same key.
    const isCanonical = Object.entries(members).every(([name, value]) => again[name] === value)
    return isCanonical ? key.export({ format: 'der', type: 'spki' }) : undefined
  } catch {
    return undefined
  }
}

/** The row of the table that a SubjectPublicKeyInfo is of; undefined for anything else, and for other DER. */
export function keyTypeOf(spki: Buffer): KeyType | undefined {
  return (Object.keys(keyTypes) as KeyType[]).find((keyType) => publicParts(spki, keyType) !== undefined)
}
