import { Refusal } from '../refusal.ts'
import { currentSpan, inSharedSpan } from '../tracing.ts'
import type { Database, Queries } from './database.ts'

/**
 * Requests that are worth a statement and its flush; company that is waited for. On one that is busy elsewhere, say with
 * RSA, statements for one or two requests each cost a third of all processor time.
 */
const COMPANY = 12
/** Milliseconds that a statement waits for it: so many for each request under way, for only these can come, */
const PATIENCE_MS = 0.3
/** at most so many, */
const MAX_PATIENCE_MS = 20
/** and not at all where it would be less than a timer can measure. */
const MIN_PATIENCE_MS = 1

/** Rows that one statement takes at most: beyond that its latency, not its count of commits, is what callers feel. */
const MAX_ROWS = 4_000

interface Waiting<In, Out> {
  readonly item: In
  /** Of the request that waits, if it is traced. */
  readonly span: ReturnType<typeof currentSpan>
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
}

export interface GroupOptions<In, Out> {
  /** The statement's. */
  readonly name: string
  /** One statement for all items; one answer for each, in order. It throws only if nothing was done for any of them. */
  readonly flush: (db: Queries, items: readonly In[]) => Promise<Out[]>
  /** Rows that an item adds to the statement. */
  readonly rows: (item: In) => number
  /** Absent: any go together. Items of one name never share a statement, where it could not write their row twice. */
  readonly apart?: (item: In) => string
}

const underWay = new WeakMap<Database, number>()

/** Requests for signatures that are under way: what can wait makes way for them. */
export function signaturesUnderWay(db: Database): number {
  return underWay.get(db) ?? 0
}

/** Counts what goes on meanwhile as a request that brings more items soon. */
export async function countedIn<T>(db: Database, work: () => Promise<T>): Promise<T> {
  underWay.set(db, (underWay.get(db) ?? 0) + 1)
  try {
    return await work()
  } finally {
    underWay.set(db, (underWay.get(db) ?? 1) - 1)
  }
}

/**
 * Group commit: while one statement is on its way to the disk, the items that arrive wait and go together in the
 * next, so that durability costs one flush for all requests in flight; where many are under way, a few milliseconds are
 * waited for company. Resolves when the item's own row is durable.
 */
export function grouped<In, Out>(options: GroupOptions<In, Out>): (db: Database, item: In) => Promise<Out> {
  const groups = new WeakMap<Database, Group<In, Out>>()
  return (db, item) => {
    let group = groups.get(db)
    if (group === undefined) {
      group = new Group(db, options)
      groups.set(db, group)
    }
    return group.add(item)
  }
}

class Group<In, Out> {
  readonly #db: Database
  readonly #options: GroupOptions<In, Out>
  #waiting: Waiting<In, Out>[] = []
  #flushing = false
  #tellCompany: () => void = () => undefined

  constructor(db: Database, options: GroupOptions<In, Out>) {
    this.#db = db
    this.#options = options
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, span: currentSpan(), resolve, reject })
      if (this.#waiting.length >= COMPANY) this.#tellCompany()
      if (this.#flushing) return
      this.#flushing = true
      // What arrives in the same turn of the loop shares the first statement.
      setImmediate(() => void this.#drain())
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#company()
      await this.#flush(this.#next())
    }
    this.#flushing = false
  }

  async #company(): Promise<void> {
    const patience = Math.min(MAX_PATIENCE_MS, PATIENCE_MS * (underWay.get(this.#db) ?? 0))
    if (patience < MIN_PATIENCE_MS || this.#waiting.length >= COMPANY) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience)
      this.#tellCompany = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #next(): Waiting<In, Out>[] {
    const { rows: rowsOf, apart } = this.#options
    const names = new Set<string>()
    let rows = 0
    const end = this.#waiting.findIndex(({ item }, index) => {
      rows += rowsOf(item)
      const isNew = apart === undefined || names.size < names.add(apart(item)).size
      return index > 0 && (rows > MAX_ROWS || !isNew)
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end)
  }

  async #flush(batch: readonly Waiting<In, Out>[]): Promise<void> {
    const { name, flush } = this.#options
    this.#db.observer.batch(name, batch.length)
    try {
      const items = batch.map(({ item }) => item)
      const spans = batch.map(({ span }) => span)
      const outs = await inSharedSpan(`group ${name}`, spans, () => flush(this.#db, items))
      batch.forEach((waiting, index) => waiting.resolve(outs[index] as Out))
    } catch (error) {
      // One bad item must not fail its mates: each gets a statement of its own. When Postgres is away, all fail alike.
      const away = error instanceof Refusal && error.code === 'unavailable'
      if (batch.length === 1 || away) for (const waiting of batch) waiting.reject(error)
      else for (const waiting of batch) await this.#flush([waiting])
    }
  }
}
