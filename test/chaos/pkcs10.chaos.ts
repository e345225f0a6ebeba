import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { mutations, requestOf, worstOf } from '../pki/support/pkcs10.ts'

const COUNT = 100_000
/** Nobody may hold up the service by what they send. */
const WORST_MS = 100

describe('PKCS#10 that was altered', function () {
  this.timeout(30 * 60_000)
  const kinds = [
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ecdsa-sha256'],
    ['RSA-2048', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'rsa-sha256'],
  ] as const
  for (const [name, keys, scheme] of kinds) {
    it(`is refused ${COUNT} times of ${COUNT}, quickly, with ${name}`, () => {
      const good = requestOf({ keys, scheme })
      const { taken, worstMs } = worstOf(mutations(good, { count: COUNT, seed: Date.now() >>> 0 }))
      console.log(`    slowest: ${worstMs.toFixed(1)} ms; ${taken.length} were the request again`)
      expect(taken.every((one) => one.equals(good))).to.equal(true)
      expect(worstMs).to.be.lessThan(WORST_MS)
    })
  }
})
