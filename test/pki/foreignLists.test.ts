import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { entriesOf, readList, type ReadEntry, type ReadList } from '../../src/pki/crlRead.ts'
import { isSignedBy, schemeByIdentifier } from '../../src/pki/signedBy.ts'
import { has } from './lists.ts'
import { Workshop } from './support/workshop.ts'

const TIMES = ['-crl_lastupdate', '20260301000000Z', '-crl_nextupdate', '20560302000000Z'] as const
/** TABLE: as openssl takes them, and their codes (RFC 5280, 5.3.1). */
const REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  CACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const
const INDEX_TIME = '260228235959Z'
const CONFIGURATION = `
[ca]
default_ca = it
[it]
database = index
serial = serial
crlnumber = number
default_md = sha256
[plain]
[withKey]
authorityKeyIdentifier = keyid
[shard]
issuingDistributionPoint = critical,@point
[notCritical]
issuingDistributionPoint = @point
[point]
fullname = URI:http://pki.example.org/1.crl
[onlyUsers]
issuingDistributionPoint = critical,@users
[users]
onlyuser = TRUE
`

/** Lists of the programs of others, as the check of our own reads them: it is for lists as we write them, and refuses more. */
describe('revocation lists that others make', () => {
  let shop: Workshop
  before(() => {
    shop = new Workshop()
    writeFileSync(shop.path('config'), CONFIGURATION)
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      shop.path('key'),
    ]
    const extension = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    shop.openssl('req', '-x509', ...key, '-subj', '/CN=ca', ...extension, '-out', shop.path('ca'))
  })
  after(() => {
    shop.remove()
  })

  const der = (name: string): Buffer => {
    shop.openssl('crl', '-in', shop.path(name), '-outform', 'DER', '-out', shop.path('list'))
    return readFileSync(shop.path('list'))
  }
  /** @param entries lines of openssl's database: serial and what stands beside the time */
  const made = (entries: readonly (readonly [string, string])[], ...options: string[]): Buffer => {
    const lines = entries.map(
      ([serial, why]) => `R\t270101000000Z\t${INDEX_TIME}${why}\t${serial}\tunknown\t/CN=${serial}`,
    )
    writeFileSync(shop.path('index'), lines.map((line) => `${line}\n`).join(''))
    writeFileSync(shop.path('index.attr'), 'unique_subject = no\n')
    writeFileSync(shop.path('number'), '012C\n')
    const ca = ['-config', shop.path('config'), '-keyfile', shop.path('key'), '-cert', shop.path('ca')]
    shop.openssl('ca', '-gencrl', ...ca, ...TIMES, ...options, '-out', shop.path('pem'))
    return der('pem')
  }
  const isSignedByCa = ({ tbs, algorithm, signature }: ReadList): boolean => {
    const spki = new X509Certificate(readFileSync(shop.path('ca'))).publicKey.export({
      format: 'der',
      type: 'spki',
    })
    const scheme = schemeByIdentifier(algorithm)
    return scheme !== undefined && isSignedBy(spki, { message: tbs, scheme, signature })
  }
  const entries = (list: ReadList): ReadEntry[] => [...entriesOf(list)]

  it('by openssl are read with their times, number, entries and reasons, and verify', () => {
    const rows = Object.keys(REASONS).map((reason, n) => [`4F0${String(n)}`, `,${reason}`] as const)
    const list = readList(made([...rows, ['00FF', '']]))
    expect(list).to.deep.include({
      thisUpdate: new Date('2026-03-01T00:00:00Z'),
      nextUpdate: new Date('2056-03-02T00:00:00Z'),
      number: 300,
      uri: undefined,
    })
    const seconds = Date.parse('2026-02-28T23:59:59Z') / 1000
    expect(entries(list)).to.deep.equal([
      { serial: 'ff', seconds, reason: 0 },
      ...Object.values(REASONS).map((reason, n) => ({ serial: `4f0${String(n)}`, seconds, reason })),
    ])
    expect(isSignedByCa(list)).to.equal(true)
    const altered = { ...list, tbs: Buffer.from(list.tbs) }
    altered.tbs[altered.tbs.length - 1] = (altered.tbs.at(-1) ?? 0) ^ 1
    expect(isSignedByCa(altered)).to.equal(false)
  })

  it('by openssl are read without entries, with other hashes, extensions and an address', () => {
    for (const hash of ['sha256', 'sha384', 'sha512']) {
      const list = readList(made([], '-crlexts', 'withKey', '-md', hash))
      expect(entries(list)).to.deep.equal([])
      expect(isSignedByCa(list), hash).to.equal(true)
    }
    const shard = readList(made([], '-crlexts', 'shard'))
    expect(shard.uri).to.equal('http://pki.example.org/1.crl')
  })

  it('by openssl are refused where they are not as ours: version 1, no number, parts that are not addresses', () => {
    const list = made([])
    expect(() => readList(made([], '-crlexts', 'notCritical'))).to.throw(Error, 'not critical')
    expect(() => readList(made([], '-crlexts', 'onlyUsers'))).to.throw(Error, 'not the expected element')
    expect(() => readList(Buffer.concat([list, Buffer.from([0])]))).to.throw(Error)
    writeFileSync(shop.path('config.v1'), CONFIGURATION.replace('crlnumber = number\n', ''))
    const bare = (...options: string[]): Buffer =>
      made([['01', '']], '-config', shop.path('config.v1'), ...options)
    expect(() => readList(bare())).to.throw(Error, 'not the expected element')
    expect(() => readList(bare('-crlexts', 'withKey'))).to.throw(Error, 'a list without a number')
  })

  it('by openssl are refused at an entry that says more than a reason', () => {
    const more = [',holdInstruction,holdInstructionReject', ',keyTime,20260101000000Z']
    for (const why of more) {
      const list = readList(made([['01', why]]))
      expect(() => entries(list), why).to.throw(Error, 'not a reason')
    }
  })

  it('by certtool of GnuTLS are read, and verify', function () {
    if (!has('certtool')) this.skip()
    writeFileSync(shop.path('template'), 'crl_next_update = 30\ncrl_number = 300\n')
    const load = ['--load-ca-privkey', shop.path('key'), '--load-ca-certificate', shop.path('ca')]
    const options = [...load, '--load-certificate', shop.path('ca'), '--template', shop.path('template')]
    shop.run('certtool', '--generate-crl', ...options, '--outfile', shop.path('gnutls'))
    const list = readList(der('gnutls'))
    const { serialNumber } = new X509Certificate(readFileSync(shop.path('ca')))
    expect(entries(list).map(({ serial, reason }) => [serial, reason])).to.deep.equal([
      [serialNumber.toLowerCase(), 0],
    ])
    expect(list.number).to.equal(300)
    expect(isSignedByCa(list)).to.equal(true)
  })
})
