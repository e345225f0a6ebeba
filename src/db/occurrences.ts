import type { Queries } from './database.ts'

export interface Asking {
  readonly authorisationId: string
  readonly inputs: readonly Buffer[]
  /** Every digest that the authorisation names, in its order; undefined where it names none. */
  readonly named: readonly Buffer[] | undefined
}

/** No occurrence stands at it. */
const NOWHERE = 0
/** Authorisations without digests of which some occurrences are known to be taken. */
const MAX_REMEMBERED = 10_000

/**
 * Which occurrence each input of a batch shall try: a guess, which saves the database a search. It decides nothing: an
 * occurrence is taken only if it is free.
 */
export class Dealer {
  /** The first position that was not dealt yet, by authorisation, where digests are not named. */
  readonly #next = new Map<string, number>()
  readonly #positions = new WeakMap<readonly Buffer[], ReadonlyMap<string, readonly number[]>>()

  /** @returns positions, one for each input, in order; no two of them for one occurrence */
  deal(items: readonly Asking[]): number[] {
    const dealt = new Map<string, number>()
    return items.flatMap(({ authorisationId, inputs, named }) =>
      inputs.map((input) => {
        if (named === undefined) return this.#following(authorisationId)
        const digest = input.toString('latin1')
        const name = `${authorisationId} ${digest}`
        const turn = dealt.get(name) ?? 0
        dealt.set(name, turn + 1)
        return this.#positionsOf(named).get(digest)?.[turn] ?? NOWHERE
      }),
    )
  }

  #following(authorisationId: string): number {
    const position = this.#next.get(authorisationId) ?? 1
    this.#next.set(authorisationId, position + 1)
    const [oldest] = this.#next.keys()
    if (this.#next.size > MAX_REMEMBERED && oldest !== undefined) this.#next.delete(oldest)
    return position
  }

  #positionsOf(named: readonly Buffer[]): ReadonlyMap<string, readonly number[]> {
    const known = this.#positions.get(named)
    if (known !== undefined) return known
    const positions = new Map<string, number[]>()
    named.forEach((digest, index) => {
      const name = digest.toString('latin1')
      const list = positions.get(name)
      if (list === undefined) positions.set(name, [index + 1])
      else list.push(index + 1)
    })
    this.#positions.set(named, positions)
    return positions
  }
}

const dealers = new WeakMap<Queries, Dealer>()

/** The one of a database. */
export function dealerOf(db: Queries): Dealer {
  const dealer = dealers.get(db) ?? new Dealer()
  dealers.set(db, dealer)
  return dealer
}
