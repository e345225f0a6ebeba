import type { Context } from '../context.ts'
import { certIdHashes, tidyOcsp, type CertIdHash } from '../db/ocsp.ts'
import { settleCounters } from '../signing/signCounted.ts'
import { isTimeTrusted, likelyTime } from './clock.ts'
import { Ocsp } from './ocsp.ts'

/** How often it is looked which answers are to be signed anew. */
const LOOK_MS = 1_000
/** How many are signed anew in one look; the others follow in the next. */
const AT_ONCE = 64
/** How often it is looked whether a responder is to be followed by a new one, and what may be forgotten. */
const ROLL_OVER_MS = 60_000

const made = new WeakMap<Context, Ocsp>()

/** Who answers in this process: one for each context, whichever listener is asked. */
export function ocspOf(ctx: Context): Ocsp {
  const ocsp = made.get(ctx) ?? new Ocsp(ctx)
  made.set(ctx, ocsp)
  return ocsp
}

/**
 * Keeps answers signed ahead while they are asked for: anew when half of their life is over; and responders, when half of
 * theirs is. @returns ends it, and settles what was counted
 */
export function startOcsp(ctx: Context): () => Promise<void> {
  const ocsp = ocspOf(ctx)
  const loops = [
    loop(ctx, LOOK_MS, () => refreshDue(ctx, ocsp)),
    loop(ctx, ROLL_OVER_MS, async () => {
      for (const authority of await ocsp.authorities.all()) await ocsp.responders.rollOver(authority)
      await tidyOcsp(ctx.db)
    }),
  ]
  return async () => {
    await Promise.all(loops.map((stop) => stop()))
    await settleCounters(ctx)
  }
}

/** Those that were asked for since they were signed; what nobody asks for ends, and is signed when somebody does. */
export async function refreshDue(ctx: Context, ocsp: Ocsp): Promise<void> {
  // Nothing is signed while nobody knows the time. What is signed already lasts as long as it says.
  if (!isTimeTrusted(ctx)) return
  const now = likelyTime(ctx)
  const due: (readonly [Buffer, CertIdHash])[] = []
  for (const [serial, { answers }] of ocsp.statuses.held()) {
    for (const hash of certIdHashes) {
      const held = answers.get(hash)
      if (held?.wasAskedFor === true && now >= held.refreshAt) due.push([Buffer.from(serial, 'latin1'), hash])
    }
    if (due.length >= AT_ONCE) break
  }
  await Promise.all(due.map(([serial, hash]) => ocsp.refresh(serial, hash)))
}

/** One look after another, never two at once. @returns ends it, and resolves when the last one has */
function loop(ctx: Context, everyMs: number, look: () => Promise<void>): () => Promise<void> {
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) =>
        ctx.log.warn({ err: error }, 'OCSP answers are not looked after; the next look is soon'),
      )
      .finally(() => {
        looking = undefined
      })
  }, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await looking
  }
}
