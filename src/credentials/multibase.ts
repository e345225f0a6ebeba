import { fromBase64url } from '../signing/base64url.ts'

/** Bitcoin's (Controlled Identifiers 1.0, 2.4): without 0, O, I and l. */
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const VALUES = new Map(Array.from(BASE58, (character, value) => [character, value]))
/** Reading base 58 takes the square of its length. An RSA key of 4096 bits, the longest that is written so, has 721. */
const BASE58_MAX = 1024
/** Octets that are written in base 58 at most: those that BASE58_MAX characters hold. */
const OCTETS_MAX = 749

/** @throws Error for more octets than anybody would read back */
export function toBase58btc(octets: Buffer): string {
  if (octets.length > OCTETS_MAX) throw new Error(`${octets.length} octets are too many for base 58`)
  const zeros = leading(octets, 0)
  let text = ''
  for (let left = integerOf(octets); left > 0n; left /= 58n) text = (BASE58[Number(left % 58n)] ?? '') + text
  return '1'.repeat(zeros) + text
}

/** @returns undefined for what is not base 58, or too long */
export function fromBase58btc(text: string): Buffer | undefined {
  if (text.length > BASE58_MAX) return undefined
  let number = 0n
  for (const character of text) {
    const value = VALUES.get(character)
    if (value === undefined) return undefined
    number = number * 58n + BigInt(value)
  }
  const digits = number === 0n ? '' : number.toString(16)
  const zeros = leading(Array.from(text), '1')
  return Buffer.concat([
    Buffer.alloc(zeros),
    Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'),
  ])
}

const integerOf = (octets: Buffer): bigint =>
  octets.length === 0 ? 0n : BigInt(`0x${octets.toString('hex')}`)

function leading<T>(items: ArrayLike<T>, item: T): number {
  let count = 0
  while (count < items.length && items[count] === item) count++
  return count
}

/** TABLE of the bases that are read and written here, by their sign (Controlled Identifiers 1.0, 2.4). */
const bases = {
  /** base58btc */
  z: { write: toBase58btc, read: fromBase58btc },
  /** base64url without padding */
  u: { write: (octets: Buffer): string => octets.toString('base64url'), read: fromBase64url },
} as const
export type Base = keyof typeof bases

const isBase = (sign: string): sign is Base => Object.hasOwn(bases, sign)

export function toMultibase(base: Base, octets: Buffer): string {
  return base + bases[base].write(octets)
}

/**
 * @param only the bases that the place allows; without, any that is read here
 * @returns undefined for another base, or what is not written in the one that its sign names
 */
export function fromMultibase(text: string, only: readonly Base[] = ['z', 'u']): Buffer | undefined {
  const sign = text.slice(0, 1)
  return isBase(sign) && only.includes(sign) ? bases[sign].read(text.slice(1)) : undefined
}
