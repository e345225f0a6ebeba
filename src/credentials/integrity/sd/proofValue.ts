import { fromCbor, isTagged, toCbor, type Cbor } from '../../../signing/cbor.ts'
import { Flaw } from '../../../signing/flaw.ts'
import { fromMultibase, toMultibase } from '../../multibase.ts'

/** CBOR tags 0x5d00 and 0x5d01 (vc-di-ecdsa 1.0, 3.5.2 and 3.5.7). */
const BASE = 0x5d00
const DERIVED = 0x5d01

/** Octets of a signature, of a Multikey of P-256, and of a key and value of HMAC. */
const SIGNATURE = 64
const PUBLIC_KEY = 35
const MAC = 32

/** What an issuer hands to the holder, who alone may know it: by the HMAC key, statements can be guessed. */
export interface BaseProof {
  readonly baseSignature: Buffer
  readonly publicKey: Buffer
  readonly hmacKey: Buffer
  readonly signatures: readonly Buffer[]
  readonly mandatoryPointers: readonly string[]
}

/** What a holder shows. */
export interface DerivedProof {
  readonly baseSignature: Buffer
  readonly publicKey: Buffer
  readonly signatures: readonly Buffer[]
  /** From the number of a canonical label, such as 0 of c14n0, to the HMAC that is its label. */
  readonly labels: ReadonlyMap<number, Buffer>
  readonly mandatoryIndexes: readonly number[]
}

export function baseProofValue(proof: BaseProof): string {
  const { baseSignature, publicKey, hmacKey, signatures, mandatoryPointers } = proof
  const value = [baseSignature, publicKey, hmacKey, signatures, mandatoryPointers]
  return toMultibase('u', toCbor({ tag: BASE, value }))
}

export function derivedProofValue(proof: DerivedProof): string {
  const { baseSignature, publicKey, signatures, labels, mandatoryIndexes } = proof
  const value = [baseSignature, publicKey, signatures, labels, mandatoryIndexes]
  return toMultibase('u', toCbor({ tag: DERIVED, value }))
}

/** @throws Flaw */
export function readBaseProof(proofValue: string): BaseProof {
  const [baseSignature, publicKey, hmacKey, signatures, mandatoryPointers, ...more] = parts(proofValue, BASE)
  if (
    !isOctets(baseSignature, SIGNATURE) ||
    !isOctets(publicKey, PUBLIC_KEY) ||
    !isOctets(hmacKey, MAC) ||
    !isList(signatures, (item) => isOctets(item, SIGNATURE)) ||
    !isList(mandatoryPointers, (item) => typeof item === 'string') ||
    more.length > 0
  )
    throw malformed()
  return { baseSignature, publicKey, hmacKey, signatures, mandatoryPointers }
}

/** @throws Flaw */
export function readDerivedProof(proofValue: string): DerivedProof {
  const [baseSignature, publicKey, signatures, labels, mandatoryIndexes, ...more] = parts(proofValue, DERIVED)
  if (
    !isOctets(baseSignature, SIGNATURE) ||
    !isOctets(publicKey, PUBLIC_KEY) ||
    !isList(signatures, (item) => isOctets(item, SIGNATURE)) ||
    !isLabels(labels) ||
    !isList(mandatoryIndexes, isIndex) ||
    new Set(mandatoryIndexes).size !== mandatoryIndexes.length ||
    more.length > 0
  )
    throw malformed()
  return { baseSignature, publicKey, signatures, labels, mandatoryIndexes }
}

function parts(proofValue: string, tag: number): readonly Cbor[] {
  const octets = fromMultibase(proofValue, ['u'])
  if (octets === undefined) throw new Flaw('proof-malformed', 'proofValue: is not written in base64url')
  const tagged = fromCbor(octets)
  if (!isTagged(tagged) || !Array.isArray(tagged.value)) throw malformed()
  if (tag === DERIVED && tagged.tag === BASE)
    throw new Flaw(
      'base-proof',
      'proofValue: is for the holder, who derives from it what a verifier can judge',
    )
  if (tagged.tag !== tag) throw malformed()
  return tagged.value as readonly Cbor[]
}

const malformed = (): Flaw => new Flaw('proof-malformed', 'proofValue: is none of ecdsa-sd-2023')
const isOctets = (value: unknown, length: number): value is Buffer =>
  Buffer.isBuffer(value) && value.length === length
const isList = <Item>(value: unknown, isItem: (item: Cbor) => item is Cbor & Item): value is Item[] =>
  Array.isArray(value) && (value as Cbor[]).every(isItem)

/** Each blank node has a label of its own: with one label, one that was signed could be shown as several (3.5.8). */
function isLabels(value: unknown): value is ReadonlyMap<number, Buffer> {
  if (!(value instanceof Map)) return false
  const entries = [...(value as ReadonlyMap<unknown, unknown>)]
  const texts = entries.map(([, label]) => (isOctets(label, MAC) ? label.toString('latin1') : undefined))
  return (
    entries.every(([number]) => isIndex(number)) &&
    !texts.includes(undefined) &&
    new Set(texts).size === texts.length
  )
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
