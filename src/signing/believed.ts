import type { AuthorisationRecord } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { findBySad } from '../db/authorisations.ts'
import type { Database } from '../db/database.ts'

/** How long what was found is believed. The reservation asks again for all that may have changed meanwhile. */
const BELIEVED_MS = 1_000
/** SADs in use within a second on one replica, and digests that they name: some 30 MB. */
const MAX_SADS = 10_000
const MAX_DIGESTS = 100_000

/** What is found: it says what was authorised, at least. */
interface Finding {
  readonly authorisation: AuthorisationRecord
}

interface Entry<F> {
  readonly until: number
  readonly found: F
}

/** What SADs were found to stand for, by their SHA-256, a second ago at most. The first is the oldest. */
class Believed<F extends Finding> {
  /** Lookups under way: the requests of one SAD tend to come together. */
  readonly pending = new Map<string, Promise<F | undefined>>()
  readonly #entries = new Map<string, Entry<F>>()
  #digests = 0

  get(name: string): F | undefined {
    this.#letGo((entry) => entry.until <= performance.now())
    return this.#entries.get(name)?.found
  }

  keep(name: string, found: F): void {
    this.#remove(name)
    this.#entries.set(name, { until: performance.now() + BELIEVED_MS, found })
    this.#digests += weight(found)
    this.#letGo(() => this.#entries.size > MAX_SADS || this.#digests > MAX_DIGESTS)
  }

  #letGo(isTooMuch: (oldest: Entry<F>) => boolean): void {
    for (const [name, entry] of this.#entries) {
      if (!isTooMuch(entry)) return
      this.#remove(name)
    }
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    this.#digests -= weight(entry.found)
  }
}

const weight = ({ authorisation }: Finding): number => authorisation.digests?.length ?? 0

type Find<F> = (db: Database, sadHash: Buffer) => Promise<F | undefined>
type Believing<F> = (
  ctx: Context,
  asked: { readonly sadHash: Buffer; readonly signatures: number },
  isUsable: (found: F) => boolean,
) => Promise<F | undefined>

/**
 * Finds what a SAD stands for. One that is for more signatures than are asked for now is looked up once a second. Of what
 * `isUsable` says no to nothing is remembered: a refusal is never decided by what is, or was asked for by somebody else.
 */
export function believing<F extends Finding>(find: Find<F>): Believing<F> {
  const believedOf = new WeakMap<Database, Believed<F>>()
  return async ({ db }, asked, isUsable) => {
    const believed = believedOf.get(db) ?? new Believed<F>()
    believedOf.set(db, believed)
    const name = asked.sadHash.toString('latin1')
    const isGood = (found: F | undefined): found is F => found !== undefined && isUsable(found)
    const known = believed.get(name) ?? (await believed.pending.get(name)?.catch(() => undefined))
    if (isGood(known)) return known
    const lookup = find(db, asked.sadHash)
    believed.pending.set(name, lookup)
    try {
      const found = await lookup
      if (isGood(found) && found.authorisation.count > asked.signatures) believed.keep(name, found)
      return found
    } finally {
      if (believed.pending.get(name) === lookup) believed.pending.delete(name)
    }
  }
}

export const findBelieved = believing(findBySad)
