import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { closeUnknown, openAttempts } from '../db/completions.ts'
import { markDestroyed, stalePlannedKeys } from '../db/keys.ts'

/** Longer than any request lives: statement, token and queue deadlines together stay below it. */
const REQUEST_LIFE_S = 60
const INTERVAL_MS = 1_000

/**
 * Closes what dead processes left open: attempts as 'outcome unknown', once a second; keys whose making never ended,
 * now. Any replica may do it, for any other. @returns a function that stops it and resolves when it has.
 */
export async function startRecovery(ctx: Context): Promise<() => Promise<void>> {
  await destroyOrphans(ctx)
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = running
      .then(() => closeOpen(ctx))
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
  for (const open of await openAttempts(ctx.db, REQUEST_LIFE_S)) {
    const subjects = [`key:${open.keyId}`, ...(open.credentialId ? [`credential:${open.credentialId}`] : [])]
    const result = auditEntry({
      kind: 'result',
      act: 'sign',
      actor: 'service',
      subjects,
      signatureId: open.attempt,
      detail: { outcome: 'unknown' },
    })
    await closeUnknown(ctx.db, { attempt: open.attempt, result })
    ctx.log.warn({ signature: open.attempt }, 'an attempt was closed as outcome unknown')
  }
}

async function destroyOrphans(ctx: Context): Promise<void> {
  for (const key of await stalePlannedKeys(ctx.db, ctx.token.serial, REQUEST_LIFE_S)) {
    const existed = await ctx.token.destroy(key.ckaId)
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
}
