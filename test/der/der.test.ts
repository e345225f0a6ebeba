import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { integer, oid, tlv } from '../../hsm/der.ts'
import { Fields, dottedOid, elements, inside, magnitude, smallNumber, timeOf } from '../../src/der/read.ts'
import { TAG } from '../../src/der/tags.ts'
import {
  certificateTime,
  context,
  derNull,
  derTrue,
  enumerated,
  extension,
  generalizedTime,
  ia5String,
  namedBits,
  octetString,
  primitive,
  printableString,
  sequence,
  setOf,
  smallInteger,
  utf8String,
} from '../../src/der/write.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const written = (der: Buffer): string => der.toString('hex')

describe('DER that is written', () => {
  const rows: readonly (readonly [string, Buffer, string])[] = [
    ['a small number', smallInteger(0), '020100'],
    ['a number whose high bit is set', smallInteger(128), '02020080'],
    ['a large number', smallInteger(1_000_000_000_000), '020600e8d4a51000'],
    ['the longest length of one octet', octetString(Buffer.alloc(127)), `047f${'00'.repeat(127)}`],
    ['the shortest length of two', octetString(Buffer.alloc(128)), `048180${'00'.repeat(128)}`],
    ['a name with an accent', utf8String('é'), '0c02c3a9'],
    ['NULL and TRUE', sequence(derNull, derTrue), '300505000101ff'],
    ['a SET in the order of its encodings', setOf(smallInteger(7), derTrue), '31060101ff020107'],
    ['context-specific tags', context(3, primitive(1, hex('aa'))), 'a3038101aa'],
    ['a reason of revocation', enumerated(9), '0a0109'],
    [
      'the last second of UTCTime',
      certificateTime(new Date('2049-12-31T23:59:59Z')),
      '170d3439313233313233353935395a',
    ],
    [
      'the first of GeneralizedTime',
      certificateTime(new Date('2050-01-01T00:00:00Z')),
      '180f32303530303130313030303030305a',
    ],
    ['nonRepudiation alone', namedBits([1]), '03020640'],
    ['keyCertSign and cRLSign', namedBits([5, 6]), '03020106'],
    ['no bit at all', namedBits([]), '030100'],
    ['an extension', extension('2.5.29.15', derNull, { critical: true }), '300c0603551d0f0101ff04020500'],
    ['an extension that is not critical', extension('2.5.29.15', derNull), '30090603551d0f04020500'],
  ]
  for (const [name, der, expected] of rows) {
    it(`has ${name} as X.690 wants it`, () => {
      expect(written(der)).to.equal(expected)
    })
  }

  it('is read alike by openssl', () => {
    const der = sequence(
      oid('1.3.6.1.4.1.311.60.2.1.3'),
      integer(hex('00ff01')),
      printableString("Name (x) 'y'"),
      ia5String('https://a.example/?q=1&r'),
      generalizedTime(new Date('2026-01-02T03:04:05.678Z')),
    )
    const read = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: der, encoding: 'utf8' })
    for (const part of ['OBJECT', ':FF01', "Name (x) 'y'", 'https://a.example/?q=1&r', '20260102030405Z']) {
      expect(read).to.contain(part)
    }
  })

  it('never holds a character that its type has not', () => {
    expect(() => printableString('a@b')).to.throw('not a PrintableString')
    expect(() => ia5String('é')).to.throw('not an IA5String')
  })
})

describe('DER that is read', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['an indefinite length', '3080'],
    ['a length in more octets than it needs', '308101aa'],
    ['a length beyond the end', '3002aa'],
    ['a tag of several octets', '1f8101 00'],
    ['a length of four octets', '308400000001aa'],
    ['half an element', '30'],
  ]
  for (const [name, octets] of refused) {
    it(`refuses ${name}`, () => {
      expect(() => elements(hex(octets))).to.throw('not DER')
    })
  }

  it('refuses another tag, and what follows the element', () => {
    expect(() => inside(hex('3100'), TAG.SEQUENCE)).to.throw('not the expected element')
    expect(() => inside(hex('30000500'), TAG.SEQUENCE)).to.throw('not the expected element')
  })

  it('gives fields in their order, whether they are there or not, and nothing beyond', () => {
    const fields = new Fields(inside(sequence(smallInteger(5), context(1)), TAG.SEQUENCE))
    expect(fields.optional(TAG.context(0))).to.equal(undefined)
    expect(smallNumber(fields.take(TAG.INTEGER).value)).to.equal(5)
    expect(() => {
      fields.end()
    }).to.throw('more than expected')
    expect(() => fields.take(TAG.OID)).to.throw('not the expected element')
    expect(fields.any().tag).to.equal(TAG.context(1))
    expect(() => fields.any()).to.throw('an element is missing')
    fields.end()
  })

  it('takes numbers that are minimal and not negative', () => {
    expect(smallNumber(hex('00'))).to.equal(0)
    expect(smallNumber(hex('00ff'))).to.equal(255)
    expect(written(magnitude(hex('0080')))).to.equal('80')
    for (const octets of ['', '80', '0001']) expect(() => magnitude(hex(octets))).to.throw()
    expect(() => smallNumber(hex('01000000000000'))).to.throw('a number is too large')
  })

  it('takes times that exist', () => {
    const read = (tag: number, text: string): string => {
      const [element] = elements(tlv(tag, Buffer.from(text)))
      if (element === undefined) throw new Error('nothing')
      return timeOf(element).toISOString()
    }
    expect(read(TAG.UTC_TIME, '491231235959Z')).to.equal('2049-12-31T23:59:59.000Z')
    expect(read(TAG.UTC_TIME, '500101000000Z')).to.equal('1950-01-01T00:00:00.000Z')
    expect(read(TAG.GENERALIZED_TIME, '20500101000000Z')).to.equal('2050-01-01T00:00:00.000Z')
    for (const text of ['20260230000000Z', '20260101000000', '20260101000000.5Z', '20260101250000Z']) {
      expect(() => read(TAG.GENERALIZED_TIME, text)).to.throw('not a time')
    }
    expect(() => read(TAG.OCTET_STRING, '20500101000000Z')).to.throw('not a time')
  })

  it('gives OIDs with arcs of any size, minimal ones', () => {
    for (const dotted of ['2.5.29.15', '1.3.6.1.4.1.311.60.2.1.3', '2.999.1234567890123']) {
      const [element] = elements(oid(dotted))
      expect(dottedOid(element?.value ?? Buffer.alloc(0))).to.equal(dotted)
    }
    expect(() => dottedOid(hex('8001'))).to.throw('an arc begins with a zero')
    expect(() => dottedOid(hex('2a80'))).to.throw()
  })
})
