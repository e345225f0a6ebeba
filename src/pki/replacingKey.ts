/** Keys that are made to replace others: certified, or else destroyed, whatever becomes of the process. */
import { randomUUID } from 'node:crypto'
import type { Context } from '../context.ts'
import type { Queries } from '../db/database.ts'
import type { Destruction } from '../db/destructions.ts'
import { beginRekeying, endRekeying, leftRekeyings } from '../db/replacements.ts'
import { Refusal } from '../refusal.ts'
import { decideToDestroy, destroyKey } from '../signing/destroyKey.ts'
import type { IssuedCertificate } from './issue.ts'
import type { Replaceable } from './replaceable.ts'

/** Longer than making a key and certifying it takes. */
const MAKING_S = 60
/** In one pass of recovery. */
const LEFT_MAX = 100

/** A key that is made and certified, or else destroyed again; if we die on the way, by recovery. */
export async function withNewKey(
  ctx: Context,
  { row }: Replaceable,
  work: (keyId: string) => Promise<IssuedCertificate>,
): Promise<IssuedCertificate> {
  const keyId = randomUUID()
  // If we die after this: recovery finds which key was meant, and destroys it if there is one by then.
  await beginRekeying(ctx.db, { keyId, certificateId: row.id, instanceId: ctx.instanceId })
  try {
    return await work(keyId)
  } catch (error) {
    await giveUp(ctx, keyId).catch(() => undefined)
    throw error
  }
}

/** In the transaction that stores its certificate. @throws Refusal where it took so long that recovery has given the key up */
export async function certified(tx: Queries, keyId: string): Promise<void> {
  if (!(await endRekeying(tx, keyId))) throw new Refusal('conflict', 'Making the key took too long.')
}

async function giveUp(ctx: Context, keyId: string): Promise<void> {
  const destruction = await ctx.db.transaction(async (tx) =>
    (await endRekeying(tx, keyId)) ? decideToDestroy(tx, { keyId, actor: 'service' }) : undefined,
  )
  if (destruction !== undefined) await destroyed(ctx, destruction)
}

/** What cannot be destroyed now is by recovery. */
export async function destroyed(ctx: Context, destruction: Destruction): Promise<void> {
  await destroyKey(ctx, destruction).catch((error: unknown) => {
    ctx.log.warn({ err: error, key: destruction.keyId }, 'a key is not destroyed yet; it is tried again')
  })
}

/** One pass over keys that a dead process was making to replace others. */
export async function endLeftRekeyings(ctx: Context): Promise<void> {
  for (const keyId of await leftRekeyings(ctx.db, { olderThanS: MAKING_S, limit: LEFT_MAX }))
    await giveUp(ctx, keyId)
}
