import { z } from 'zod'
import { findOutcome, type Outcome } from '../../db/asynchronous.ts'
import { Refusal } from '../../refusal.ts'
import { WHOLE_UUID } from '../../uuid.ts'
import { example } from '../http/exampleValues.ts'
import { encodedSignatures } from './encodedSignatures.ts'
import { endpoint, type Asker } from './endpoint.ts'
import { common, requiredString } from './members.ts'

const INVALID_ID = { error: 'Invalid parameter requestID' }
const INVALID_USER = 'Invalid parameter "userID"'

/**
 * CSC API v2.2, 11.15: what has become of a request that was made in asynchronous operation, by the id that it was answered
 * with; as often as it is asked for, until its validity_period is over. Another's id is one that there is not.
 */
export const signaturesSignPolling = endpoint({
  name: 'signatures/signPolling',
  scopes: ['service', 'credential'],
  request: z.strictObject({
    requestID: requiredString('requestID').regex(WHOLE_UUID, INVALID_ID),
    userID: z.guid({ error: INVALID_USER }).optional(),
    ...common,
  }),
  described: {
    summary: 'The signatures of a request that was made in asynchronous operation',
    clause: '11.15',
    response: z.object({ signatures: z.array(z.string()) }),
    examples: { 'of a request that was accepted': { requestID: example.requestID } },
    phrases: ['userID parameter SHALL be null'],
    refusals: ['pending'],
  },
  answer: async (ctx, { input, ...asker }) => {
    const { requestID: id, userID } = input
    if (asker.personId !== undefined && userID !== undefined) {
      throw new Refusal('invalid_request', 'userID parameter SHALL be null')
    }
    const outcome = await findOutcome(ctx.db, { id, clientId: asker.clientId })
    if (outcome === undefined || !isFor(asker, outcome))
      throw new Refusal('invalid_request', INVALID_ID.error)
    if (userID !== undefined && userID !== outcome.personId)
      throw new Refusal('invalid_request', INVALID_USER)
    return { signatures: signaturesOf(outcome) }
  },
})

/** A token that is for one person's credentials, or for one, knows no other's requests. */
function isFor({ personId, credentialId }: Asker, outcome: Outcome): boolean {
  return (
    (personId === undefined || personId === outcome.personId) &&
    (credentialId === undefined || credentialId === outcome.credentialId)
  )
}

/** @throws Refusal 'pending', or what signHash would have refused it with */
function signaturesOf({ state, failure, scheme, signatures }: Outcome): string[] {
  if (failure !== null) throw new Refusal(failure, 'The request could not be completed')
  if (state !== 'signed' || signatures === null) {
    throw new Refusal('pending', 'The request has been accepted but not yet completed')
  }
  return encodedSignatures(scheme, signatures)
}
