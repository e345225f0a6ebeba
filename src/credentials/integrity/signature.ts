import { createPublicKey, verify } from 'node:crypto'
import { keyTypes, schemes, type HashRow, type KeyType, type SchemeRow } from '../../../hsm/algorithms.ts'
import { Refusal } from '../../refusal.ts'
import type { CredentialKey, VerificationKey } from '../credentialKey.ts'

/** What the suites know of a key: ECDSA with the hash of the curve's size, and Ed25519, which has one of its own inside. */
interface Means {
  readonly scheme: SchemeRow
  /** Of documents and proofs; SHA-256 beside Ed25519 (vc-di-eddsa 1.0, 3). */
  readonly hash: 'sha256' | 'sha384'
}

const MEANS: Readonly<Partial<Record<KeyType, Means>>> = {
  Ed25519: { scheme: schemes.ed25519, hash: 'sha256' },
  'P-256': { scheme: schemes['ecdsa-sha256'], hash: 'sha256' },
  'P-384': { scheme: schemes['ecdsa-sha384'], hash: 'sha384' },
}

function meansOf(keyType: KeyType): Means {
  const means = MEANS[keyType]
  if (means === undefined) throw new Error(`no suite is for keys of type ${keyType}`)
  return means
}

export const hashOf = (keyType: KeyType): HashRow['node'] & Means['hash'] => meansOf(keyType).hash

/**
 * Signs with the key, which hashes once on the way.
 * @returns r ‖ s, or Ed25519's 64 octets
 * @throws Refusal, also for a key whose scheme hashes otherwise than its suites do
 */
export async function signed(key: CredentialKey, octets: Buffer): Promise<Buffer> {
  const { scheme } = meansOf(key.keyType)
  if (key.scheme !== scheme.name)
    throw new Refusal(
      'invalid_request',
      `keys of type ${key.keyType} sign Data Integrity proofs by ${scheme.name}`,
    )
  const signature = await key.sign(octets)
  if (signature.length !== keyTypes[key.keyType].signatureLength)
    throw new Error('the key has answered a signature of another length')
  return signature
}

/** Whether this is the key's signature over these octets. */
export function isSigned(key: VerificationKey, octets: Buffer, signature: Buffer): boolean {
  const { scheme } = meansOf(key.keyType)
  if (signature.length !== keyTypes[key.keyType].signatureLength) return false
  if (key.scheme !== undefined && key.scheme !== scheme.name) return false
  const publicKey = createPublicKey({ key: key.spki, format: 'der', type: 'spki' })
  return verify(scheme.hash?.node ?? null, octets, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}
