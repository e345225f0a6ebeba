import { hash } from 'node:crypto'

/** As many as make the order look like no order (a Feistel network; Luby and Rackoff: four, with independent rounds). */
const ROUNDS = 6
export const SHUFFLE_OCTETS = 32

/**
 * The index that the entry with this position gets: each position of a list another one, in an order that nobody knows who
 * has not the list's key. So an index says nothing of when its credential was issued, and no two are the same.
 * @param position from 0, below `length`
 */
export function shuffled(
  position: number,
  { key, length }: { readonly key: Buffer; readonly length: number },
): number {
  // The network shuffles 0 … 4^halfBits - 1; where it leads past the end, it is gone through again (cycle walking).
  const halfBits = Math.ceil(Math.log2(length) / 2)
  let index = position
  do index = permuted(index, key, halfBits)
  while (index >= length)
  return index
}

function permuted(value: number, key: Buffer, halfBits: number): number {
  const mask = 2 ** halfBits - 1
  let left = Math.floor(value / 2 ** halfBits)
  let right = value & mask
  // A keyed function of inputs of one length: the key stands before them.
  const input = Buffer.concat([key, Buffer.alloc(5)])
  for (let round = 0; round < ROUNDS; round++) {
    input[key.length] = round
    input.writeUInt32BE(right, key.length + 1)
    const next = (left ^ hash('sha256', input, 'buffer').readUInt32BE()) & mask
    left = right
    right = next
  }
  return left * 2 ** halfBits + right
}
