import { z } from 'zod'
import { deleteCredential } from '../../pki/deleteCredential.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from './endpoint.ts'
import { common, credentialID } from './members.ts'

/**
 * CSC API v2.2, 11.5. Its certificate is revoked and its key destroyed; a client deletes what is linked to it, or the one
 * credential whose holder approved that.
 */
export const credentialsDelete = endpoint({
  name: 'credentials/delete',
  scopes: ['service', 'credential-deletion'],
  request: z.strictObject({ credentialID, ...common }),
  status: () => 204,
  described: {
    summary: 'Deletes a credential, for good: its key is destroyed and its certificate revoked',
    clause: '11.5',
    examples: { 'one that is not needed any more': { credentialID: example.spareCredentialID } },
  },
  answer: async (ctx, { clientId, input }) => {
    await deleteCredential(ctx, { credentialId: input.credentialID, clientId })
    return {}
  },
})
