import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long work that is not asynchronous may go on, in all, before whatever else came in has its turn of the event loop. */
const TURN_MS = 5

/** When the work of this turn of the loop began. */
let begunAt: number | undefined

/**
 * To be awaited before each piece of such work, say a millisecond of it: of many requests that came at once, so many go on in
 * this turn as it has room for.
 */
export async function yieldToOthers(): Promise<void> {
  while (begunAt !== undefined && performance.now() - begunAt >= TURN_MS) await nextTurn()
  if (begunAt !== undefined) return
  begunAt = performance.now()
  setImmediate(() => (begunAt = undefined))
}
