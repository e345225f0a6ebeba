import { z } from 'zod'
import { usableKey } from '../../credentials/keys/findKey.ts'
import { activateKey } from '../../signing/holderPermit.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { identifier, numSignatures, secrets } from './members.ts'

/** The secrets once, for many signatures: the SAD of a key that has no certificate. */
export const activate = endpoint({
  method: 'POST',
  path: '/activate',
  request: z.strictObject({ identifier, secrets, numSignatures }),
  described: {
    summary: 'Opens a key for so many signatures',
    examples: {
      'for ten signatures': { identifier: example.keyId, secrets: [example.secret], numSignatures: 10 },
    },
    answer: {
      status: 201,
      says: 'Activated',
      schema: z.object({
        activation: z.string().meta({ description: 'Bearer value: signs with this key, for this client' }),
        numSignatures: z.int(),
        expiresIn: z.int().meta({ description: 'Seconds' }),
      }),
    },
    refusals: [
      ['activation_failed', 'The secrets are wrong.'],
      ['throttled', 'The secrets were wrong too often: wait before you try again.'],
      ['credential_disabled', 'The key is disabled.'],
      ['not_found', 'There is no such key.'],
    ],
  },
  answer: async (ctx, { clientId, input }) => {
    const { identifier: name, secrets: given, numSignatures: count } = input
    const key = await usableKey(ctx, { clientId, name, secrets: given })
    const { sad, expiresIn } = await activateKey(ctx, key, { secrets: given, count })
    return { status: 201, body: { activation: sad, numSignatures: count, expiresIn } }
  },
})
