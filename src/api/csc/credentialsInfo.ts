import { z } from 'zod'
import { findCredential } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { credentialResponse, describeCredential } from './credential.ts'
import { endpoint } from './endpoint.ts'
import { common, credentialID, shownMembers } from './members.ts'

/** CSC API v2.2, 11.7. */
export const credentialsInfo = endpoint({
  name: 'credentials/info',
  // Clients ask again with the token that their user's approval gave them.
  scopes: ['service', 'credential'],
  request: z.strictObject({ credentialID, ...shownMembers, ...common }),
  described: {
    summary: 'Describes a credential',
    clause: '11.7',
    response: credentialResponse,
    examples: {
      'with its certificates': { credentialID: example.credentialID, certificates: 'chain', certInfo: true },
      'how its holder authorises': {
        credentialID: example.credentialID,
        certificates: 'none',
        authInfo: true,
      },
    },
  },
  answer: async (ctx, { clientId, input }) => {
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    // Without a certificate there is nothing to show: its holder has not enrolled yet.
    if (!row?.certificate || row.state === 'ended') {
      throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
    }
    return describeCredential(ctx, row, input)
  },
})
