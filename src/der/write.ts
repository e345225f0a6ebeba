/** DER (X.690, 10 and 11) beyond what public keys need: what certificates, lists, answers and timestamps are written with. */
import { integer, oid, tlv } from '../../hsm/der.ts'
import { TAG } from './tags.ts'

export const sequence = (...parts: readonly Buffer[]): Buffer => tlv(TAG.SEQUENCE, ...parts)
export const octetString = (value: Buffer): Buffer => tlv(TAG.OCTET_STRING, value)
export const utf8String = (text: string): Buffer => tlv(TAG.UTF8_STRING, Buffer.from(text, 'utf8'))
export const derNull: Buffer = tlv(TAG.NULL)

/** Only TRUE is ever written: FALSE is the default wherever certificates have a BOOLEAN (X.690, 11.5). */
export const derTrue: Buffer = tlv(TAG.BOOLEAN, Buffer.from([0xff]))

/** SET OF: the elements in the order of their encodings (X.690, 11.6). */
export function setOf(...parts: readonly Buffer[]): Buffer {
  return tlv(TAG.SET, ...[...parts].sort((a, b) => Buffer.compare(a, b)))
}

/** [n] EXPLICIT, or [n] IMPLICIT over what is constructed when the parts are the contents. */
export const context = (n: number, ...parts: readonly Buffer[]): Buffer => tlv(TAG.context(n), ...parts)

/** [n] IMPLICIT over a primitive type: its contents octets. */
export const primitive = (n: number, value: Buffer): Buffer => tlv(TAG.primitive(n), value)

/** @param value whole and not negative */
export function smallInteger(value: number): Buffer {
  const octets = value.toString(16)
  return integer(Buffer.from(octets.padStart(octets.length + (octets.length % 2), '0'), 'hex'))
}

export const enumerated = (value: number): Buffer => tlv(TAG.ENUMERATED, Buffer.from([value]))

const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/

/** @throws Error on a character that X.680, 41.4 does not have */
export function printableString(text: string): Buffer {
  if (!PRINTABLE.test(text)) throw new Error('not a PrintableString')
  return tlv(TAG.PRINTABLE_STRING, Buffer.from(text, 'ascii'))
}

const IA5 = /^[\x00-\x7f]*$/

/** @throws Error on anything beyond ASCII */
export function ia5String(text: string): Buffer {
  if (!IA5.test(text)) throw new Error('not an IA5String')
  return tlv(TAG.IA5_STRING, Buffer.from(text, 'ascii'))
}

/** To the second, in UTC (RFC 5280, 4.1.2.5.2). */
export function generalizedTime(time: Date): Buffer {
  return tlv(TAG.GENERALIZED_TIME, Buffer.from(`${stamp(time)}Z`, 'ascii'))
}

/** Time of certificates and lists: UTCTime through 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function certificateTime(time: Date): Buffer {
  const year = time.getUTCFullYear()
  if (year < 1950 || year > 2049) return generalizedTime(time)
  return tlv(TAG.UTC_TIME, Buffer.from(`${stamp(time).slice(2)}Z`, 'ascii'))
}

/** YYYYMMDDHHMMSS */
function stamp(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')
}

/** Named bits, the first one highest, without trailing zeros (X.690, 11.2.2). @param bits numbers of those that are set */
export function namedBits(bits: readonly number[]): Buffer {
  const last = Math.max(-1, ...bits)
  const octets = Buffer.alloc(Math.ceil((last + 1) / 8))
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return tlv(TAG.BIT_STRING, Buffer.from([octets.length === 0 ? 0 : 7 - (last & 7)]), octets)
}

/** Extension (RFC 5280, 4.1). @param value DER of what the extension holds */
export function extension(id: string, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(oid(id), ...(critical ? [derTrue] : []), octetString(value))
}
