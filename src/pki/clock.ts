import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import type { Database } from '../db/database.ts'
import { Refusal } from '../refusal.ts'
import { ClockWatch, type Trouble } from './clockWatch.ts'

/** Times of the database's that are written into what is signed are whole seconds. */
const SECOND_MS = 1_000
/** An operator's machine keeps time as others do; signing a request and its way here take less. */
const WORD_MS = 2_000

/** Nobody knows the time: what holds one is not made. Trying again makes sense. */
export class ClockRefusal extends Refusal {
  constructor() {
    super('unavailable', 'The clock of the service is not trusted at the moment', { retryAfter: 10 })
  }
}

const watches = new WeakMap<Database, ClockWatch>()

/**
 * Watches this machine's clock from now on. Resolves when it is trusted, and also when it is not after a while: then nothing
 * is dated until it is. @returns ends it
 */
export async function startClockWatch(ctx: Context): Promise<() => Promise<void>> {
  const watch = new ClockWatch(ctx)
  watches.set(ctx.db, watch)
  await watch.started()
  return async () => {
    watches.delete(ctx.db)
    await watch.stop()
  }
}

/**
 * The time to date something by that others rely on, milliseconds since 1970.
 * @throws ClockRefusal while the clock is not trusted, and where nobody watches it
 */
export function trustedTime(ctx: Context): number {
  const now = watches.get(ctx.db)?.now()
  if (now === undefined) throw new ClockRefusal()
  return now
}

/** Whether there is a time to date something by, for what is begun by nobody's request and can wait. */
export const isTimeTrusted = (ctx: Context): boolean => watches.get(ctx.db)?.now() !== undefined

/**
 * What time it most likely is, whether that is trusted or not: for what goes on meanwhile, such as giving out what was signed
 * before, and for nothing that is signed. A clock that jumped does not move it.
 */
export const likelyTime = (ctx: Context): number => watches.get(ctx.db)?.steady() ?? ctx.clock()

/**
 * A time that the database gave is one that this machine's clock agrees to: what is dated by it is neither from the future nor
 * older than it says, even where the database's clock was set a moment ago.
 * @param time.since what trustedTime gave before the database was asked @throws ClockRefusal
 */
export function checkTakenSince(ctx: Context, time: { readonly taken: Date; readonly since: number }): void {
  const { toleranceMs } = ctx.config.clock
  const taken = time.taken.getTime()
  const isOf = taken >= time.since - toleranceMs - SECOND_MS && taken <= trustedTime(ctx) + toleranceMs
  if (!isOf) throw new ClockRefusal()
}

/** What an operator is told of the clock of this process. */
export interface ClockState {
  readonly isTrusted: boolean
  readonly troubles: readonly Trouble[]
  readonly now: Date
}

export function clockState(ctx: Context): ClockState {
  const watch = watched(ctx)
  const { wall } = watch.shown()
  return { isTrusted: watch.isTrusted, troubles: watch.troubles, now: new Date(wall) }
}

/**
 * An operator's word that the clock, which jumped, shows the right time now. It counts where nobody else could know: there are
 * no time servers, the database's clock agrees, and so does the operator's own. Then it is trusted when it was right for a
 * while, as always.
 * @throws Refusal conflict
 */
export async function vouchForClock(
  ctx: Context,
  word: { readonly actor: string; readonly now: Date },
): Promise<void> {
  const watch = watched(ctx)
  // Read once: whatever the clock does while others are asked is no part of the word.
  const shown = watch.shown()
  const apartMs = shown.wall - word.now.getTime()
  if (ctx.config.clock.ntpServers.length > 0)
    throw new Refusal('conflict', 'The time servers have the say: they are asked all the time.')
  if (!watch.troubles.includes('jump')) throw new Refusal('conflict', 'The clock has not jumped.')
  if (Math.abs(apartMs) > WORD_MS)
    throw new Refusal('conflict', `The clock and the operator's differ by ${String(Math.round(apartMs))} ms.`)
  await watch.compareDatabase()
  if (watch.troubles.includes('database'))
    throw new Refusal('conflict', "The database's clock says otherwise.")
  await watch.vouch(shown, (movedMs) =>
    auditEntry({
      kind: 'act',
      act: 'clock.vouch',
      actor: word.actor,
      subjects: [`instance:${ctx.instanceId}`],
      detail: { movedMs },
    }),
  )
}

function watched(ctx: Context): ClockWatch {
  const watch = watches.get(ctx.db)
  if (watch === undefined) throw new Error('nobody watches the clock')
  return watch
}
