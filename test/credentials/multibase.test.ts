import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { fromBase58btc, fromMultibase, toBase58btc, toMultibase } from '../../src/credentials/multibase.ts'
import { fromBase64url } from '../../src/signing/base64url.ts'

describe('base 58', () => {
  // draft-msporny-base58-03, 5
  for (const [octets, text] of [
    [Buffer.from('Hello World!'), '2NEpo7TZRRrLZSi2U'],
    [
      Buffer.from('The quick brown fox jumps over the lazy dog.'),
      'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z',
    ],
    [Buffer.from('0000287fb4cd', 'hex'), '11233QC4'],
    [Buffer.alloc(0), ''],
    [Buffer.alloc(3), '111'],
  ] as const) {
    it(`writes and reads ${text === '' ? 'nothing' : text}`, () => {
      expect(toBase58btc(octets)).to.equal(text)
      expect(fromBase58btc(text)).to.deep.equal(octets)
    })
  }

  it('reads back what it writes, zeros in front included', () => {
    for (let length = 0; length < 100; length++) {
      const octets = Buffer.concat([Buffer.alloc(length % 3), randomBytes(length)])
      expect(fromBase58btc(toBase58btc(octets))).to.deep.equal(octets)
    }
  })

  it('knows neither 0, O, I and l nor anything else, and stops at a length', () => {
    for (const text of ['0', 'O', 'I', 'l', 'a b', 'a=', 'é', '2NEpo7TZRRrLZSi2U\n'])
      expect(fromBase58btc(text), text).to.equal(undefined)
    expect(fromBase58btc('z'.repeat(1024))).to.have.length(750)
    expect(fromBase58btc('z'.repeat(1025))).to.equal(undefined)
    expect(() => toBase58btc(Buffer.alloc(750))).to.throw('750 octets are too many for base 58')
  })
})

describe('base64url', () => {
  it('is read where it is written in the one right way', () => {
    expect(fromBase64url('')).to.deep.equal(Buffer.alloc(0))
    expect(fromBase64url('-_8')).to.deep.equal(Buffer.from('fbff', 'hex'))
    for (const text of ['-_8=', '+/8', '-_9', '-', '-_8 ', ' -_8', '-_8\n', '-_.8', 'abcde', 'ä'])
      expect(fromBase64url(text), JSON.stringify(text)).to.equal(undefined)
  })
})

describe('multibase', () => {
  it('says which base by its first character', () => {
    const octets = Buffer.from('Hello World!')
    expect(toMultibase('z', octets)).to.equal('z2NEpo7TZRRrLZSi2U')
    expect(toMultibase('u', octets)).to.equal('uSGVsbG8gV29ybGQh')
    for (const base of ['z', 'u'] as const)
      expect(fromMultibase(toMultibase(base, octets))).to.deep.equal(octets)
  })

  it('reads no base but those, and only the one that the place allows', () => {
    for (const text of ['', 'f00', 'm', 'U', 'Z1', '2NEpo7TZRRrLZSi2U', 'z0', 'u=', '__proto__'])
      expect(fromMultibase(text), text).to.equal(undefined)
    expect(fromMultibase('uAA', ['z'])).to.equal(undefined)
    expect(fromMultibase('z1', ['u'])).to.equal(undefined)
  })
})
