import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * How long such work may go on before whatever else came in has its turn of the event loop. Some four pieces; more made one
 * request in a hundred wait for 20 ms, fewer gain nothing.
 */
const TURN_MS = 2

/** When the work of this turn of the loop began. */
let begunAt: number | undefined
/** What is under way, and all that waits for it. */
let last: Promise<unknown> = Promise.resolve()

/**
 * For work that waits for nothing, and takes long: one piece after the other, since two at once would be no sooner done. Of
 * many requests that came together, so many go on in a turn of the event loop as it has room for.
 */
export function yielding<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(async () => {
    if (begunAt !== undefined && performance.now() - begunAt >= TURN_MS) await nextTurn()
    begunAt ??= begin()
    return work()
  })
  last = mine.catch(() => undefined)
  return mine
}

function begin(): number {
  setImmediate(() => (begunAt = undefined))
  return performance.now()
}
