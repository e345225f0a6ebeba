import { expect } from 'chai'
import { base32, hotp, isOtp, keyUri, stepAt, stepOf, typedOtp } from '../../src/signing/totp.ts'

const SEED = Buffer.from('12345678901234567890')

describe('one-time passwords by time', () => {
  it('are those of RFC 4226, appendix D', () => {
    const wanted = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'
    expect(Array.from({ length: 10 }, (_, counter) => hotp(SEED, counter)).join(' ')).to.equal(wanted)
  })

  // The RFC has eight digits; six are the last six of them.
  const vectors = {
    59: '94287082',
    1111111109: '07081804',
    1111111111: '14050471',
    1234567890: '89005924',
    2000000000: '69279037',
    20000000000: '65353130',
  }
  for (const [seconds, digits] of Object.entries(vectors)) {
    it(`are those of RFC 6238, appendix B, at ${seconds}`, () => {
      const now = Number(seconds) * 1000
      expect(hotp(SEED, stepAt(now))).to.equal(digits.slice(2))
      expect(stepOf(SEED, digits.slice(2), now)).to.equal(stepAt(now))
    })
  }

  it('count for the step before and the step after, and for no other', () => {
    const now = 1111111111 * 1000
    for (const step of [-3, -2, -1, 0, 1, 2, 3]) {
      const found = stepOf(SEED, hotp(SEED, stepAt(now) + step), now)
      expect(found, String(step)).to.equal(Math.abs(step) <= 1 ? stepAt(now) + step : undefined)
    }
  })

  it('are six digits and nothing else', () => {
    const now = 59_000
    for (const otp of ['', '2', '28708', '2870821', '287082 ', '２８７０８２', 'abcdef', '287082\0']) {
      expect(stepOf(SEED, otp, now), otp).to.equal(undefined)
      expect(isOtp(otp), otp).to.equal(false)
    }
    expect(isOtp('287082')).to.equal(true)
    expect(isOtp(287082)).to.equal(false)
    expect([typedOtp(' 287 082'), typedOtp(''), typedOtp(null)]).to.deep.equal([
      '287082',
      undefined,
      undefined,
    ])
  })

  it('have seeds in the base32 of RFC 4648, 10, without padding', () => {
    const vectors = { '': '', f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', fooba: 'MZXW6YTB' }
    for (const [text, wanted] of Object.entries({ ...vectors, foobar: 'MZXW6YTBOI' })) {
      expect(base32(Buffer.from(text))).to.equal(wanted)
    }
  })

  it('are told to apps by a URI that names the service and the credential', () => {
    expect(keyUri(SEED, { issuer: 'Näme & Co', account: 'a1' })).to.equal(
      'otpauth://totp/N%C3%A4me%20%26%20Co:a1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=N%C3%A4me%20%26%20Co',
    )
  })
})
