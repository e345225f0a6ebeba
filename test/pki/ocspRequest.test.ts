import { expect } from 'chai'
import { integer, oid, tlv } from '../../hsm/der.ts'
import { TAG } from '../../src/der/tags.ts'
import {
  context,
  derNull,
  derTrue,
  extension,
  octetString,
  primitive,
  sequence,
  smallInteger,
} from '../../src/der/write.ts'
import { MAX_OCSP_CERTIFICATES, MAX_OCSP_REQUEST, readOcspRequest } from '../../src/pki/ocspRequest.ts'
import { HASHES, NONCE } from './ocspClient.ts'

const SHA1 = sequence(oid(HASHES.sha1.oid), derNull)
const SHA256 = sequence(oid(HASHES.sha256.oid), derNull)
const SERIAL = Buffer.from('4a0102030405060708090a0b0c0d0e0f', 'hex')
const hashOf = (length: number): Buffer => octetString(Buffer.alloc(length, 7))
const certId = sequence(SHA1, hashOf(20), hashOf(20), integer(SERIAL))
const one = sequence(sequence(certId))
const nonce = (length: number): Buffer => extension(NONCE, octetString(Buffer.alloc(length, 1)))
const request = (...tbs: readonly Buffer[]): Buffer => sequence(sequence(...tbs))
const withExtensions = (...all: readonly Buffer[]): Buffer => request(one, context(2, sequence(...all)))
const asking = (id: Buffer, ...more: readonly Buffer[]): Buffer => request(sequence(sequence(id, ...more)))

const aboutMany = (count: number): Buffer =>
  request(sequence(...Array.from({ length: count }, () => sequence(certId))))

describe('an OCSP request', () => {
  const TAKEN: readonly (readonly [string, Buffer])[] = [
    ['with a CertID by SHA-1', request(one)],
    ['with a CertID by SHA-256', asking(sequence(SHA256, hashOf(32), hashOf(32), integer(SERIAL)))],
    [
      'whose algorithm has no parameters',
      asking(sequence(sequence(oid(HASHES.sha1.oid)), hashOf(20), hashOf(20), integer(SERIAL))),
    ],
    [
      'by a hash that is not computed here',
      asking(sequence(sequence(oid('2.16.840.1.101.3.4.2.3')), hashOf(64), hashOf(64), integer(SERIAL))),
    ],
    ['that says its version, which DER leaves out', request(context(0, smallInteger(0)), one)],
    ['that says who asks', request(context(1, primitive(1, Buffer.from('a@example.org'))), one)],
    [
      'that is signed',
      sequence(sequence(one), context(0, sequence(SHA256, tlv(TAG.BIT_STRING, Buffer.from([0, 1]))))),
    ],
    [
      'that is signed, with certificates',
      sequence(
        sequence(one),
        context(
          0,
          sequence(SHA256, tlv(TAG.BIT_STRING, Buffer.from([0, 1])), context(0, sequence(sequence()))),
        ),
      ),
    ],
    ['with a nonce of one octet', withExtensions(nonce(1))],
    ['with a nonce of 128 octets', withExtensions(nonce(128))],
    ['with an extension that nobody knows', withExtensions(extension('1.2.3.4', derNull))],
    [
      'with an extension of its single request',
      asking(certId, context(0, sequence(extension('1.3.6.1.5.5.7.48.1.7', sequence())))),
    ],
    [
      'that says an extension is not critical, which DER leaves out',
      withExtensions(sequence(oid('1.2.3.4'), tlv(TAG.BOOLEAN, Buffer.from([0])), octetString(derNull))),
    ],
    [
      'that wants the basic response, critically',
      withExtensions(
        extension('1.3.6.1.5.5.7.48.1.4', sequence(oid('1.3.6.1.5.5.7.48.1.1')), { critical: true }),
      ),
    ],
    ['about as many as are answered at once', aboutMany(MAX_OCSP_CERTIFICATES)],
    ['about the serial number 0', asking(sequence(SHA1, hashOf(20), hashOf(20), smallInteger(0)))],
  ]
  for (const [what, der] of TAKEN) {
    it(`${what} is read`, () => {
      expect(readOcspRequest(der).certIds[0].whole.length).to.be.greaterThan(40)
    })
  }

  it('is read as it was written', () => {
    const { certIds, nonce: asked } = readOcspRequest(request(one, context(2, sequence(nonce(3)))))
    expect(certIds).to.have.length(1)
    expect(certIds[0].hash).to.equal('SHA-1')
    expect(certIds[0].serial).to.deep.equal(SERIAL)
    expect(certIds[0].issuerNameHash).to.deep.equal(Buffer.alloc(20, 7))
    expect(certIds[0].whole).to.deep.equal(certId)
    expect(asked?.toString('hex')).to.equal('0403010101')
  })

  const MALFORMED: readonly (readonly [string, Buffer])[] = [
    ['that is nothing', Buffer.alloc(0)],
    ['that is text', Buffer.from('<html>')],
    ['that is cut short', request(one).subarray(0, -1)],
    ['with something after it', Buffer.concat([request(one), Buffer.from([0])])],
    ['of indefinite length', Buffer.concat([Buffer.from([0x30, 0x80]), sequence(one), Buffer.from([0, 0])])],
    [
      'whose length is not the shortest',
      Buffer.concat([Buffer.from([0x30, 0x82, 0, request(one).length - 2]), sequence(one)]),
    ],
    [
      'that is too long',
      request(one, context(2, sequence(extension('1.2.3', octetString(Buffer.alloc(MAX_OCSP_REQUEST)))))),
    ],
    ['about nothing', request(sequence())],
    ['about too many', aboutMany(MAX_OCSP_CERTIFICATES + 1)],
    ['of a version that there is not', request(context(0, smallInteger(1)), one)],
    ['whose single request is no SEQUENCE', request(sequence(octetString(certId)))],
    ['whose CertID has no serial number', asking(sequence(SHA1, hashOf(20), hashOf(20)))],
    [
      'whose CertID has more than four members',
      asking(sequence(SHA1, hashOf(20), hashOf(20), integer(SERIAL), derNull)),
    ],
    [
      'whose hashes are not of their algorithm',
      asking(sequence(SHA256, hashOf(20), hashOf(20), integer(SERIAL))),
    ],
    [
      'whose serial number is negative',
      asking(sequence(SHA1, hashOf(20), hashOf(20), tlv(TAG.INTEGER, Buffer.from([0xff])))),
    ],
    ['whose serial number is empty', asking(sequence(SHA1, hashOf(20), hashOf(20), tlv(TAG.INTEGER)))],
    [
      'whose serial number is not minimal',
      asking(sequence(SHA1, hashOf(20), hashOf(20), tlv(TAG.INTEGER, Buffer.from([0, 1])))),
    ],
    [
      'whose serial number is too long',
      asking(sequence(SHA1, hashOf(20), hashOf(20), integer(Buffer.alloc(21, 0x41)))),
    ],
    ['with a nonce of no octets', withExtensions(nonce(0))],
    ['with a nonce of 129 octets', withExtensions(nonce(129))],
    ['with a nonce that is no OCTET STRING', withExtensions(extension(NONCE, derNull))],
    ['with two nonces', withExtensions(nonce(8), nonce(8))],
    [
      'with a critical extension that is not understood',
      withExtensions(extension('1.2.3.4', derNull, { critical: true })),
    ],
    ['with no extensions where they would be', request(one, context(2, sequence()))],
    [
      'with a BOOLEAN that is neither',
      withExtensions(sequence(oid('1.2.3'), tlv(TAG.BOOLEAN, Buffer.from([1])), octetString(derNull))),
    ],
    ['with a BOOLEAN and no value', withExtensions(sequence(oid('1.2.3'), derTrue))],
    [
      'with an OID that goes on for ever',
      withExtensions(sequence(tlv(TAG.OID, Buffer.alloc(10_000, 0x81)), octetString(derNull))),
    ],
    ['whose members are in another order', request(context(2, sequence(nonce(8))), one)],
    ['whose signature has no bits', sequence(sequence(one), context(0, sequence(SHA256)))],
    [
      'with two names of who asks',
      request(context(1, primitive(1, Buffer.from('a')), primitive(1, Buffer.from('b'))), one),
    ],
  ]
  for (const [what, der] of MALFORMED) {
    it(`${what} is malformed`, () => {
      expect(() => readOcspRequest(der)).to.throw(Error)
    })
  }
})
