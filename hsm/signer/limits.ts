import { createHmac, randomBytes } from 'node:crypto'

/**
 * Failed activations of one key that a signer bears within one window. Postgres throttles people long before; this
 * holds against a service process that was taken over and would try PINs as fast as the token answers. Twenty tries at
 * a six-digit PIN, an hour and a signer process: a year of guessing finds one in three with two signers.
 */
export const MAX_FAILURES = 20
export const WINDOW_MS = 60 * 60 * 1000
/** Counters. Keys share one by chance: a million of them keeps that rare, and one octet each keeps it small. */
const SLOTS = 2 ** 20

/**
 * Counts failures per key in a table of fixed size: it cannot be made to grow, and no flood of other keys pushes a
 * count out. Which keys share a counter is drawn at random for each process, so that nobody can aim for it.
 */
export class FailureLimit {
  readonly #counts = new Uint8Array(SLOTS)
  readonly #salt = randomBytes(32)
  readonly #clock: () => number
  #windowEnds = 0

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Whether one more try is borne. */
  allows(spki: Buffer): boolean {
    const now = this.#clock()
    if (now >= this.#windowEnds || now < this.#windowEnds - WINDOW_MS) {
      this.#counts.fill(0)
      this.#windowEnds = now + WINDOW_MS
    }
    return (this.#counts[this.#slot(spki)] ?? MAX_FAILURES) < MAX_FAILURES
  }

  /** Before the comparison: others of the same key may be under way. */
  failed(spki: Buffer): void {
    const slot = this.#slot(spki)
    this.#counts[slot] = Math.min((this.#counts[slot] ?? 0) + 1, MAX_FAILURES)
  }

  /** It did not fail after all. */
  takeBack(spki: Buffer): void {
    const slot = this.#slot(spki)
    this.#counts[slot] = Math.max((this.#counts[slot] ?? 0) - 1, 0)
  }

  #slot(spki: Buffer): number {
    return createHmac('sha256', this.#salt).update(spki).digest().readUInt32BE(0) % SLOTS
  }
}

/** Authorisations without digests whose use is remembered; the oldest go first. */
const MAX_COUNTED = 200_000

/**
 * What an authorisation without digests (SCAL 1) has left, and what it was extended to with it. Postgres spends each
 * occurrence; this is the signer's own brake, within one process and its memory: an authorisation for one signature is
 * not good for many.
 */
export class Spending {
  readonly #used = new Map<string, number>()

  /** Takes `wanted` of `count`; false, and nothing taken, if so many are not left. */
  take(authorisation: string, wanted: number, count: number): boolean {
    const used = this.#used.get(authorisation) ?? 0
    if (used + wanted > count) return false
    this.#used.set(authorisation, used + wanted)
    if (this.#used.size > MAX_COUNTED) {
      for (const oldest of this.#used.keys()) {
        this.#used.delete(oldest)
        break
      }
    }
    return true
  }

  /** Gives back what was not signed. */
  giveBack(authorisation: string, unused: number): void {
    const used = this.#used.get(authorisation)
    if (used !== undefined) this.#used.set(authorisation, Math.max(0, used - unused))
  }
}
