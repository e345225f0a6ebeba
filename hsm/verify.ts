/** Whether a signature is good, by the public key of the key's record and outside the token that made it. */
import { constants, createPublicKey, createVerify, publicDecrypt, verify, type KeyObject } from 'node:crypto'
import { keyTypes, type HashRow, type KeyType, type SchemeRow } from './algorithms.ts'
import { isPssEncoded, pkcs1Encoded } from './emsa.ts'
import { TokenError } from './errors.ts'
import { byParts } from './parts.ts'

/** Public keys kept parsed: parsing one costs as much as verifying with it. */
const MAX_KEYS = 5_000

/** Parsed public keys, by their octets. */
export class PublicKeys {
  readonly #keys = new Map<string, KeyObject>()

  /** @throws TokenError 'refused' for what is no SubjectPublicKeyInfo. */
  get(spki: Buffer): KeyObject {
    const name = spki.toString('latin1')
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const key = parse(spki)
    this.#keys.set(name, key)
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= MAX_KEYS) break
      this.#keys.delete(oldest)
    }
    return key
  }
}

function parse(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new TokenError('refused', "The record's public key is none.", { reason: 'key', cause })
  }
}

/** A signature over a whole message. */
export function verifiesMessage(
  key: KeyObject,
  scheme: SchemeRow,
  it: { message: Buffer; signature: Buffer },
): boolean {
  return attempt(() => verify(scheme.hash?.node ?? null, it.message, encoding(key, scheme), it.signature))
}

/** The same for one that is long, by a scheme that hashes: others have their turns meanwhile. */
export async function verifiesLongMessage(
  key: KeyObject,
  { scheme, hash }: { readonly scheme: SchemeRow; readonly hash: HashRow },
  it: { message: Buffer; signature: Buffer },
): Promise<boolean> {
  const verifier = createVerify(hash.node)
  await byParts(it.message, (part) => verifier.update(part))
  return attempt(() => verifier.verify(encoding(key, scheme), it.signature))
}

/** How the signature is encoded, as the scheme says. */
function encoding(key: KeyObject, { padding, hash }: SchemeRow) {
  return {
    key,
    dsaEncoding: 'ieee-p1363' as const,
    ...(padding === 'pss' && hash !== undefined
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hash.length }
      : {}),
  }
}

/** An RSA signature over a digest. Node can verify messages only, so the public operation is taken apart. */
export function verifiesRsaDigest(
  r: { key: KeyObject; keyType: KeyType; scheme: SchemeRow; hash: HashRow },
  it: { digest: Buffer; signature: Buffer },
): boolean {
  const { bits } = keyTypes[r.keyType]
  if (it.signature.length !== bits / 8 || it.digest.length !== r.hash.length) return false
  return attempt(() => {
    const encoded = publicDecrypt({ key: r.key, padding: constants.RSA_NO_PADDING }, it.signature)
    return r.scheme.padding === 'pss'
      ? isPssEncoded(r.hash, it.digest, { encoded, bits })
      : encoded.equals(pkcs1Encoded(r.hash, it.digest, encoded.length))
  })
}

/** OpenSSL throws for a signature that is out of range, instead of saying no. */
function attempt(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
