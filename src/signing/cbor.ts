/** CBOR (RFC 8949): written in the one deterministic way (4.2.1), and read where it is definite, minimal and without doubles. */
import { Flaw } from './flaw.ts'

export interface Tagged {
  readonly tag: number
  readonly value: Cbor
}
export type CborMap = ReadonlyMap<number | string, Cbor>
export type Cbor = number | string | boolean | null | Buffer | readonly Cbor[] | CborMap | Tagged

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const
const SIMPLE = new Map<number, boolean | null>([
  [20, false],
  [21, true],
  [22, null],
])
/** What COSE and status lists are made of is five levels deep. */
const DEPTH_MAX = 16

/** @throws Error for a number that is no safe integer: nothing here has any */
export function toCbor(value: Cbor): Buffer {
  if (typeof value === 'number') return integer(value)
  if (typeof value === 'string') return withLength(MAJOR.text, Buffer.from(value))
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4])
  if (value === null) return Buffer.from([0xf6])
  if (Buffer.isBuffer(value)) return withLength(MAJOR.bytes, value)
  if (isMap(value)) return map(value)
  if (isTagged(value)) return Buffer.concat([head(MAJOR.tag, value.tag), toCbor(value.value)])
  return Buffer.concat([head(MAJOR.array, value.length), ...value.map(toCbor)])
}

export const isMap = (value: Cbor | undefined): value is CborMap => value instanceof Map
export const isTagged = (value: Cbor): value is Tagged =>
  typeof value === 'object' && value !== null && 'tag' in value && 'value' in value

function integer(value: number): Buffer {
  if (!Number.isSafeInteger(value)) throw new Error('no integer that CBOR is written of here')
  return value < 0 ? head(MAJOR.negative, -1 - value) : head(MAJOR.unsigned, value)
}

const withLength = (major: number, octets: Buffer): Buffer =>
  Buffer.concat([head(major, octets.length), octets])

function map(value: CborMap): Buffer {
  const entries = [...value].map(([key, item]) => [toCbor(key), toCbor(item)] as const)
  const sorted = entries.toSorted(([a], [b]) => Buffer.compare(a, b))
  return Buffer.concat([head(MAJOR.map, sorted.length), ...sorted.flat()])
}

/** Major type and argument, in as few octets as there are (RFC 8949, 3). */
function head(major: number, argument: number): Buffer {
  const first = major << 5
  if (argument < 24) return Buffer.from([first | argument])
  const width = argument < 0x100 ? 0 : argument < 0x10000 ? 1 : argument < 0x1_0000_0000 ? 2 : 3
  const octets = Buffer.alloc(1 + 2 ** width)
  octets[0] = first | (24 + width)
  if (width === 3) octets.writeBigUInt64BE(BigInt(argument), 1)
  else octets.writeUIntBE(argument, 1, 2 ** width)
  return octets
}

/** @throws Flaw 'malformed' */
export function fromCbor(octets: Buffer): Cbor {
  const reader = new Reader(octets)
  const value = reader.item(0)
  if (!reader.isAtEnd) throw malformed()
  return value
}

const malformed = (): Flaw =>
  new Flaw('malformed', 'Not CBOR as it is read here: definite, minimal, without doubles')

class Reader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  get isAtEnd(): boolean {
    return this.#at === this.#octets.length
  }

  item(depth: number): Cbor {
    if (depth > DEPTH_MAX) throw malformed()
    const [first = 0] = this.#take(1)
    const [major, low] = [first >> 5, first & 0x1f]
    if (major === MAJOR.simple) return this.#simple(low)
    const argument = this.#argument(low)
    switch (major) {
      case MAJOR.unsigned:
        return argument
      case MAJOR.negative:
        return -1 - argument
      case MAJOR.bytes:
        return this.#take(argument)
      case MAJOR.text:
        return this.#text(argument)
      case MAJOR.array:
        return this.#array(argument, depth)
      case MAJOR.map:
        return this.#map(argument, depth)
      default:
        return { tag: argument, value: this.item(depth + 1) }
    }
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#octets.length) throw malformed()
    const taken = this.#octets.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** 28 to 30 are reserved, 31 is an indefinite length. */
  #argument(low: number): number {
    if (low < 24) return low
    if (low > 27) throw malformed()
    const octets = this.#take(2 ** (low - 24))
    const value = Number(octets.length === 8 ? octets.readBigUInt64BE() : octets.readUIntBE(0, octets.length))
    if (!Number.isSafeInteger(value) || head(0, value).length !== 1 + octets.length) throw malformed()
    return value
  }

  #simple(low: number): boolean | null {
    const value = SIMPLE.get(low)
    if (value === undefined) throw malformed()
    return value
  }

  #text(length: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#take(length))
    } catch {
      throw malformed()
    }
  }

  #array(length: number, depth: number): Cbor[] {
    this.#expect(length)
    return Array.from({ length }, () => this.item(depth + 1))
  }

  #map(length: number, depth: number): CborMap {
    this.#expect(length)
    const made = new Map<number | string, Cbor>()
    for (let i = 0; i < length; i++) {
      const key = this.item(depth + 1)
      if ((typeof key !== 'number' && typeof key !== 'string') || made.has(key)) throw malformed()
      made.set(key, this.item(depth + 1))
    }
    return made
  }

  /** An item has an octet at least: a length that somebody made up reserves no memory. */
  #expect(items: number): void {
    if (items > this.#octets.length - this.#at) throw malformed()
  }
}
