import { createHash } from 'node:crypto'

/** Octets from a seed: the same inputs for the same seed, on every machine. */
export class Dice {
  readonly #seed: string
  #block = Buffer.alloc(0)
  #at = 0
  #count = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  /** A whole number below this one. */
  below(limit: number): number {
    if (this.#at + 4 > this.#block.length) {
      this.#block = createHash('sha512')
        .update(`${this.#seed} ${String(this.#count++)}`)
        .digest()
      this.#at = 0
    }
    const value = this.#block.readUInt32BE(this.#at)
    this.#at += 4
    return value % limit
  }

  octets(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  of<T>(all: readonly T[]): T {
    const one = all[this.below(all.length)]
    if (one === undefined) throw new Error('nothing to choose from')
    return one
  }
}

/** Octets that parsers of DER stumble over: lengths of all forms, tags of all classes, ends of ranges. */
const AWKWARD = [
  0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x0a, 0x1f, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xa0, 0xa2,
  0xff,
]
const MAX_CHANGES = 4
const LONGEST = 40_000

type Change = (input: Buffer, dice: Dice, seeds: readonly Buffer[]) => Buffer

const at = (input: Buffer, dice: Dice): number => dice.below(input.length + 1)
const put = (piece: Buffer, input: Buffer, from: number): Buffer =>
  Buffer.concat([input.subarray(0, from), piece, input.subarray(from)])

/** TABLE of what is done to an input. */
const changes: readonly Change[] = [
  // One bit, one octet, an awkward one.
  (input, dice) => replaced(input, dice, (octet) => octet ^ (1 << dice.below(8))),
  (input, dice) => replaced(input, dice, () => dice.below(256)),
  (input, dice) => replaced(input, dice, () => dice.of(AWKWARD)),
  // A piece less, more, or twice.
  (input, dice) => {
    const from = at(input, dice)
    return Buffer.concat([input.subarray(0, from), input.subarray(from + 1 + dice.below(16))])
  },
  (input, dice) => put(dice.octets(1 + dice.below(16)), input, at(input, dice)),
  (input, dice) => {
    const from = at(input, dice)
    return put(input.subarray(from, from + 1 + dice.below(64)), input, at(input, dice))
  },
  (input, dice) => input.subarray(0, at(input, dice)),
  (input, dice) => Buffer.concat([input, dice.octets(1 + dice.below(8))]),
  // The beginning of one and the end of another.
  (input, dice, seeds) => {
    const other = dice.of(seeds)
    return Buffer.concat([input.subarray(0, at(input, dice)), other.subarray(at(other, dice))])
  },
  // A length that lies, and one that is huge.
  (input, dice) => put(Buffer.from([0x30, 0x80 | dice.below(6), ...dice.octets(4)]), input, at(input, dice)),
  // Long: many times a piece.
  (input, dice) => {
    const from = at(input, dice)
    const piece = input.subarray(from, from + 1 + dice.below(32))
    const times = Math.min(1 + dice.below(2_000), Math.floor(LONGEST / Math.max(1, piece.length)))
    return put(Buffer.concat(Array.from({ length: times }, () => piece)), input, from)
  },
  // Nested, deep.
  (input, dice) => {
    let made = input
    for (let left = dice.below(200); left > 0 && made.length < LONGEST; left--)
      made = wrapped(dice.of([0x30, 0xa0, 0xa2, 0x04]), made)
    return made
  },
]

function replaced(input: Buffer, dice: Dice, by: (octet: number) => number): Buffer {
  if (input.length === 0) return dice.octets(1)
  const made = Buffer.from(input)
  const index = dice.below(made.length)
  made[index] = by(made[index] ?? 0)
  return made
}

function wrapped(tag: number, value: Buffer): Buffer {
  const length = value.length < 0x80 ? [value.length] : [0x82, value.length >> 8, value.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), value])
}

/** One of the seeds, changed a few times. */
export function mutated(seeds: readonly Buffer[], dice: Dice): Buffer {
  let input = dice.of(seeds)
  for (let left = 1 + dice.below(MAX_CHANGES); left > 0; left--) input = dice.of(changes)(input, dice, seeds)
  return input.subarray(0, LONGEST)
}
