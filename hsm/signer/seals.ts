import { timingSafeEqual } from 'node:crypto'
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
import { nameOf, type Reference } from '../sealedOctets.ts'
import { Failure, refuse } from './answer.ts'
import type { Secrets } from './secrets.ts'

/** Memory for records that were found good: some 40,000 keys. */
const REMEMBERED_OCTETS = 64 * 1024 * 1024
/** What a record takes in memory: its octets as buffers of their own, and the entry. */
const footprint = (octets: Buffer): number => 512 + 4 * octets.length

interface Records {
  readonly key: KeyRecord
  readonly activation: ActivationRecord
  readonly credential: CredentialRecord
  readonly authorisation: AuthorisationRecord
}
type Kind = keyof Records

/** A record as it came, and what its seal is if it is good. */
interface Claim<T> {
  readonly record: Sealed<T>
  readonly by: 'seal' | 'mac'
  readonly content: Buffer
}

const claims: { readonly [K in Kind]: (octets: Buffer, spki: Buffer) => Claim<Records[K]> } = {
  key: (octets) => {
    const record = decodeKey(octets)
    return { record, by: 'seal', content: canonicalKey(record) }
  },
  activation: (octets) => {
    const record = decodeActivation(octets)
    return { record, by: 'seal', content: canonicalActivation(record) }
  },
  credential: (octets) => {
    const record = decodeCredential(octets)
    return { record, by: 'mac', content: canonicalMac('credential', canonicalCredential(record)) }
  },
  authorisation: (octets, spki) => {
    const record = decodeSealedAuthorisation(octets)
    return { record, by: 'seal', content: canonicalAuthorisation(record, spki) }
  },
}

const NONE = Buffer.alloc(0)

/** What a record was found good for: nothing else, whatever its octets could be read as. */
interface Use {
  readonly kind: Kind
  /** The public key that an authorisation goes with; none for the others. */
  readonly spki?: Buffer
}

interface Remembered extends Use {
  readonly record: object
  readonly octets: number
}

/**
 * Checks seals. What was found good is remembered by content, that is by the SHA-256 of its octets, together with what
 * it was found good for: a name stands for nothing else, and an altered record has another name.
 */
export class Seals {
  readonly #secrets: Secrets
  /** Two halves: when the younger is full, the older one goes. What is used moves to the younger. */
  #young = new Map<string, Remembered>()
  #old = new Map<string, Remembered>()
  #youngOctets = 0

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  key(reference: Reference): Sealed<KeyRecord> {
    return this.#check({ kind: 'key' }, reference)
  }

  activation(reference: Reference): Sealed<ActivationRecord> {
    return this.#check({ kind: 'activation' }, reference)
  }

  /** Sealed by the service under its MAC: it links what the service decides, but no one who only writes rows. */
  credential(reference: Reference): Sealed<CredentialRecord> {
    return this.#check({ kind: 'credential' }, reference)
  }

  /**
   * @param use.spki of the key that is to be used with it
   * @param use.wanted signatures that are asked for now: one that is for no more is not worth remembering
   */
  authorisation(
    reference: Reference,
    use: { readonly spki: Buffer; readonly wanted: number },
  ): Sealed<AuthorisationRecord> {
    const { spki, wanted } = use
    return this.#check({ kind: 'authorisation', spki }, reference, ({ count }) => count > wanted)
  }

  /** @param content from a `canonical…` function of records.ts; each begins with its own kind. */
  seal(content: Buffer): Buffer {
    return this.#secrets.hmac('seal', content)
  }

  /** The same, while the signer does other work. */
  sealMeanwhile(content: Buffer): Promise<Buffer> {
    return this.#secrets.hmacMeanwhile('seal', content)
  }

  /**
   * Finds a record good, if it is, while the signer does other work; where the token is slow, before it is asked for in
   * earnest. Decides nothing.
   */
  async learn(use: Use, reference: Reference | undefined): Promise<void> {
    if (reference === undefined || 'name' in reference) return
    const name = nameOf(reference.octets)
    const known = this.#recall(name)
    if (known !== undefined && isFor(known, use)) return
    const claim = claims[use.kind](Buffer.from(reference.octets), use.spki ?? NONE)
    const mac = await this.#secrets.hmacMeanwhile(claim.by, claim.content)
    if (timingSafeEqual(mac, claim.record.seal)) {
      this.#keep(name, { ...use, record: claim.record, octets: footprint(reference.octets) })
    }
  }

  #check<K extends Kind>(
    use: Use & { kind: K },
    reference: Reference,
    isKept: (record: Records[K]) => boolean = () => true,
  ): Sealed<Records[K]> {
    const name = 'name' in reference ? reference.name : nameOf(reference.octets)
    const known = this.#recall(name)
    if (known !== undefined && isFor(known, use)) return known.record as Sealed<Records[K]>
    if ('name' in reference) throw new Failure('forgotten', `No such ${use.kind} is known here.`)
    // A copy of its own: the frame must not be kept in memory by what is remembered.
    const claim = claims[use.kind](Buffer.from(reference.octets), use.spki ?? NONE)
    if (!timingSafeEqual(this.#secrets.hmac(claim.by, claim.content), claim.record.seal)) {
      throw refuse('seal', `The seal of the ${use.kind} is broken.`)
    }
    if (isKept(claim.record))
      this.#keep(name, { ...use, record: claim.record, octets: footprint(reference.octets) })
    return claim.record
  }

  #recall(name: string): Remembered | undefined {
    const young = this.#young.get(name)
    if (young !== undefined) return young
    const old = this.#old.get(name)
    if (old !== undefined) this.#keep(name, old)
    return old
  }

  #keep(name: string, entry: Remembered): void {
    this.#youngOctets += entry.octets - (this.#young.get(name)?.octets ?? 0)
    this.#young.set(name, entry)
    if (this.#youngOctets <= REMEMBERED_OCTETS / 2) return
    this.#old = this.#young
    this.#young = new Map()
    this.#youngOctets = 0
  }
}

const isFor = (known: Remembered, use: Use): boolean =>
  known.kind === use.kind &&
  (known.spki === use.spki ||
    (known.spki !== undefined && use.spki !== undefined && known.spki.equals(use.spki)))
