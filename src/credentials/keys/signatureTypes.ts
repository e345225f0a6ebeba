import type { KeyType, SchemeName } from '../../../hsm/algorithms.ts'

/** TABLE of what a key of the key service signs with, by its name in JOSE (RFC 7518, RFC 9864). */
export const signatureTypes = {
  Ed25519: { keyType: 'Ed25519', scheme: 'ed25519' },
  ES256: { keyType: 'P-256', scheme: 'ecdsa-sha256' },
  ES384: { keyType: 'P-384', scheme: 'ecdsa-sha384' },
  ES512: { keyType: 'P-521', scheme: 'ecdsa-sha512' },
  PS256: { keyType: 'RSA-3072', scheme: 'pss-sha256' },
  RS256: { keyType: 'RSA-3072', scheme: 'rsa-sha256' },
} as const satisfies Readonly<Record<string, { keyType: KeyType; scheme: SchemeName }>>
export type SignatureType = keyof typeof signatureTypes
export const signatureTypeNames = Object.keys(signatureTypes) as [SignatureType, ...SignatureType[]]

/** @throws Error for a scheme that no row has */
export function signatureTypeOf(scheme: SchemeName): SignatureType {
  const name = signatureTypeNames.find((one) => signatureTypes[one].scheme === scheme)
  if (name === undefined) throw new Error(`no key of the key service signs with ${scheme}`)
  return name
}
