import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect } from 'chai'
import { elements, Fields, inside, timeOf } from '../../src/der/read.ts'
import { oid } from '../../hsm/der.ts'
import { TAG } from '../../src/der/tags.ts'
import { sequence, setOf, utf8String } from '../../src/der/write.ts'
import { CrlWriter, type ListHead } from '../../src/pki/crl.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const head: ListHead = {
  scheme: 'ecdsa-sha256',
  issuer: sequence(setOf(sequence(oid('2.5.4.3'), utf8String('Authority')))),
  issuerSpki: publicKey.export({ format: 'der', type: 'spki' }),
  thisUpdate: new Date('2026-03-01T09:30:00Z'),
  nextUpdate: new Date('2026-03-02T09:30:00Z'),
  number: 300,
  uri: undefined,
  expiredSince: new Date('2025-01-01T00:00:00Z'),
}

interface Entry {
  readonly serial: string
  readonly at: string
  readonly reason?: number
}

/** As the database gives them. */
function packed(entries: readonly Entry[]): Buffer {
  return Buffer.concat(
    entries.map(({ serial, at, reason = 0 }) => {
      const octets = Buffer.from(serial, 'hex')
      const record = Buffer.alloc(12 + octets.length)
      record.writeUInt16BE(octets.length, 0)
      octets.copy(record, 2)
      record.writeBigInt64BE(BigInt(Date.parse(at) / 1000), 2 + octets.length)
      record.writeInt16BE(reason, 10 + octets.length)
      return record
    }),
  )
}

function write(entries: readonly Entry[], more: Partial<ListHead> = {}, expected = entries.length): Buffer {
  const writer = new CrlWriter(expected)
  writer.add(packed(entries))
  expect(writer.entries).to.equal(entries.length)
  const tbs = Buffer.from(writer.tbs({ ...head, ...more }))
  const signature = sign('sha256', tbs, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const list = writer.signed(signature)
  const [signed, , bits] = inside(list, TAG.SEQUENCE)
  expect(signed?.whole.equals(tbs)).to.equal(true)
  expect(verify('sha256', tbs, publicKey, bits?.value.subarray(1) ?? Buffer.alloc(0))).to.equal(true)
  return list
}

/** What openssl reads in it. */
const text = (list: Buffer): string =>
  execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-text'], {
    input: list,
    encoding: 'utf8',
    stdio: 'pipe',
  })

describe('the writer of revocation lists', () => {
  const SERIAL = '4f0c0000000000000000000000000001'

  it('writes what openssl reads: issuer, times, number, entries with their reasons', () => {
    const read = text(
      write([
        { serial: SERIAL, at: '2026-02-28T23:59:59Z', reason: 1 },
        { serial: '4f0c0000000000000000000000000002', at: '2026-03-01T00:00:00Z' },
        { serial: '4f0c0000000000000000000000000003', at: '2026-03-01T09:29:59Z', reason: 6 },
      ]),
    )
    expect(read).to.match(/Version 2 \(0x1\)/)
    expect(read).to.match(/Issuer: CN ?= ?Authority/)
    expect(read).to.include('Last Update: Mar  1 09:30:00 2026 GMT')
    expect(read).to.include('Next Update: Mar  2 09:30:00 2026 GMT')
    expect(read).to.match(/X509v3 CRL Number: \s+300\n/)
    expect(read).to.match(
      /0001\n\s+Revocation Date: Feb 28 23:59:59 2026 GMT\n.*\n.*Reason Code: \s+Key Compromise/,
    )
    expect(read).to.match(/0002\n\s+Revocation Date: Mar {2}1 00:00:00 2026 GMT\n\s+Serial/)
    expect(read).to.match(
      /0003\n\s+Revocation Date: Mar {2}1 09:29:59 2026 GMT\n.*\n.*Reason Code: \s+Certificate Hold/,
    )
    expect(read).not.to.include('Issuing Distribution Point')
  })

  it('says of a shard where it is found, critically', () => {
    const uri = 'http://pki.example.org/pki/crl/1/7.crl'
    const read = text(write([], { uri }))
    expect(read).to.match(
      /Issuing Distribution Point: critical\s+Full Name:\s+URI:http:\/\/pki.example.org\/pki\/crl\/1\/7.crl/,
    )
  })

  it('leaves the entries out where there is none, and says from when expired certificates stay', () => {
    const [tbs] = inside(write([]), TAG.SEQUENCE)
    const fields = new Fields(elements(tbs?.value ?? Buffer.alloc(0)))
    fields.take(TAG.INTEGER)
    fields.take(TAG.SEQUENCE)
    fields.take(TAG.SEQUENCE)
    expect([fields.any(), fields.any()].map(timeOf)).to.deep.equal([head.thisUpdate, head.nextUpdate])
    const extensions = inside(fields.take(TAG.context(0)).value, TAG.SEQUENCE)
    fields.end()
    expect(extensions.at(-1)?.value.toString('latin1')).to.include('20250101000000Z')
    expect(text(write([]))).to.include('No Revoked Certificates.')
  })

  it('writes serials as numbers: no zero before them that is not needed, and one where the sign would be wrong', () => {
    const read = text(
      write([
        { serial: '00', at: '2026-01-01T00:00:00Z' },
        { serial: '0000007f', at: '2026-01-01T00:00:00Z' },
        { serial: 'ff00', at: '2026-01-01T00:00:00Z' },
      ]),
    )
    const serials = [...read.matchAll(/Serial Number: (\S+)/g)].map(([, serial]) => serial)
    expect(serials).to.deep.equal(['00', '7F', 'FF00'])
  })

  it('writes GeneralizedTime from 2050 on, and goes back to UTCTime for what is before', () => {
    const list = write([
      { serial: '01', at: '2050-01-01T00:00:00Z' },
      { serial: '02', at: '2049-12-31T23:59:59Z' },
      { serial: '03', at: '1999-12-31T23:59:59Z' },
    ])
    const [tbs] = inside(list, TAG.SEQUENCE)
    const entries = elements(elements(tbs?.value ?? Buffer.alloc(0))[5]?.value ?? Buffer.alloc(0))
    const times = entries.map(({ value }) => elements(value)[1])
    expect(times.map((time) => time?.tag)).to.deep.equal([TAG.GENERALIZED_TIME, TAG.UTC_TIME, TAG.UTC_TIME])
    expect(times.map((time) => time && timeOf(time).toISOString())).to.deep.equal([
      '2050-01-01T00:00:00.000Z',
      '2049-12-31T23:59:59.000Z',
      '1999-12-31T23:59:59.000Z',
    ])
  })

  it('is the same whether it knew how many there would be or not', () => {
    const entries = Array.from({ length: 5_000 }, (_, n) => ({
      serial: (0x4000_0000 + n).toString(16),
      at: new Date(Date.UTC(2026, 0, 1, 0, 0, n * 61)).toISOString(),
      reason: n % 2,
    }))
    const tbsOf = (list: Buffer): Buffer => inside(list, TAG.SEQUENCE)[0]?.whole ?? Buffer.alloc(0)
    const known = tbsOf(write(entries))
    expect(tbsOf(write(entries, {}, 0)).equals(known)).to.equal(true)
    expect(text(write(entries)).match(/Serial Number/g)).to.have.length(5_000)
  })

  it('is written once', () => {
    const writer = new CrlWriter()
    expect(() => writer.signed(Buffer.alloc(64))).to.throw('before it is signed')
    writer.tbs(head)
    expect(() => writer.tbs(head)).to.throw('written once')
  })
})
