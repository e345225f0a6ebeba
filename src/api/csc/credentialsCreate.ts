import { z } from 'zod'
import type { Context } from '../../context.ts'
import { findCredential } from '../../db/credentials.ts'
import { findPerson } from '../../db/persons.ts'
import { handOver } from '../../pki/createCredential.ts'
import { Refusal } from '../../refusal.ts'
import {
  ANYTHING,
  creationRequestSchema,
  policyProblem,
  subjectProblem,
  type CreationRequest,
} from '../http/creationRequest.ts'
import { credentialResponse, describeCredential } from './credential.ts'
import { endpoint } from './endpoint.ts'
import { common, flag, shownMembers } from './members.ts'

/**
 * CSC API v2.2, 11.4: hands over the one credential that its holder approved, and set the PIN of, on the page; calling it
 * again with the same token answers the same credential. What the request says of it must be so. Answered by 201, as clients
 * in the field want it, and with credentialInfo as credentials/info answers.
 */
export const credentialsCreate = endpoint({
  name: 'credentials/create',
  scopes: ['credential-creation'],
  request: z.strictObject({
    credentialCreationRequest: creationRequestSchema.optional(),
    credentialInfo: flag('credentialInfo'),
    ...shownMembers,
    ...common,
  }),
  status: () => 201,
  described: {
    summary: 'Gives the client the credential that its holder let it create',
    clause: '11.4',
    response: credentialResponse.partial().required({ credentialID: true }),
    examples: {
      'its id': {},
      'described, with its certificate': {
        credentialCreationRequest: {},
        credentialInfo: true,
        certificates: 'single',
        certInfo: true,
      },
    },
    phrases: ['Invalid parameter subjectData', 'Invalid parameter certificatePolicy'],
    refusals: ['credential_disabled'],
    created: true,
  },
  answer: async (ctx, { clientId, credentialId, input }) => {
    if (credentialId === undefined) throw new Error('a token for the creation of nothing')
    await checkRequest(ctx, { clientId, credentialId }, input.credentialCreationRequest ?? ANYTHING)
    const row = await handOver(ctx, { credentialId, clientId })
    return input.credentialInfo ? describeCredential(ctx, row, input) : { credentialID: row.id }
  },
})

/** @throws Refusal 'invalid_request': it is not what was made, or not whose it is */
async function checkRequest(
  ctx: Context,
  about: { readonly clientId: string; readonly credentialId: string },
  request: CreationRequest,
): Promise<void> {
  const { clientId, credentialId: id } = about
  const row = await findCredential(ctx.db, { id, clientId })
  const person = row && (await findPerson(ctx.db, row.personId))
  const problem = policyProblem(ctx, request) ?? subjectProblem(request, person)
  if (problem !== undefined) throw new Refusal('invalid_request', problem)
}
