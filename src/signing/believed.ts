import type { Context } from '../context.ts'
import { findBySad, type Found } from '../db/authorisations.ts'

/** How long what was found is believed. The reservation asks again for all that may have changed meanwhile. */
const BELIEVED_MS = 1_000
/** SADs in use within a second on one replica, and digests that they name: some 30 MB. */
const MAX_SADS = 10_000
const MAX_DIGESTS = 100_000

interface Entry {
  readonly until: number
  readonly found: Found
}

/** What SADs were found to stand for, by their SHA-256, a second ago at most. The first is the oldest. */
class Believed {
  /** Lookups under way: the requests of one SAD tend to come together. */
  readonly pending = new Map<string, Promise<Found | undefined>>()
  readonly #entries = new Map<string, Entry>()
  #digests = 0

  get(name: string): Found | undefined {
    this.#letGo((entry) => entry.until <= performance.now())
    return this.#entries.get(name)?.found
  }

  keep(name: string, found: Found): void {
    this.#remove(name)
    this.#entries.set(name, { until: performance.now() + BELIEVED_MS, found })
    this.#digests += weight(found)
    this.#letGo(() => this.#entries.size > MAX_SADS || this.#digests > MAX_DIGESTS)
  }

  #letGo(isTooMuch: (oldest: Entry) => boolean): void {
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

const weight = ({ authorisation }: Found): number => authorisation.digests?.length ?? 0

const believedOf = new WeakMap<Context['db'], Believed>()

/**
 * Finds what a SAD stands for. One that is for more signatures than are asked for now is looked up once a second.
 * @param isUsable a refusal is never decided by what is remembered, or was asked for by somebody else
 */
export async function findBelieved(
  ctx: Context,
  asked: { readonly sadHash: Buffer; readonly signatures: number },
  isUsable: (found: Found) => boolean,
): Promise<Found | undefined> {
  const believed = believedOf.get(ctx.db) ?? new Believed()
  believedOf.set(ctx.db, believed)
  const name = asked.sadHash.toString('latin1')
  const isGood = (found: Found | undefined): found is Found => found !== undefined && isUsable(found)
  const known = believed.get(name) ?? (await believed.pending.get(name)?.catch(() => undefined))
  if (isGood(known)) return known
  const lookup = findBySad(ctx.db, asked.sadHash)
  believed.pending.set(name, lookup)
  try {
    const found = await lookup
    if (isGood(found) && found.authorisation.count > asked.signatures) believed.keep(name, found)
    return found
  } finally {
    if (believed.pending.get(name) === lookup) believed.pending.delete(name)
  }
}
