import { auditEntry } from '../audit.ts'
import { insertAudit } from '../db/audit.ts'
import { revokeAllOfKey, revokeChain, revokeSad } from '../db/bearers.ts'
import type { Queries } from '../db/database.ts'

/**
 * Ends an authorisation and all that it was extended to: nothing more is signed by any of it. Call it in a transaction.
 * @param revoked.authorisationId what the chain began with
 */
export async function revokeAuthorisation(
  tx: Queries,
  revoked: { readonly authorisationId: string; readonly clientId: string },
): Promise<void> {
  await record(tx, `client:${revoked.clientId}`, await revokeChain(tx, revoked.authorisationId))
}

/** The same by its SAD, for the client that it was made for; what is no SAD (any more) is left alone. */
export async function revokeByHash(
  tx: Queries,
  revoked: { readonly sadHash: Buffer; readonly clientId: string },
): Promise<void> {
  await record(tx, `client:${revoked.clientId}`, await revokeSad(tx, revoked))
}

/** Ends all that is authorised with a key: its credential gets another one. Call it in that transaction. */
export async function revokeAllOf(
  tx: Queries,
  { keyId, actor }: { readonly keyId: string; readonly actor: string },
): Promise<void> {
  await record(tx, actor, await revokeAllOfKey(tx, keyId))
}

async function record(tx: Queries, actor: string, authorisationIds: readonly string[]): Promise<void> {
  if (authorisationIds.length === 0) return
  const subjects = authorisationIds.map((id) => `authorisation:${id}`)
  const audit = auditEntry({ kind: 'act', act: 'authorise.revoke', actor, subjects })
  await insertAudit(tx, [audit])
}
