import { createPrivateKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { ecdsaFromDer, ecdsaToDer } from '../../src/signing/der.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('DER of ECDSA signatures', () => {
  it('writes minimal, positive integers', () => {
    expect(ecdsaToDer(hex('0001 0080')).toString('hex')).to.equal('300702010102020080')
    expect(ecdsaToDer(hex('0000 0001')).toString('hex')).to.equal('3006020100020101')
  })

  it('is what OpenSSL reads, for every curve', () => {
    for (const [namedCurve, hash] of [
      ['P-256', 'sha256'],
      ['P-384', 'sha384'],
      ['P-521', 'sha512'],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
      for (let n = 0; n < 64; n++) {
        const data = Buffer.from([n])
        const raw = sign(hash, data, {
          key: createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
          dsaEncoding: 'ieee-p1363',
        })
        const der = ecdsaToDer(raw)
        expect(verify(hash, data, publicKey, der)).to.equal(true)
        expect(ecdsaFromDer(der, raw.length / 2)).to.deep.equal(raw)
      }
    }
  })

  it('reads back whatever it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const raw = Buffer.from(bytes)
        fc.pre(raw.subarray(0, 32).some((b) => b !== 0) && raw.subarray(32).some((b) => b !== 0))
        return ecdsaFromDer(ecdsaToDer(raw), 32).equals(raw)
      }),
    )
  })

  for (const [what, der] of Object.entries({
    'trailing octets': '3006020101020101 00',
    'octets after s': '3009020101020101020101',
    'a negative integer': '3006020181020101',
    'a padded integer': '300702020001020101',
    zero: '3006020100020101',
    'a long length where a short one does': '308106020101020101',
    'a wrong tag': '3106020101020101',
    'a truncated signature': '3006020101',
    nothing: '',
  })) {
    it(`refuses ${what}`, () => {
      expect(() => ecdsaFromDer(hex(der), 32)).to.throw(Error)
    })
  }
})
