import { randomUUID } from 'node:crypto'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import type { Queries } from '../db/database.ts'
import {
  closeDestruction,
  decideDestruction,
  openDestructions,
  type Destruction,
} from '../db/destructions.ts'

/** Whoever decided it is at it: nobody else tries before. */
const OWN_S = 10
/** In one pass. */
const LIMIT = 100

/**
 * Decides that a key is destroyed, in the transaction that ends what it was for: nothing signs with it any more. If we die
 * after it, `destroyDecided` does what is left.
 * @returns undefined where that was decided before
 */
export async function decideToDestroy(
  tx: Queries,
  { keyId, actor }: { readonly keyId: string; readonly actor: string },
): Promise<Destruction | undefined> {
  const destruction = await decideDestruction(tx, { keyId, attempt: randomUUID() })
  if (destruction === undefined) return undefined
  const subjects = [`key:${keyId}`]
  const { attempt: signatureId } = destruction
  await insertAudit(tx, [auditEntry({ kind: 'intent', act: 'key.destroy', actor, subjects, signatureId })])
  return destruction
}

/**
 * Destroys the key in its token. Destroying what is not there any more is done, too.
 * @throws TokenError where the token is away: the decision stands, and it is tried again
 */
export async function destroyKey(ctx: Context, destruction: Destruction): Promise<void> {
  const { keyId, attempt: signatureId, ckaId, tokenSerial } = destruction
  const existed = await ctx.token.destroy(ckaId, tokenSerial)
  await ctx.db.transaction(async (tx) => {
    if (!(await closeDestruction(tx, keyId))) return
    const detail = { outcome: existed ? 'destroyed' : 'was not there' }
    const result = { kind: 'result', act: 'key.destroy', actor: 'service', signatureId, detail } as const
    await insertAudit(tx, [auditEntry({ ...result, subjects: [`key:${keyId}`] })])
  })
}

/** One pass over what was decided and not done: its token was away, or its process died. */
export async function destroyDecided(ctx: Context, olderThanS = OWN_S): Promise<void> {
  const serials = new Set(ctx.token.all.map(({ token }) => token.serial))
  for (const destruction of await openDestructions(ctx.db, { olderThanS, limit: LIMIT })) {
    // A token that is configured elsewhere alone is another replica's.
    if (!serials.has(destruction.tokenSerial)) continue
    await destroyKey(ctx, destruction).catch((error: unknown) => {
      ctx.log.warn({ err: error, key: destruction.keyId }, 'a key is not destroyed yet; it is tried again')
    })
  }
}
