import { setTimeout as pause } from 'node:timers/promises'
import { Dice, mutated } from './mutate.ts'
import type { Target } from './target.ts'

/** Longer than any input may take. What is slow by itself is slow each time; a machine that does other things is not. */
const SLOW_MS = 100
const TRIES = 24
/** Those after the first few wait for the machine to be done with what else it does. */
const PATIENT_AFTER = 4
const REST_MS = 250
/** Of so many inputs, one goes by HTTP. */
const BY_HTTP = 10
/** Failures that are shown. */
const SHOWN = 5

export interface Outcome {
  readonly inputs: number
  /** What was said, and how often. */
  readonly said: ReadonlyMap<string, number>
  /** Milliseconds that the slowest one took, in this process. */
  readonly slowestMs: number
  /** What must not be, with the input in hex. */
  readonly failures: readonly string[]
}

/** Asks a target so many changed inputs; where nothing changed, it must still say what it says of its seeds. */
export async function campaign(
  target: Target,
  { inputs, seed }: { inputs: number; seed: string },
): Promise<Outcome> {
  const dice = new Dice(seed)
  const said = new Map<string, number>()
  const failures: string[] = []
  let slowestMs = 0
  for (const input of target.seeds) await judge(input, target.ask)
  for (let n = 0; n < inputs; n++)
    await judge(mutated(target.seeds, dice), n % BY_HTTP === 0 ? target.send : target.ask)
  return { inputs, said, slowestMs, failures: failures.slice(0, SHOWN) }

  async function judge(input: Buffer, ask: Target['ask']): Promise<void> {
    const { word, ms } = await timed(input, ask)
    let best = ms
    for (let tries = 1; tries < TRIES && best > SLOW_MS; tries++) {
      if (tries >= PATIENT_AFTER) await pause(REST_MS)
      best = Math.min(best, (await timed(input, ask)).ms)
    }
    slowestMs = Math.max(slowestMs, best)
    said.set(word, (said.get(word) ?? 0) + 1)
    if (!target.words.includes(word)) failures.push(`${word}: ${shown(input)}`)
    if (best > SLOW_MS) failures.push(`${best.toFixed(0)} ms: ${shown(input)}`)
  }
}

async function timed(input: Buffer, ask: Target['ask']): Promise<{ word: string; ms: number }> {
  const startedAt = performance.now()
  const word = await ask(input).catch((error: unknown) => `threw ${String(error)}`)
  return { word, ms: performance.now() - startedAt }
}

const shown = (input: Buffer): string => `${String(input.length)} octets ${input.toString('hex', 0, 2_000)}`
