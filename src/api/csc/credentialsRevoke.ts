import { z } from 'zod'
import { findCredential } from '../../db/credentials.ts'
import { revocationReasons, type RevocationReason } from '../../db/revocations.ts'
import { revoke } from '../../pki/revoke.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from './endpoint.ts'
import { common, credentialID } from './members.ts'

/** The names of RFC 5280, 5.3.1, in its words; a certificate is revoked for good, so none of them suspends. */
export const reason = z.enum(Object.keys(revocationReasons) as [RevocationReason, ...RevocationReason[]], {
  error: 'Invalid parameter reason',
})

/**
 * In no edition of the standard: the Greek QTSP's interface has it. A client revokes what is linked to it; a token of one
 * person, what is that person's. Asked again it answers the same, whatever the reason is then.
 */
export const credentialsRevoke = endpoint({
  name: 'credentials/revoke',
  request: z.strictObject({ credentialID, reason: reason.default('unspecified'), ...common }),
  described: {
    summary: "Revokes a credential's certificate, for good: it signs nothing any more",
    response: z.object({
      status: z.literal('revoked'),
      credentialID: z.string(),
      reason,
      revokedAt: z.string(),
    }),
    examples: {
      'a key that may be in other hands': {
        credentialID: example.spareCredentialID,
        reason: 'keyCompromise',
      },
    },
  },
  answer: async (ctx, { clientId, input }) => {
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    // Without a certificate there is nothing to revoke: its holder has not enrolled yet.
    if (!row?.certificateId || row.state === 'ended') {
      throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
    }
    const revocation = await revoke(ctx, {
      certificateId: row.certificateId,
      credentialId: row.id,
      reason: input.reason,
      actor: `client:${clientId}`,
      ofItsKey: true,
    })
    const revokedAt = revocation.revokedAt.toISOString()
    return { status: 'revoked', credentialID: row.id, reason: revocation.reason, revokedAt }
  },
})
