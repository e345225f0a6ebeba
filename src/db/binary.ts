/**
 * PostgreSQL's binary arrays (src/backend/utils/adt/arrayfuncs.c, array_recv), of one dimension. As text, each element
 * of a bytea[] is written in hex, quoted and parsed again on the other side: most of what a group commit would cost.
 */

/** pg_type.oid, fixed by PostgreSQL. */
const OID = { bytea: 17, int4: 23, text: 25, uuid: 2950 } as const
const HEADER = 20
const LENGTH = 4

const dash = /-/g

/** uuid[] */
export function uuids(values: readonly string[]): Buffer {
  return ofFixed({ oid: OID.uuid, size: 16 }, values, (array, at, value) => {
    if (array.write(value.replace(dash, ''), at, 'hex') !== 16) throw new Error('not a UUID')
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
  return ofOctets(
    OID.text,
    values.map((value) => Buffer.from(value, 'utf8')),
  )
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
