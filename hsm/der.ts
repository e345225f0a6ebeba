/** The few bits of DER that public keys need; src/der/write.ts has what certificates need beyond them. */
import { keyTypes, type KeyType, type KeyTypeRow } from './algorithms.ts'

const TAG = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const

/** Tag, length and value. */
export function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  return Buffer.concat([derHeader(tag, value.length), value])
}

/** What stands before a value of this length. */
export function derHeader(tag: number, length: number): Buffer {
  return Buffer.concat([Buffer.from([tag]), derLength(length)])
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets = length.toString(16)
  const value = Buffer.from(octets.padStart(octets.length + (octets.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | value.length]), value])
}

/** A non-negative INTEGER from its magnitude: without leading zeros, and positive (X.690, 8.3). */
export function integer(magnitude: Buffer): Buffer {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const value = magnitude.subarray(start)
  const first = value[0] ?? 0
  return first < 0x80 ? tlv(TAG.INTEGER, value) : tlv(TAG.INTEGER, Buffer.from([0]), value)
}

/** From its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(TAG.OID, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(arc: number): number[] {
  const octets = [arc & 0x7f]
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
    octets.unshift(0x80 | (left & 0x7f))
  }
  return octets
}

/** Of whole octets. */
export const bitString = (value: Buffer): Buffer => tlv(TAG.BIT_STRING, Buffer.from([0]), value)

/** SubjectPublicKeyInfo of an RSA key (RFC 3279, 2.3.1). */
export function rsaSpki(row: KeyTypeRow, modulus: Buffer, exponent: Buffer): Buffer {
  const algorithm = tlv(TAG.SEQUENCE, oid(row.oid), tlv(TAG.NULL))
  return tlv(TAG.SEQUENCE, algorithm, bitString(tlv(TAG.SEQUENCE, integer(modulus), integer(exponent))))
}

/**
 * SubjectPublicKeyInfo of a key on a curve (RFC 5480, RFC 8410).
 * @param ecPoint CKA_EC_POINT: a DER OCTET STRING over the point, or, from some makes, the bare point.
 * @returns undefined if it is neither.
 */
export function curveSpki(row: KeyTypeRow, ecPoint: Buffer): Buffer | undefined {
  const length = row.curve === undefined ? 32 : 1 + 2 * row.curve.size
  const wrapped = tlv(TAG.OCTET_STRING, ecPoint.subarray(-length))
  const isPoint = ecPoint.length === length || (ecPoint.length > length && ecPoint.equals(wrapped))
  if (!isPoint) return undefined
  const point = ecPoint.subarray(-length)
  if (row.curve === undefined) return tlv(TAG.SEQUENCE, tlv(TAG.SEQUENCE, oid(row.oid)), bitString(point))
  if (point[0] !== 0x04) return undefined
  return tlv(TAG.SEQUENCE, tlv(TAG.SEQUENCE, oid(row.oid), row.curve.params), bitString(point))
}

/** The pieces of a public key that a token wants for a key object: what rsaSpki and curveSpki were made from. */
export type PublicParts =
  | { readonly row: KeyTypeRow; readonly modulus: Buffer; readonly exponent: Buffer }
  | { readonly row: KeyTypeRow; readonly ecPoint: Buffer }

/**
 * Takes a SubjectPublicKeyInfo of a row of the table apart. Only the exact DER that this file makes is accepted.
 * @returns undefined for anything else.
 */
export function publicParts(spki: Buffer, keyType: KeyType): PublicParts | undefined {
  const row = keyTypes[keyType]
  if (row.family === 'RSA') return rsaParts(spki, row)
  const length = row.curve === undefined ? 32 : 1 + 2 * row.curve.size
  const point = Buffer.from(spki.subarray(-length))
  if (curveSpki(row, point)?.equals(spki) !== true) return undefined
  return { row, ecPoint: tlv(TAG.OCTET_STRING, point) }
}

const EXPONENT = Buffer.from('010001', 'hex')

function rsaParts(spki: Buffer, row: KeyTypeRow): PublicParts | undefined {
  // The modulus is followed by the INTEGER 65537: five octets.
  const modulus = Buffer.from(spki.subarray(-(row.bits / 8) - 5, -5))
  if (!rsaSpki(row, modulus, EXPONENT).equals(spki) || (modulus[0] ?? 0) < 0x80) return undefined
  return { row, modulus, exponent: EXPONENT }
}

/** Begins as a DER SEQUENCE whose length is exactly what follows (X.690, 8.1.3): a TBSCertificate, a ResponseData. */
export function isDerSequence(message: Buffer): boolean {
  return isDer(message, { tag: TAG.SEQUENCE, whole: message.length })
}

/** The same of a message of `whole` octets, by those that it begins with. */
export function beginsDerSequence(head: Buffer, whole: number): boolean {
  return isDer(head, { tag: TAG.SEQUENCE, whole })
}

/** The same of a SET: the signed attributes of a SignedData, as they are signed. None of them is a SEQUENCE. */
export function isDerSet(message: Buffer): boolean {
  return isDer(message, { tag: TAG.SET, whole: message.length })
}

function isDer(head: Buffer, { tag, whole }: { readonly tag: number; readonly whole: number }): boolean {
  if (head[0] !== tag) return false
  const first = head[1] ?? 0
  const octets = first < 0x80 ? 0 : first & 0x7f
  if (octets > 4 || head.length < 2 + octets) return false
  const length = octets === 0 ? first : head.readUIntBE(2, octets)
  return (
    (octets > 0 || first < 0x80) && derLength(length).length === 1 + octets && whole === 2 + octets + length
  )
}
