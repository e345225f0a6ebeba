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
  const each = LENGTH + 16
  const array = start(OID.uuid, values.length, each * values.length)
  values.forEach((value, index) => {
    const at = HEADER + index * each
    array.writeInt32BE(16, at)
    if (array.write(value.replace(dash, ''), at + LENGTH, 'hex') !== 16) throw new Error('not a UUID')
  })
  return array
}

/** int4[] */
export function integers(values: readonly number[]): Buffer {
  const each = LENGTH + 4
  const array = start(OID.int4, values.length, each * values.length)
  values.forEach((value, index) => {
    const at = HEADER + index * each
    array.writeInt32BE(4, at)
    array.writeInt32BE(value, at + LENGTH)
  })
  return array
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
