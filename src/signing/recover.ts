import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { closeUnknown, openAttempts } from '../db/completions.ts'
import { markDestroyed, stalePlannedKeys, type KeyRow } from '../db/keys.ts'
import { destroyDecided } from './destroyKey.ts'
import { noticeUnknown } from './unknown.ts'

/** Longer than any request lives: statement, token and queue deadlines together stay below it. */
const REQUEST_LIFE_S = 60
const INTERVAL_MS = 1_000
/** Of these, how many until what was to be destroyed is tried again. */
const DESTROYED_EVERY = 10

/**
 * Closes what dead processes left open: attempts as 'outcome unknown', once a second; keys whose making never ended,
 * now; keys that were to be destroyed, every ten seconds. Any replica may do it, for any other.
 * @param more is done every ten seconds, too
 * @returns a function that stops it and resolves when it has.
 */
export async function startRecovery(
  ctx: Context,
  more: (ctx: Context) => Promise<void> = () => Promise.resolve(),
): Promise<() => Promise<void>> {
  await destroyOrphans(ctx)
  let running: Promise<void> = Promise.resolve()
  let passes = 0
  const timer = setInterval(() => {
    running = running
      .then(async () => {
        await closeOpen(ctx)
        if (passes++ % DESTROYED_EVERY !== 0) return
        await more(ctx)
        await destroyDecided(ctx)
      })
      .catch((error: unknown) => {
        ctx.log.warn({ err: error }, 'recovery did not run; it will again')
      })
  }, INTERVAL_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

/** One pass over the attempts that no living process is at. */
export async function closeOpen(ctx: Context): Promise<void> {
  const givenUp = givenUpOf(ctx)
  const mine = [...givenUp]
  for (const open of await openAttempts(ctx.db, { olderThanS: REQUEST_LIFE_S, givenUp: mine })) {
    const subjects = [`key:${open.keyId}`, ...(open.credentialId ? [`credential:${open.credentialId}`] : [])]
    const result = auditEntry({
      kind: 'result',
      act: open.act,
      actor: 'service',
      subjects,
      signatureId: open.attempt,
      detail: { outcome: 'unknown' },
    })
    await closeUnknown(ctx.db, { attempt: open.attempt, result })
    ctx.metrics.attempt('unknown')
    noticeUnknown(ctx, open.attempt)
  }
  for (const attempt of mine) givenUp.delete(attempt)
}

/** Attempts of this process that Postgres was away for when they ended; by database. */
const allGivenUp = new WeakMap<Context['db'], Set<string>>()

function givenUpOf(ctx: Context): Set<string> {
  const givenUp = allGivenUp.get(ctx.db) ?? new Set()
  allGivenUp.set(ctx.db, givenUp)
  return givenUp
}

/** Leaves an attempt to recovery, which closes it as soon as Postgres is back. */
export function giveUp(ctx: Context, attempt: string): void {
  givenUpOf(ctx).add(attempt)
}

async function destroyOrphans(ctx: Context): Promise<void> {
  for (const { token } of ctx.token.all) {
    for (const key of await stalePlannedKeys(ctx.db, token.serial, REQUEST_LIFE_S)) {
      await destroyOrphan(ctx, key, await token.destroy(key.ckaId))
    }
  }
}

async function destroyOrphan(ctx: Context, key: KeyRow, existed: boolean): Promise<void> {
  const result = auditEntry({
    kind: 'result',
    act: 'key.generate',
    actor: 'service',
    subjects: [`key:${key.id}`],
    signatureId: key.id,
    detail: { outcome: existed ? 'destroyed' : 'nothing was made' },
  })
  await ctx.db.transaction(async (tx) => {
    await markDestroyed(tx, key.id)
    await insertAudit(tx, [result])
  })
  ctx.log.warn({ key: key.id, existed }, 'a key whose making never ended was destroyed')
}
