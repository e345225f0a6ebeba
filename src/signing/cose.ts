/** COSE_Sign1 (RFC 9052, 4.2), assembled here as compact JWS is. */
import { isNamed, schemes } from '../../hsm/algorithms.ts'
import { Refusal } from '../refusal.ts'
import { fromCbor, isMap, isTagged, toCbor, type Cbor, type CborMap } from './cbor.ts'
import { Flaw } from './flaw.ts'
import { checkSignature, type Signer, type Verifier } from './jws.ts'

/** Labels of header parameters (RFC 9052, 3.1; RFC 9360; RFC 9596; RFC 9597). */
export const LABEL = {
  alg: 1,
  crit: 2,
  contentType: 3,
  kid: 4,
  claims: 15,
  typ: 16,
  x5chain: 33,
  x5u: 35,
} as const
const SIGN1 = 18
const LENGTH_MAX = 8 * 1024 * 1024

export interface Sign1 {
  /** Header parameters that are signed, and those that are not: no label is in both. */
  readonly protectedHeader: CborMap
  readonly unprotectedHeader: CborMap
  readonly payload: Buffer
  readonly signingInput: Buffer
  readonly signature: Buffer
}

/** Sig_structure (RFC 9052, 4.4). */
const sigStructure = (header: Buffer, payload: Buffer): Buffer =>
  toCbor(['Signature1', header, Buffer.alloc(0), payload])

/**
 * Signs once, over the Sig_structure; all header parameters are protected.
 * @param header without `alg`, which the key decides
 * @throws Refusal; 'algorithm_not_allowed' where COSE has no name for the key with its scheme
 */
export async function signSign1(key: Signer, header: CborMap, payload: Buffer): Promise<Buffer> {
  const scheme = schemes[key.scheme]
  if (!isNamed(key.keyType, scheme)) {
    throw new Refusal('algorithm_not_allowed', `COSE has no name for ${key.scheme} with a ${key.keyType} key`)
  }
  const octets = toCbor(new Map<number | string, Cbor>([[LABEL.alg, scheme.cose[0]], ...header]))
  const signature = await key.sign(sigStructure(octets, payload))
  return toCbor({ tag: SIGN1, value: [octets, new Map(), payload, signature] })
}

/**
 * Takes a COSE_Sign1 apart, tagged or not; nothing of it is believed yet.
 * @throws Flaw 'malformed' or 'header-not-supported'
 */
export function readSign1(octets: Buffer): Sign1 {
  const malformed = new Flaw('malformed', 'This is no COSE_Sign1 with its payload in it')
  if (octets.length > LENGTH_MAX) throw malformed
  const item = fromCbor(octets)
  const parts = isTagged(item) && item.tag === SIGN1 ? item.value : item
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed
  const [header, unprotectedHeader, payload, signature] = parts as readonly Cbor[]
  if (
    !Buffer.isBuffer(header) ||
    !isMap(unprotectedHeader) ||
    !Buffer.isBuffer(payload) ||
    !Buffer.isBuffer(signature)
  )
    throw malformed
  const protectedHeader = header.length === 0 ? new Map<number, Cbor>() : fromCbor(header)
  if (!isMap(protectedHeader) || [...protectedHeader.keys()].some((label) => unprotectedHeader.has(label)))
    throw malformed
  if (protectedHeader.has(LABEL.crit) || unprotectedHeader.has(LABEL.crit))
    throw new Flaw('header-not-supported', 'crit: nothing is understood that must be (RFC 9052, 3.1)')
  return {
    protectedHeader,
    unprotectedHeader,
    payload,
    signature,
    signingInput: sigStructure(header, payload),
  }
}

/** Whether a key made the signature. @throws Flaw 'algorithm-not-allowed' or 'signature-invalid' */
export function checkSign1({ protectedHeader, signingInput, signature }: Sign1, key: Verifier): void {
  const alg = protectedHeader.get(LABEL.alg)
  checkSignature(key, typeof alg === 'number' ? alg : undefined, { message: signingInput, signature })
}
