import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { Name } from '@peculiar/x509'
import { expect } from 'chai'
import { certificateNames, distinguishedName } from '../../src/api/csc/distinguishedName.ts'

type Parts = ConstructorParameters<typeof Name>[0]
const der = (parts: Parts): Buffer => Buffer.from(new Name(parts).toArrayBuffer())
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('a distinguished name, as Java and RFC 4514 read it', () => {
  const cases: [string, Parts, string][] = [
    ['most specific first', [{ C: ['NO'] }, { O: ['Acme'] }, { CN: ['Kari'] }], 'CN=Kari,O=Acme,C=NO'],
    [
      'no short forms that break X500Principal',
      [
        { '2.5.4.4': ['Nordmann'] },
        { '2.5.4.42': ['Kari'] },
        { '2.5.4.5': [{ printableString: 'PNONO-1' }] },
      ],
      'SERIALNUMBER=PNONO-1,GIVENNAME=Kari,SURNAME=Nordmann',
    ],
    ['letters of other scripts as they are', [{ CN: ['Лу Čić Øystein'] }], 'CN=Лу Čić Øystein'],
    [
      'a title or any unlisted attribute by its OID, in hex',
      [{ '2.5.4.97': [{ utf8String: 'NTRNO-1' }] }],
      '2.5.4.97=#0c074e54524e4f2d31',
    ],
    ['several values of one part', [{ CN: ['A'], OU: ['B'] }], 'CN=A+OU=B'],
    ['domain components', [{ DC: ['net'] }, { DC: ['example'] }], 'DC=example,DC=net'],
    ['no parts at all', [], ''],
  ]
  for (const [what, parts, expected] of cases) {
    it(`writes ${what}`, () => {
      expect(distinguishedName(der(parts))).to.equal(expected)
    })
  }

  const values: [string, string][] = [
    ['James "Jim" Smith, III', 'CN=James \\"Jim\\" Smith\\, III'],
    ['Before\rAfter', 'CN=Before\\0DAfter'],
    ['a\u0000b', 'CN=a\\00b'],
    ['\u0085', 'CN=\\C2\\85'],
    ['#hash', 'CN=\\#hash'],
    ['not#first', 'CN=not#first'],
    [' led and trailed ', 'CN=\\ led and trailed\\ '],
    [' ', 'CN=\\ '],
    ['a+b;c<d>e\\f', 'CN=a\\+b\\;c\\<d\\>e\\\\f'],
    ['a=b', 'CN=a=b'],
    ['CN=Eve,O=Evil', 'CN=CN=Eve\\,O=Evil'],
  ]
  for (const [value, expected] of values) {
    it(`escapes ${JSON.stringify(value)}`, () => {
      expect(distinguishedName(der([{ CN: [{ utf8String: value }] }]))).to.equal(expected)
    })
  }

  it('reads every string type, and what is none in hex', () => {
    const cn = (type: string): Buffer => {
      const value = hex(type)
      const attribute = Buffer.concat([hex('0603550403'), value])
      const sequence = Buffer.concat([Buffer.from([0x30, attribute.length]), attribute])
      const set = Buffer.concat([Buffer.from([0x31, sequence.length]), sequence])
      return Buffer.concat([Buffer.from([0x30, set.length]), set])
    }
    expect(distinguishedName(cn('1303 414243'))).to.equal('CN=ABC')
    expect(distinguishedName(cn('1603 414243'))).to.equal('CN=ABC')
    expect(distinguishedName(cn('1401 e6'))).to.equal('CN=æ')
    expect(distinguishedName(cn('1e04 0041 00e6'))).to.equal('CN=Aæ')
    expect(distinguishedName(cn('0402 4869'))).to.equal('2.5.4.3=#04024869')
  })

  it('refuses what is not DER', () => {
    const bad = ['', '30', '3080', '3005', '308100', '30820001 00', '3100', '3002 3100 00', '3004 3102 3000']
    for (const octets of bad) expect(() => distinguishedName(hex(octets)), octets).to.throw()
  })

  it("finds a certificate's names and number where OpenSSL finds them", () => {
    const certificate = new X509Certificate(LETS_ENCRYPT_ROOT)
    expect(certificateNames(certificate.raw)).to.deep.equal({
      issuerDN: 'CN=ISRG Root X2,O=Internet Security Research Group,C=US',
      subjectDN: 'CN=ISRG Root X2,O=Internet Security Research Group,C=US',
      serialNumber: certificate.serialNumber,
    })
  })
})

/** ISRG Root X2: a published root. */
const LETS_ENCRYPT_ROOT = `-----BEGIN CERTIFICATE-----
MIICGzCCAaGgAwIBAgIQQdKd0XLq7qeAwSxs6S+HUjAKBggqhkjOPQQDAzBPMQsw
CQYDVQQGEwJVUzEpMCcGA1UEChMgSW50ZXJuZXQgU2VjdXJpdHkgUmVzZWFyY2gg
R3JvdXAxFTATBgNVBAMTDElTUkcgUm9vdCBYMjAeFw0yMDA5MDQwMDAwMDBaFw00
MDA5MTcxNjAwMDBaME8xCzAJBgNVBAYTAlVTMSkwJwYDVQQKEyBJbnRlcm5ldCBT
ZWN1cml0eSBSZXNlYXJjaCBHcm91cDEVMBMGA1UEAxMMSVNSRyBSb290IFgyMHYw
EAYHKoZIzj0CAQYFK4EEACIDYgAEzZvVn4CDCuwJSvMWSj5cz3es3mcFDR0HttwW
+1qLFNvicWDEukWVEYmO6gbf9yoWHKS5xcUy4APgHoIYOIvXRdgKam7mAHf7AlF9
ItgKbppbd9/w+kHsOdx1ymgHDB/qo0IwQDAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0T
AQH/BAUwAwEB/zAdBgNVHQ4EFgQUfEKWrt5LSDv6kviejM9ti6lyN5UwCgYIKoZI
zj0EAwMDaAAwZQIwe3lORlCEwkSHRhtFcP9Ymd70/aTSVaYgLXTWNLxBo1BfASdW
tL4ndQavEi51mI38AjEAi/V3bNTIZargCyzuFJ0nN6T5U6VR5CmD1/iQMVtCnwr1
/q4AaOeMSQ+2b1tbFfLn
-----END CERTIFICATE-----`
