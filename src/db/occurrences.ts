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
        return positionAt(positionsOf(named).get(digest), turn)
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
}

/** Where a digest stands, from 1; each place where it stands more than once. */
type Positions = number | readonly number[]

const positions = new WeakMap<readonly Buffer[], ReadonlyMap<string, Positions>>()

/** Where each digest of a list stands, by its octets as latin1: made once for a list, and kept as long as the list is. */
export function positionsOf(named: readonly Buffer[]): ReadonlyMap<string, Positions> {
  const known = positions.get(named)
  if (known !== undefined) return known
  const made = new Map<string, number | number[]>()
  named.forEach((octets, index) => {
    const digest = octets.toString('latin1')
    const before = made.get(digest)
    const position = index + 1
    if (before === undefined) made.set(digest, position)
    else if (typeof before === 'number') made.set(digest, [before, position])
    else before.push(position)
  })
  positions.set(named, made)
  return made
}

function positionAt(where: Positions | undefined, turn: number): number {
  if (typeof where === 'number') return turn === 0 ? where : NOWHERE
  return where?.[turn] ?? NOWHERE
}

const dealers = new WeakMap<Queries, Dealer>()

/** The one of a database. */
export function dealerOf(db: Queries): Dealer {
  const dealer = dealers.get(db) ?? new Dealer()
  dealers.set(db, dealer)
  return dealer
}
