import { inside, magnitude } from '../der/read.ts'
import { TAG } from '../der/tags.ts'

/** Of a library that made primes of the form k·M + 65537^a mod M (ROCA): each modulus is a power of 65537 by each of these. */
const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
]
const powers = ROCA_PRIMES.map((prime) => {
  const found = new Set<number>()
  for (let power = 1; !found.has(power); power = (power * 65_537) % prime) found.add(power)
  return { prime: BigInt(prime), found }
})
/** Two primes as close as this many steps of Fermat's method find are close by a fault, not by chance. */
const FERMAT_STEPS = 100

/** What makes an RSA key easy to break, though it is long enough; undefined: nothing known. @param spki DER */
export function rsaWeakness(spki: Buffer): string | undefined {
  const [, bits] = inside(spki, TAG.SEQUENCE)
  const [n] = inside(bits?.value.subarray(1) ?? Buffer.alloc(0), TAG.SEQUENCE)
  if (n?.tag !== TAG.INTEGER) throw new Error('not an RSAPublicKey')
  const modulus = BigInt(`0x${magnitude(n.value).toString('hex')}`)
  const isDivisible = modulus % 2n === 0n || powers.some(({ prime }) => modulus % prime === 0n)
  if (isDivisible) return 'its modulus has a small factor'
  if (powers.every(({ prime, found }) => found.has(Number(modulus % prime))))
    return 'its primes are of a known faulty make (ROCA)'
  return isFermatWeak(modulus) ? 'its primes are close to each other' : undefined
}

/** n = a² − b², for an a not far above the root of n. */
function isFermatWeak(n: bigint): boolean {
  let a = rootOf(n)
  if (a * a < n) a += 1n
  for (let step = 0; step < FERMAT_STEPS; step++, a += 1n) {
    const square = a * a - n
    const b = rootOf(square)
    if (b * b === square) return true
  }
  return false
}

/** Whole square root, by Newton's method from above. */
function rootOf(n: bigint): bigint {
  if (n < 2n) return n
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + n / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
