import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeActivation, decodeCredential, decodeKey, decodeSealedAuthorisation } from '../codec.ts'
import {
  canonicalActivation,
  canonicalAuthorisation,
  canonicalCredential,
  canonicalKey,
  canonicalMac,
  type ActivationRecord,
  type AuthorisationRecord,
  type CredentialRecord,
  type KeyRecord,
  type Sealed,
} from '../records.ts'
import { refuse } from './answer.ts'
import type { Secrets } from './secrets.ts'

/** Memory for records that were found good: some 40,000 keys. */
const REMEMBERED_OCTETS = 64 * 1024 * 1024
/** What a record takes in memory: its octets as buffers of their own, and the entry. */
const footprint = (octets: Buffer): number => 512 + 4 * octets.length

interface Remembered {
  readonly record: object
  readonly octets: number
}

/**
 * Checks seals. What was found good is remembered by content, that is by the SHA-256 of kind and octets, so an altered
 * record is another record.
 */
export class Seals {
  readonly #secrets: Secrets
  readonly #good = new Map<string, Remembered>()
  #octets = 0

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  key(octets: Buffer): Sealed<KeyRecord> {
    return this.#check('key', octets, (copy) => {
      const record = decodeKey(copy)
      return { record, seal: this.seal(canonicalKey(record)) }
    })
  }

  activation(octets: Buffer): Sealed<ActivationRecord> {
    return this.#check('activation', octets, (copy) => {
      const record = decodeActivation(copy)
      return { record, seal: this.seal(canonicalActivation(record)) }
    })
  }

  /** Sealed by the service under its MAC: it links what the service decides, but no one who only writes rows. */
  credential(octets: Buffer): Sealed<CredentialRecord> {
    return this.#check('credential', octets, (copy) => {
      const record = decodeCredential(copy)
      return {
        record,
        seal: this.#secrets.hmac('mac', canonicalMac('credential', canonicalCredential(record))),
      }
    })
  }

  /** @param spki of the key that is to be used with it. */
  authorisation(octets: Buffer, spki: Buffer): Sealed<AuthorisationRecord> {
    return this.#check(`authorisation ${spki.toString('hex')}`, octets, (copy) => {
      const record = decodeSealedAuthorisation(copy)
      return { record, seal: this.seal(canonicalAuthorisation(record, spki)) }
    })
  }

  /** @param content from a `canonical…` function of records.ts; each begins with its own kind. */
  seal(content: Buffer): Buffer {
    return this.#secrets.hmac('seal', content)
  }

  #check<T extends object>(
    kind: string,
    octets: Buffer,
    read: (copy: Buffer) => { record: Sealed<T>; seal: Buffer },
  ): Sealed<T> {
    const name = createHash('sha256').update(kind).update('\0').update(octets).digest('binary')
    const known = this.#good.get(name)
    if (known !== undefined) {
      // Last used, last to go.
      this.#good.delete(name)
      this.#good.set(name, known)
      return known.record as Sealed<T>
    }
    // A copy of its own: the frame must not be kept in memory by what is remembered.
    const { record, seal } = read(Buffer.from(octets))
    if (!timingSafeEqual(seal, record.seal)) {
      throw refuse('seal', `The seal of the ${kind.split(' ')[0]} is broken.`)
    }
    this.#remember(name, { record, octets: footprint(octets) })
    return record
  }

  #remember(name: string, entry: Remembered): void {
    this.#good.set(name, entry)
    this.#octets += entry.octets
    for (const [oldest, { octets }] of this.#good) {
      if (this.#octets <= REMEMBERED_OCTETS) break
      this.#good.delete(oldest)
      this.#octets -= octets
    }
  }
}
