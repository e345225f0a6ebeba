import { readFileSync, existsSync } from 'node:fs'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { expect } from 'chai'
import { bitstringOf, tokenListOf, valueAt } from '../../../src/credentials/status/listBits.ts'
import { MIN_LENGTH, STATUS, StatusBits } from '../../../src/credentials/status/statusBits.ts'
import { Flaw } from '../../../src/signing/flaw.ts'
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
    const list = bitstringOf(bits.bitstring(STATUS.invalid))
    for (const index of set) expect(valueAt(list, index), String(index)).to.equal(1)
    for (const index of [1, 6, 9, 999, MIN_LENGTH - 2])
      expect(valueAt(list, index), String(index)).to.equal(0)
    expect(valueAt(list, MIN_LENGTH)).to.equal(undefined)
    const token = tokenListOf({ bits: 2, lst: bits.token() })
    expect([valueAt(token, 1_000), valueAt(token, 1), valueAt(token, MIN_LENGTH)]).to.deep.equal([
      1,
      0,
      undefined,
    ])
  })

  const flawOf = (read: () => unknown): string => {
    try {
      read()
    } catch (error) {
      if (error instanceof Flaw) return `${error.problem}: ${error.message}`
      throw error
    }
    return 'read'
  }
  const gzip = (octets: number): string => `u${gzipSync(Buffer.alloc(octets)).toString('base64url')}`

  it('of others are refused where they are too short, or no lists', () => {
    const short = gzip(MIN_LENGTH / 8 - 1)
    expect(flawOf(() => bitstringOf(short))).to.equal(
      'status-list-too-short: encodedList: fewer than 131072 entries',
    )
    for (const encoded of [undefined, 7, '', short.slice(1), `${short}=`, `z${short.slice(1)}`])
      expect(
        flawOf(() => bitstringOf(encoded)),
        String(encoded),
      ).to.equal('malformed: encodedList: not in base64url, as multibase')
    for (const encoded of ['u', 'uAAAA', gzip(MIN_LENGTH / 8).slice(0, -8)])
      expect(
        flawOf(() => bitstringOf(encoded)),
        encoded,
      ).to.equal('malformed: encodedList: cannot be unpacked')
    for (const bits of [0, 3, 16, '1', undefined])
      expect(
        flawOf(() => tokenListOf({ bits, lst: '' })),
        String(bits),
      ).to.equal('malformed: status_list.bits: not 1, 2, 4 or 8')
    expect(flawOf(() => tokenListOf({ bits: 1, lst: 'AA=' }))).to.equal(
      'malformed: status_list.lst: not in base64url',
    )
  })

  it('of others are unpacked to two mebibytes and no further, whatever they claim to hold', () => {
    expect(bitstringOf(gzip(2 * 1024 * 1024)).octets.length).to.equal(2 * 1024 * 1024)
    const bomb = gzip(64 * 1024 * 1024)
    expect(bomb.length).to.be.below(100_000)
    for (const encoded of [gzip(2 * 1024 * 1024 + 1), bomb])
      expect(flawOf(() => bitstringOf(encoded))).to.equal(
        'malformed: encodedList: unpacks to more than 2 MiB',
      )
    const two = deflateSync(Buffer.alloc(3 * 1024 * 1024)).toString('base64url')
    expect(flawOf(() => tokenListOf({ bits: 8, lst: two }))).to.equal(
      'malformed: status_list.lst: unpacks to more than 2 MiB',
    )
  })

  it('of several bits have the first entry in the lowest', () => {
    const lst = deflateSync(Buffer.from([0x21, 0x43])).toString('base64url')
    const list = tokenListOf({ bits: 4, lst })
    expect([0, 1, 2, 3, 4].map((index) => valueAt(list, index))).to.deep.equal([1, 2, 3, 4, undefined])
    expect(valueAt(tokenListOf({ bits: 8, lst }), 1)).to.equal(0x43)
  })

  for (const [name, bits] of [
    ['status_list_encoding1_long_json.md', 1],
    ['status_list_encoding2_long_json.md', 2],
  ] as const) {
    it(`read ${name}, which the draft's authors made`, function () {
      if (!existsSync(vectors)) return this.skip()
      const [, lst = ''] = /"lst": "([^"]*)"/.exec(readFileSync(new URL(name, vectors), 'utf8')) ?? []
      const list = tokenListOf({ bits, lst: lst.replaceAll(/\s/g, '') })
      // The draft, appendix "Test vectors": 2^20 entries, these set.
      const set = bits === 1 ? ONE_BIT : TWO_BITS
      for (const [index, status] of set) expect(valueAt(list, index), String(index)).to.equal(status)
      expect(valueAt(list, 1)).to.equal(0)
      expect(valueAt(list, 2 ** 20 - 1)).to.equal(0)
      expect(valueAt(list, 2 ** 20)).to.equal(undefined)
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
