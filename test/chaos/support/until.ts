import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/** Waits for a fact. @throws Error with the sentence, when it does not come in time */
export async function until(
  fact: () => boolean | Promise<boolean>,
  { withinMs, otherwise }: { readonly withinMs: number; readonly otherwise: () => string },
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await fact())) {
    if (performance.now() > end) throw new Error(otherwise())
    await delay(POLL_MS)
  }
}
