/**
 * PostgreSQL's binary arrays (src/backend/utils/adt/arrayfuncs.c, array_recv), of one dimension. As text, each element
 * of a bytea[] is written in hex, quoted and parsed again on the other side: most of what a group commit would cost.
 */

/** pg_type.oid, fixed by PostgreSQL. */
const OID = { bytea: 17, int4: 23, text: 25, timestamptz: 1184, uuid: 2950 } as const
const HEADER = 20
const LENGTH = 4

/** uuid[] */
export function uuids(values: readonly string[]): Buffer {
  return ofFixed({ oid: OID.uuid, size: 16 }, values, writeUuid)
}

/** Characters of a UUID. */
const UUID = 36
const DASH = '-'.charCodeAt(0)
const isDashed = (at: number): boolean => at === 8 || at === 13 || at === 18 || at === 23
/** By character code; above 15: no digit. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? 0xff : digit
})

function writeUuid(array: Buffer, at: number, value: string): void {
  let isGood = value.length === UUID
  let to = at
  for (let from = 0; isGood && from < UUID; from++) {
    if (isDashed(from)) isGood = value.charCodeAt(from) === DASH
    else {
      const high = DIGITS[value.charCodeAt(from)] ?? 0xff
      const low = DIGITS[value.charCodeAt(++from)] ?? 0xff
      isGood = (high | low) < 16
      array[to++] = (high << 4) | low
    }
  }
  if (!isGood) throw new Error('not a UUID')
}

/** Milliseconds from 1970 to 2000, where PostgreSQL's times begin. */
const EPOCH_MS = Date.UTC(2000, 0, 1)

/** timestamptz[] */
export function times(values: readonly Date[]): Buffer {
  return ofFixed({ oid: OID.timestamptz, size: 8 }, values, (array, at, value) => {
    const microseconds = (value.getTime() - EPOCH_MS) * 1000
    array.writeInt32BE(Math.floor(microseconds / 2 ** 32), at)
    array.writeUInt32BE(((microseconds % 2 ** 32) + 2 ** 32) % 2 ** 32, at + 4)
  })
}

/** int4[] */
export function integers(values: readonly number[]): Buffer {
  return ofFixed({ oid: OID.int4, size: 4 }, values, (array, at, value) => {
    array.writeInt32BE(value, at)
  })
}

/** bytea[] */
export function byteas(values: readonly Buffer[]): Buffer {
  return ofOctets(OID.bytea, values)
}

/** text[] */
export function texts(values: readonly string[]): Buffer {
  let octets = 0
  for (const value of values) octets += LENGTH + Buffer.byteLength(value, 'utf8')
  const array = start(OID.text, values.length, octets)
  let at = HEADER
  for (const value of values) {
    const length = array.write(value, at + LENGTH, 'utf8')
    array.writeInt32BE(length, at)
    at += LENGTH + length
  }
  return array
}

/** @param write puts one element to a place of the array */
function ofFixed<T>(
  type: { readonly oid: number; readonly size: number },
  values: readonly T[],
  write: (array: Buffer, at: number, value: T) => void,
): Buffer {
  const each = LENGTH + type.size
  const array = start(type.oid, values.length, each * values.length)
  values.forEach((value, index) => {
    const at = array.writeInt32BE(type.size, HEADER + index * each)
    write(array, at, value)
  })
  return array
}

function ofOctets(oid: number, values: readonly Buffer[]): Buffer {
  let octets = 0
  for (const value of values) octets += LENGTH + value.length
  const array = start(oid, values.length, octets)
  let at = HEADER
  for (const value of values) {
    at = array.writeInt32BE(value.length, at)
    at += value.copy(array, at)
  }
  return array
}

/** Dimensions, no nulls, element type, length of the dimension, lower bound; then the elements. */
function start(oid: number, length: number, octets: number): Buffer {
  const array = Buffer.allocUnsafe(HEADER + octets)
  array.writeInt32BE(1, 0)
  array.writeInt32BE(0, 4)
  array.writeInt32BE(oid, 8)
  array.writeInt32BE(length, 12)
  array.writeInt32BE(1, 16)
  return array
}
