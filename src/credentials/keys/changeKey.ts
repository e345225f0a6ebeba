import { auditEntry } from '../../audit.ts'
import type { Context } from '../../context.ts'
import { insertAudit } from '../../db/audit.ts'
import { setHolderKeyState, type HolderKeyRow } from '../../db/holderKeys.ts'
import { Refusal } from '../../refusal.ts'
import { decideToDestroy, destroyKey } from '../../signing/destroyKey.ts'

const acts = { enabled: 'key.enable', disabled: 'key.disable' } as const

/** A disabled key signs nothing, and can be enabled again. @throws Refusal conflict */
export async function switchKey(
  ctx: Context,
  key: HolderKeyRow,
  to: 'enabled' | 'disabled',
): Promise<HolderKeyRow> {
  if (key.state === to) return key
  await ctx.db.transaction(async (tx) => {
    const isChanged = await setHolderKeyState(tx, key.keyId, { from: ['enabled', 'disabled'], to })
    if (!isChanged) throw new Refusal('conflict', `The key is ${key.state}.`)
    await insertAudit(tx, [actOn(key, acts[to])])
  })
  return { ...key, state: to }
}

/**
 * Ends a key for good: one transaction decides, then the token forgets it; if we die in between, or the token is away,
 * recovery tries again.
 */
export async function deleteKey(ctx: Context, key: HolderKeyRow): Promise<void> {
  const actor = `client:${key.clientId}`
  const destruction = await ctx.db.transaction(async (tx) => {
    const change = { from: ['enabled', 'disabled', 'rotated'], to: 'deleted' } as const
    if (!(await setHolderKeyState(tx, key.keyId, change))) {
      throw new Refusal('not_found', 'There is no such key.')
    }
    await insertAudit(tx, [actOn(key, 'key.delete')])
    return decideToDestroy(tx, { keyId: key.keyId, actor })
  })
  if (destruction === undefined) return
  await destroyKey(ctx, destruction).catch((error: unknown) => {
    ctx.log.warn({ err: error, key: key.keyId }, 'a key is not destroyed yet; it is tried again')
  })
}

function actOn({ clientId, keyId }: HolderKeyRow, act: string) {
  return auditEntry({ kind: 'act', act, actor: `client:${clientId}`, subjects: [`key:${keyId}`] })
}
