/** DER of ECDSA signatures: the token gives r ‖ s (PKCS#11), CSC, X.509 and CMS want Ecdsa-Sig-Value (RFC 3279, 2.2.3). */

const SEQUENCE = 0x30
const INTEGER = 0x02

/** r ‖ s of fixed width → DER SEQUENCE of two minimal INTEGERs. */
export function ecdsaToDer(raw: Buffer): Buffer {
  const half = raw.length / 2
  if (!Number.isInteger(half) || half === 0) throw new Error('an ECDSA signature is r and s of one width')
  const [r, s] = [minimal(raw.subarray(0, half)), minimal(raw.subarray(half))]
  const length = integerLength(r) + integerLength(s)
  const head = lengthOf(length)
  const der = Buffer.allocUnsafe(1 + head.length + length)
  der[0] = SEQUENCE
  head.copy(der, 1)
  writeInteger(der, writeInteger(der, 1 + head.length, r), s)
  return der
}

/** DER → r ‖ s, each `size` octets. @throws Error on anything that is not minimal DER of two positive INTEGERs. */
export function ecdsaFromDer(der: Buffer, size: number): Buffer {
  const sequence = element(der, SEQUENCE)
  if (sequence.rest.length > 0) throw new Error('octets after the signature')
  const r = element(sequence.value, INTEGER)
  const s = element(r.rest, INTEGER)
  if (s.rest.length > 0) throw new Error('octets after s')
  return Buffer.concat([fixed(r.value, size), fixed(s.value, size)])
}

/** Without leading zeros, but for a number that is zero. */
function minimal(unsigned: Buffer): Buffer {
  let start = 0
  while (start < unsigned.length - 1 && unsigned[start] === 0) start++
  return unsigned.subarray(start)
}

/** A first octet with its high bit set would make the number negative. */
const needsZero = (magnitude: Buffer): boolean => (magnitude[0] ?? 0) >= 0x80

/** Tag, length (below 128 for every curve) and value. */
const integerLength = (magnitude: Buffer): number => 2 + magnitude.length + (needsZero(magnitude) ? 1 : 0)

function writeInteger(der: Buffer, at: number, magnitude: Buffer): number {
  const zero = needsZero(magnitude) ? 1 : 0
  der[at] = INTEGER
  der[at + 1] = magnitude.length + zero
  der[at + 2] = 0
  return at + 2 + zero + magnitude.copy(der, at + 2 + zero)
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  if (length > 0xff) throw new Error('longer than any ECDSA signature')
  return Buffer.from([0x81, length])
}

function element(der: Buffer, tag: number): { value: Buffer; rest: Buffer } {
  const [actual, first = 0, second = 0] = der
  const long = first === 0x81
  const length = long ? second : first
  const start = long ? 3 : 2
  const minimal = long ? length >= 0x80 : first < 0x80
  if (actual !== tag || !minimal || der.length < start + length)
    throw new Error('not an ECDSA signature in DER')
  return { value: der.subarray(start, start + length), rest: der.subarray(start + length) }
}

function fixed(value: Buffer, size: number): Buffer {
  const [first, second] = value
  if (first === undefined || first >= 0x80) throw new Error('r and s are positive')
  if (first === 0 && (second ?? 0) < 0x80) throw new Error('r and s are minimal and not zero')
  const magnitude = first === 0 ? value.subarray(1) : value
  if (magnitude.length > size) throw new Error('r or s is too long for the curve')
  return Buffer.concat([Buffer.alloc(size - magnitude.length), magnitude])
}
