import type { AuthorisationRecord } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import type { Database } from '../db/database.ts'

/** How long what was found is believed. The reservation asks again for all that may have changed meanwhile. */
const BELIEVED_MS = 1_000
/** What is in use within a second on one replica, and digests that it names: some 30 MB. */
const MAX_ENTRIES = 10_000
const MAX_DIGESTS = 100_000

interface Entry<Found> {
  readonly until: number
  readonly weight: number
  readonly found: Found
}

/** What was found by each name, a second ago at most. The first is the oldest. */
class Believed<Found> {
  /** Lookups under way: the requests of one SAD, or of one key, tend to come together. */
  readonly pending = new Map<string, Promise<Found | undefined>>()
  readonly #entries = new Map<string, Entry<Found>>()
  #weight = 0

  get(name: string): Found | undefined {
    this.#letGo((entry) => entry.until <= performance.now())
    return this.#entries.get(name)?.found
  }

  keep(name: string, { found, weight }: Pick<Entry<Found>, 'found' | 'weight'>): void {
    this.#remove(name)
    this.#entries.set(name, { until: performance.now() + BELIEVED_MS, weight, found })
    this.#weight += weight
    this.#letGo(() => this.#entries.size > MAX_ENTRIES || this.#weight > MAX_DIGESTS)
  }

  #letGo(isTooMuch: (oldest: Entry<Found>) => boolean): void {
    for (const [name, entry] of this.#entries) {
      if (!isTooMuch(entry)) return
      this.#remove(name)
    }
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    this.#weight -= entry.weight
  }
}

interface Finding<Asked, Found> {
  readonly find: (db: Database, asked: Asked) => Promise<Found | undefined>
  /** What it is remembered by: different for all that differs in what is found. */
  readonly nameOf: (asked: Asked) => string
  /** What nothing says no to: a refusal is never decided by what is remembered, or was asked for by somebody else. */
  readonly isUsable: (found: Found) => boolean
  /** Whether it will be asked for again. */
  readonly isKept: (found: Found, asked: Asked) => boolean
  /** Digests that it names. */
  readonly weightOf: (found: Found) => number
}

/** A lookup that is made once a second for what is asked for again and again. */
export function believing<Asked, Found>(
  it: Finding<Asked, Found>,
): (ctx: Context, asked: Asked) => Promise<Found | undefined> {
  const believedOf = new WeakMap<Database, Believed<Found>>()
  const isGood = (found: Found | undefined): found is Found => found !== undefined && it.isUsable(found)
  return async ({ db }, asked) => {
    const believed = believedOf.get(db) ?? new Believed<Found>()
    believedOf.set(db, believed)
    const name = it.nameOf(asked)
    const known = believed.get(name) ?? (await believed.pending.get(name)?.catch(() => undefined))
    if (isGood(known)) return known
    const lookup = it.find(db, asked)
    believed.pending.set(name, lookup)
    try {
      const found = await lookup
      if (isGood(found) && it.isKept(found, asked)) believed.keep(name, { found, weight: it.weightOf(found) })
      return found
    } finally {
      if (believed.pending.get(name) === lookup) believed.pending.delete(name)
    }
  }
}

interface AskedBySad {
  readonly sadHash: Buffer
  /** That are asked for now: a SAD that is for no more is not asked for again. */
  readonly signatures: number
}

/** Finds what a SAD stands for, by its SHA-256. */
export function believingSads<Found extends { readonly authorisation: AuthorisationRecord }>(
  find: (db: Database, sadHash: Buffer) => Promise<Found | undefined>,
  isUsable: (found: Found) => boolean,
): (ctx: Context, asked: AskedBySad) => Promise<Found | undefined> {
  return believing({
    find: (db, { sadHash }: AskedBySad) => find(db, sadHash),
    nameOf: ({ sadHash }) => sadHash.toString('latin1'),
    isUsable,
    isKept: ({ authorisation }, { signatures }) => authorisation.count > signatures,
    weightOf: ({ authorisation }) => authorisation.digests?.length ?? 0,
  })
}
