/** Public keys as octets behind a multicodec (Controlled Identifiers 1.0, 2.2.2; did:key, 3.1). */
import { createPublicKey, ECDH } from 'node:crypto'
import { keyTypes, type KeyType } from '../../hsm/algorithms.ts'
import { curveSpki } from '../../hsm/der.ts'
import { keyTypeOf, type PublicKey } from './jwk.ts'
import { fromMultibase, toMultibase } from './multibase.ts'

interface Codec {
  /** Unsigned varint, as octets. */
  readonly prefix: Buffer
  /** Octets of the key: of one curve's points, which are compressed; RSA keys have many lengths. */
  readonly length?: number
  readonly curve?: { readonly keyType: KeyType; readonly node: string }
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const RSA = { prefix: hex('8524') } satisfies Codec
const ED25519 = { prefix: hex('ed01'), length: 32 } satisfies Codec

/** TABLE: ed25519-pub 0xed, p256-pub 0x1200, p384-pub 0x1201, p521-pub 0x1202, rsa-pub 0x1205. */
const codecs: readonly Codec[] = [
  ED25519,
  { prefix: hex('8024'), length: 33, curve: { keyType: 'P-256', node: 'prime256v1' } },
  { prefix: hex('8124'), length: 49, curve: { keyType: 'P-384', node: 'secp384r1' } },
  { prefix: hex('8224'), length: 67, curve: { keyType: 'P-521', node: 'secp521r1' } },
  RSA,
]

/** Why octets are no key: in the words of did:key. */
export type KeyFault =
  'invalidDid' | 'unsupportedPublicKeyType' | 'invalidPublicKeyLength' | 'invalidPublicKey'

/** publicKeyMultibase: always base58btc. */
export function multikeyOf({ keyType, spki }: Pick<PublicKey, 'keyType' | 'spki'>): string {
  const { family, curve } = keyTypes[keyType]
  if (family === 'RSA') return toMultibase('z', Buffer.concat([RSA.prefix, rsaOf(spki)]))
  if (curve === undefined)
    return toMultibase('z', Buffer.concat([ED25519.prefix, spki.subarray(-ED25519.length)]))
  const codec = codecs.find((row) => row.curve?.keyType === keyType)
  if (codec?.curve === undefined) throw new Error(`no multicodec of ${keyType}`)
  const point = ECDH.convertKey(
    spki.subarray(-1 - 2 * curve.size),
    codec.curve.node,
    undefined,
    undefined,
    'compressed',
  )
  return toMultibase('z', Buffer.concat([codec.prefix, point as Buffer]))
}

const rsaOf = (spki: Buffer): Buffer =>
  createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'der', type: 'pkcs1' })

export function keyOfMultikey(text: string): PublicKey | KeyFault {
  const octets = fromMultibase(text, ['z'])
  if (octets === undefined) return 'invalidDid'
  const codec = codecs.find(({ prefix }) => octets.subarray(0, prefix.length).equals(prefix))
  if (codec === undefined) return 'unsupportedPublicKeyType'
  const key = octets.subarray(codec.prefix.length)
  if (codec.length !== undefined && key.length !== codec.length) return 'invalidPublicKeyLength'
  const spki = spkiOf(codec, key)
  const keyType = spki && keyTypeOf(spki)
  return spki === undefined || keyType === undefined ? 'invalidPublicKey' : { keyType, spki }
}

/** Undefined for a point that is none of the curve, and for what is no RSA key. */
function spkiOf(codec: Codec, key: Buffer): Buffer | undefined {
  const { curve } = codec
  try {
    if (curve !== undefined) {
      const point = ECDH.convertKey(key, curve.node, undefined, undefined, 'uncompressed') as Buffer
      return curveSpki(keyTypes[curve.keyType], point)
    }
    if (codec === ED25519) return curveSpki(keyTypes.Ed25519, key)
    const parsed = createPublicKey({ key, format: 'der', type: 'pkcs1' })
    // One key is written in one way: octets behind it, or other lengths, would be another DID.
    return rsaOf(parsed.export({ format: 'der', type: 'spki' })).equals(key)
      ? parsed.export({ format: 'der', type: 'spki' })
      : undefined
  } catch {
    return undefined
  }
}
