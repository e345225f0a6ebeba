import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import type { Queries } from '../db/database.ts'
import {
  findRevocation,
  revokeCertificate,
  type Revocation,
  type RevocationReason,
} from '../db/revocations.ts'

export interface RevokeRequest {
  readonly certificateId: string
  readonly credentialId: string
  readonly reason: RevocationReason
  /** As the audit log names who asks. */
  readonly actor: string
}

/**
 * Revokes a certificate, once: asking again changes neither reason nor time, and is not recorded. From here on nothing is
 * signed with it: every reservation asks for the state by the same row.
 */
export function revoke(ctx: Context, request: RevokeRequest): Promise<Revocation> {
  return ctx.db.transaction((tx) => revokeIn(tx, request))
}

/** The same, as part of a transaction. */
export async function revokeIn(tx: Queries, request: RevokeRequest): Promise<Revocation> {
  const { certificateId, credentialId, reason, actor } = request
  const made = await revokeCertificate(tx, { id: certificateId, reason })
  if (made === undefined) {
    const known = await findRevocation(tx, certificateId)
    if (known === undefined) throw new Error('a certificate of a credential is issued or revoked')
    return known
  }
  const subjects = [`certificate:${certificateId}`, `credential:${credentialId}`]
  await insertAudit(tx, [
    auditEntry({ kind: 'act', act: 'certificate.revoke', actor, subjects, detail: { reason } }),
  ])
  return made
}
