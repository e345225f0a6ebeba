import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { endCredential } from '../db/credentials.ts'
import { Refusal } from '../refusal.ts'
import { decideToDestroy, destroyKey } from '../signing/destroyKey.ts'
import { revokeIn } from './revoke.ts'

/**
 * Ends a credential for good: its certificate is revoked, its key destroyed. What is known of it, and the audit log, stay.
 * @throws Refusal credential_unknown (unknown, foreign, not enrolled yet and deleted before alike)
 */
export async function deleteCredential(
  ctx: Context,
  { credentialId, clientId }: { readonly credentialId: string; readonly clientId: string },
): Promise<void> {
  const actor = `client:${clientId}`
  // 1. One transaction decides everything, with the intent to destroy the key. If we die before it, nothing has happened.
  const destruction = await ctx.db.transaction(async (tx) => {
    const ended = await endCredential(tx, { id: credentialId, clientId })
    if (ended === undefined) throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
    const { keyId, certificateId } = ended
    const subjects = [`credential:${credentialId}`, `key:${keyId}`, `certificate:${certificateId}`]
    await insertAudit(tx, [auditEntry({ kind: 'act', act: 'credential.delete', actor, subjects })])
    await revokeIn(tx, { certificateId, credentialId, reason: 'cessationOfOperation', actor, ofItsKey: true })
    return decideToDestroy(tx, { keyId, actor })
  })
  // 2. The token forgets the key. If we die here, or it is away: the credential has ended all the same, and recovery
  // destroys the key as soon as it can.
  if (destruction === undefined) return
  await destroyKey(ctx, destruction).catch((error: unknown) => {
    ctx.log.warn({ err: error, key: destruction.keyId }, 'a key is not destroyed yet; it is tried again')
  })
}
