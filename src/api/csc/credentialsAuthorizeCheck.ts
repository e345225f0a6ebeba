import { z } from 'zod'
import { wishOutcome } from '../../signing/outOfBand.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from './endpoint.ts'
import { common, requiredString, sadResponse } from './members.ts'

/** More than a handle has. */
const HANDLE_MAX = 256
const INVALID = { error: 'Invalid parameter handle' }

/** CSC API v2.2, 11.9: what the holder has said to a request that is out of band. The SAD is given once. */
export const credentialsAuthorizeCheck = endpoint({
  name: 'credentials/authorizeCheck',
  needs: 'sender',
  request: z.strictObject({
    handle: requiredString('handle').min(1, INVALID).max(HANDLE_MAX, INVALID),
    ...common,
  }),
  status: (answer) => ('handle' in answer ? ACCEPTED : 200),
  described: {
    summary: 'What the holder has said to a request that is out of band',
    clause: '11.9',
    response: sadResponse,
    accepted: z.object({ handle: z.string() }),
    examples: { 'of a request that was made': { handle: example.handle } },
    refusals: ['handle_unknown', 'activation_failed', 'credential_locked'],
  },
  answer: async (ctx, { clientId, personId, input }): Promise<Answer> => {
    const { handle } = input
    const outcome = await wishOutcome(ctx, { handle, clientId, personId })
    return outcome === undefined ? { handle } : { SAD: outcome.sad, expiresIn: outcome.expiresIn }
  },
})

const ACCEPTED = 202
type Answer = { readonly handle: string } | { readonly SAD: string; readonly expiresIn: number }
