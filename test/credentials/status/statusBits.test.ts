import { readFileSync, existsSync } from 'node:fs'
import { gunzipSync, inflateSync } from 'node:zlib'
import { expect } from 'chai'
import {
  bitOf,
  MIN_LENGTH,
  STATUS,
  StatusBits,
  tokenStatusOf,
} from '../../../src/credentials/status/statusBits.ts'
import { shuffled } from '../../../src/credentials/status/shuffle.ts'

const vectors = new URL('../../../../shared/vectors/tsl/', import.meta.url)

describe('status lists as bits', () => {
  it('have the first entry in the lowest bits of a token, and in the highest of a bitstring', () => {
    const bits = StatusBits.ofLength(16)
    bits.set(0, STATUS.invalid)
    bits.set(1, STATUS.suspended)
    bits.set(9, STATUS.invalid)
    expect(inflateSync(Buffer.from(bits.token(), 'base64url')).toString('hex')).to.equal('09000400')
    expect(unzipped(bits.bitstring(STATUS.invalid))).to.equal('8040')
    expect(unzipped(bits.bitstring(STATUS.suspended))).to.equal('4000')
  })

  it('take a status back, and leave the neighbours as they are', () => {
    const bits = StatusBits.ofLength(8)
    for (let index = 0; index < 8; index++) bits.set(index, STATUS.suspended)
    bits.set(3, STATUS.valid)
    expect(Array.from({ length: 8 }, (_, index) => bits.get(index))).to.deep.equal([2, 2, 2, 0, 2, 2, 2, 2])
  })

  it('refuse an entry that they have not', () => {
    for (const index of [-1, 8, 1.5, NaN]) {
      expect(() => {
        StatusBits.ofLength(8).set(index, STATUS.invalid)
      }, String(index)).to.throw(RangeError)
    }
  })

  it('are read back from what relying parties get', () => {
    const bits = StatusBits.ofLength(MIN_LENGTH)
    const set = [0, 7, 8, 1_000, MIN_LENGTH - 1]
    for (const index of set) bits.set(index, STATUS.invalid)
    const encoded = bits.bitstring(STATUS.invalid)
    for (const index of set) expect(bitOf(encoded, index), String(index)).to.equal(true)
    for (const index of [1, 6, 9, 999, MIN_LENGTH - 2])
      expect(bitOf(encoded, index), String(index)).to.equal(false)
    expect(tokenStatusOf({ bits: 2, lst: bits.token() }, 1_000)).to.equal(1)
    expect(tokenStatusOf({ bits: 2, lst: bits.token() }, MIN_LENGTH)).to.equal(undefined)
  })

  it('of others are refused where they are too short, too long, or no lists', () => {
    const short = StatusBits.ofLength(MIN_LENGTH / 2).bitstring(STATUS.invalid)
    const long = StatusBits.ofLength(8 * 4 * 1024 * 1024).bitstring(STATUS.invalid)
    for (const encoded of [short, long, short.slice(1), 'u', 'uAAAA', `${short}=`, `z${short.slice(1)}`]) {
      expect(bitOf(encoded, 0), encoded.slice(0, 20)).to.equal(undefined)
    }
    expect(bitOf(StatusBits.ofLength(MIN_LENGTH).bitstring(STATUS.invalid), MIN_LENGTH)).to.equal(undefined)
    expect(tokenStatusOf({ bits: 3, lst: StatusBits.ofLength(8).token() }, 0)).to.equal(undefined)
  })

  for (const [name, bits] of [
    ['status_list_encoding1_long_json.md', 1],
    ['status_list_encoding2_long_json.md', 2],
  ] as const) {
    it(`read ${name}, which the draft's authors made`, function () {
      if (!existsSync(vectors)) return this.skip()
      const [, lst = ''] = /"lst": "([^"]*)"/.exec(readFileSync(new URL(name, vectors), 'utf8')) ?? []
      const list = { bits, lst: lst.replaceAll(/\s/g, '') }
      // The draft, appendix "Test vectors": 2^20 entries, these set.
      const set = bits === 1 ? ONE_BIT : TWO_BITS
      for (const [index, status] of set) expect(tokenStatusOf(list, index), String(index)).to.equal(status)
      expect(tokenStatusOf(list, 1)).to.equal(0)
      expect(tokenStatusOf(list, 2 ** 20 - 1)).to.equal(0)
      expect(tokenStatusOf(list, 2 ** 20)).to.equal(undefined)
    })
  }
})

const ONE_BIT = [
  [0, 1],
  [1993, 1],
  [25460, 1],
  [159495, 1],
  [495669, 1],
  [554353, 1],
  [645645, 1],
  [723232, 1],
  [854545, 1],
  [934534, 1],
  [1000345, 1],
] as const
const TWO_BITS = [
  [0, 1],
  [1993, 2],
  [25460, 1],
  [159495, 3],
  [495669, 1],
  [554353, 1],
  [645645, 2],
  [723232, 1],
  [854545, 1],
  [934534, 2],
  [1000345, 3],
] as const

describe('the order of a status list', () => {
  const key = Buffer.alloc(32, 7)

  for (const length of [8, 1_000, 65_536]) {
    it(`gives each of ${length} positions another index`, () => {
      const indices = new Set(Array.from({ length }, (_, position) => shuffled(position, { key, length })))
      expect(indices.size).to.equal(length)
      expect(Math.min(...indices)).to.equal(0)
      expect(Math.max(...indices)).to.equal(length - 1)
    })
  }

  it('is another one for another key, and is none that can be seen', () => {
    const length = MIN_LENGTH
    const of = (secret: Buffer): number[] =>
      Array.from({ length: 2_000 }, (_, position) => shuffled(position, { key: secret, length }))
    const [one, other] = [of(key), of(Buffer.alloc(32, 8))]
    expect(one.filter((index, position) => other[position] === index).length).to.be.below(5)
    // Of 2,000 in random order, half come after their predecessor, and the mean is the middle.
    const rising = one.filter((index, position) => index > (one[position - 1] ?? 0)).length
    expect(rising).to.be.within(900, 1_100)
    expect(one.reduce((sum, index) => sum + index, 0) / one.length).to.be.within(0.46 * length, 0.54 * length)
  })
})

function unzipped(encoded: string): string {
  return gunzipSync(Buffer.from(encoded.slice(1), 'base64url')).toString('hex')
}
