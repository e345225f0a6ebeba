import { sign, type KeyObject } from 'node:crypto'
import { schemes, type SchemeName } from '../../../hsm/algorithms.ts'
import { bitString } from '../../../hsm/der.ts'
import { context, sequence, smallInteger } from '../../../src/der/write.ts'
import { keyOfPkcs10 } from '../../../src/pki/pkcs10.ts'
import { Refusal } from '../../../src/refusal.ts'

export const spkiOf = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' })

/** DER of a request. @param of.spki another key than the one that signs */
export function requestOf(of: {
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  readonly scheme: SchemeName
  readonly spki?: Buffer
  readonly version?: number
}): Buffer {
  const { keys, scheme, spki = spkiOf(keys.publicKey), version = 0 } = of
  const info = sequence(smallInteger(version), sequence(), spki, context(0))
  const { hash, algorithmIdentifier } = schemes[scheme]
  return sequence(info, algorithmIdentifier, bitString(sign(hash?.node, info, keys.privateKey)))
}

export const pkcs10Pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`

/** @returns the public message; 'nothing' where it is taken */
export function refusalOf(request: Buffer): string {
  try {
    keyOfPkcs10(request)
  } catch (error) {
    if (error instanceof Refusal && error.code === 'invalid_request') return error.message
    throw error
  }
  return 'nothing'
}

/** Requests that were altered somewhere: octets changed, cut out, doubled, put in. The same ones for the same seed. */
export function* mutations(of: Buffer, { count, seed }: { count: number; seed: number }): Generator<Buffer> {
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (let n = 0; n < count; n++) {
    let made = Buffer.from(of)
    for (let change = 0; change <= random(3); change++) {
      const [at, length] = [random(made.length), random(8)]
      const kinds = [
        () => made.fill(random(256), at, at + 1),
        () => Buffer.concat([made.subarray(0, at), made.subarray(at + length)]),
        () => Buffer.concat([made.subarray(0, at + length), made.subarray(at)]),
        () => Buffer.concat([made.subarray(0, at), Buffer.alloc(length, random(256)), made.subarray(at)]),
        () => made.subarray(0, at),
      ]
      made = Buffer.from(kinds[random(kinds.length)]?.() ?? made)
    }
    yield made
  }
}

/** Judges each; the slowest, in ms. @throws whatever is no Refusal */
export function worstOf(requests: Iterable<Buffer>): { readonly taken: Buffer[]; readonly worstMs: number } {
  const taken: Buffer[] = []
  let worstMs = 0
  for (const request of requests) {
    const startedAt = performance.now()
    if (refusalOf(request) === 'nothing') taken.push(request)
    worstMs = Math.max(worstMs, performance.now() - startedAt)
  }
  return { taken, worstMs }
}
