import { constants, deflateSync, gzipSync } from 'node:zlib'

/** What a credential may be: the values of Token Status List, 7.1. */
export const STATUS = { valid: 0, invalid: 1, suspended: 2 } as const
export type Status = (typeof STATUS)[keyof typeof STATUS]

/** Bitstring Status List 1.0, 2.1: at least so many entries (16 KiB), so that one credential hides among many. */
export const MIN_LENGTH = 131_072
/** Entries in an octet, at two bits each. */
const PER_OCTET = 4
/** Indices are shuffled, so there is nothing to be found again but runs: a tenth of the time, and fewer octets, too. */
const PACKED = { level: 6, strategy: constants.Z_RLE } as const

/** Four entries of two bits, lowest first, as four bits, highest first, where each is the status or is not. */
function planeOf(status: Status): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => {
    const is = (entry: number): number => (((octet >> (2 * entry)) & 3) === status ? 8 >> entry : 0)
    return is(0) | is(1) | is(2) | is(3)
  })
}

const planes = { [STATUS.invalid]: planeOf(STATUS.invalid), [STATUS.suspended]: planeOf(STATUS.suspended) }

/** The statuses of a list: two bits each, the first in the lowest ones (Token Status List, 4.1). */
export class StatusBits {
  readonly octets: Buffer

  /** @param octets taken over, not copied */
  constructor(octets: Buffer) {
    this.octets = octets
  }

  static ofLength(length: number): StatusBits {
    return new StatusBits(Buffer.alloc(length / PER_OCTET))
  }

  get length(): number {
    return this.octets.length * PER_OCTET
  }

  get(index: number): number {
    return ((this.octets[index >> 2] ?? 0) >> (2 * (index & 3))) & 3
  }

  /** @throws RangeError */
  set(index: number, status: Status): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) throw new RangeError('no such entry')
    const shift = 2 * (index & 3)
    this.octets[index >> 2] = ((this.octets[index >> 2] ?? 0) & ~(3 << shift)) | (status << shift)
  }

  /** `lst` of a Token Status List with two bits: zlib, base64url (4.2). */
  token(): string {
    return deflateSync(this.octets, PACKED).toString('base64url')
  }

  /** `encodedList` of a Bitstring Status List: index 0 is the highest bit of the first octet; gzip, multibase (2.1, 3.1). */
  bitstring(status: typeof STATUS.invalid | typeof STATUS.suspended): string {
    const plane = planes[status]
    const bits = Buffer.allocUnsafe(this.octets.length / 2)
    for (let at = 0; at < bits.length; at++) {
      const high = plane[this.octets[2 * at] ?? 0] ?? 0
      bits[at] = (high << 4) | (plane[this.octets[2 * at + 1] ?? 0] ?? 0)
    }
    return `u${gzipSync(bits, PACKED).toString('base64url')}`
  }
}
