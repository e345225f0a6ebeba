/** RSA's encoded messages (RFC 8017, 9): checked from the outside, with the public key alone. */
import { createHash } from 'node:crypto'
import type { HashRow } from './algorithms.ts'

/** EMSA-PKCS1-v1_5 (RFC 8017, 9.2): what the public operation must give, octet for octet. */
export function pkcs1Encoded(hash: HashRow, digest: Buffer, length: number): Buffer {
  const info = Buffer.concat([hash.digestInfo, digest])
  const padding = Buffer.alloc(length - info.length - 3, 0xff)
  return Buffer.concat([Buffer.from([0x00, 0x01]), padding, Buffer.from([0x00]), info])
}

/**
 * EMSA-PSS-VERIFY (RFC 8017, 9.1.2) with MGF1 over the same hash and a salt as long as the hash.
 * `encoded` is the result of the public operation, as long as the modulus; `bits` is the modulus' length.
 */
export function isPssEncoded(
  hash: HashRow,
  digest: Buffer,
  { encoded, bits }: { encoded: Buffer; bits: number },
): boolean {
  const emBits = bits - 1
  const emLength = Math.ceil(emBits / 8)
  // Step 0: the public operation gives an integer below the modulus; beyond emLength octets it must be zero.
  if (encoded.length < emLength || !isZero(encoded.subarray(0, encoded.length - emLength))) return false
  const em = encoded.subarray(encoded.length - emLength)
  // Steps 3 to 5.
  if (emLength < hash.length * 2 + 2 || em.at(-1) !== 0xbc) return false
  const maskedDb = em.subarray(0, emLength - hash.length - 1)
  const h = em.subarray(maskedDb.length, -1)
  // Steps 6 to 9.
  const firstMask = 0xff >> (8 * emLength - emBits)
  if (((maskedDb[0] ?? 0xff) & ~firstMask) !== 0) return false
  const db = xor(maskedDb, mgf1(hash, h, maskedDb.length))
  db[0] = (db[0] ?? 0) & firstMask
  // Steps 10 and 11.
  const zeros = emLength - hash.length * 2 - 2
  if (!isZero(db.subarray(0, zeros)) || db[zeros] !== 0x01) return false
  // Steps 12 to 14.
  const salt = db.subarray(zeros + 1)
  const expected = createHash(hash.node).update(Buffer.alloc(8)).update(digest).update(salt).digest()
  return expected.equals(h)
}

/** MGF1 (RFC 8017, B.2.1). */
function mgf1(hash: HashRow, seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = []
  const counter = Buffer.alloc(4)
  for (let i = 0; i * hash.length < length; i++) {
    counter.writeUInt32BE(i)
    blocks.push(createHash(hash.node).update(seed).update(counter).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}

const isZero = (octets: Buffer): boolean => octets.every((octet) => octet === 0)

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((octet, i) => octet ^ (b[i] ?? 0)))
