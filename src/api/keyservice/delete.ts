import { z } from 'zod'
import { deleteKey } from '../../credentials/keys/changeKey.ts'
import { namedKey } from '../../credentials/keys/findKey.ts'
import { recogniseSecrets } from '../../signing/holderPermit.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { identifier, secrets } from './members.ts'

/** The key is the client's: it can always be rid of it. Secrets that are given all the same must be right. */
export const remove = endpoint({
  method: 'POST',
  path: '/delete',
  request: z.strictObject({ identifier, secrets: secrets.optional() }),
  described: {
    summary: 'Destroys a key, for good; its public half is shown no more, and its id is not given again',
    examples: { 'one that is not needed any more': { identifier: example.spareKeyId } },
    answer: { status: 204, says: 'Done' },
    refusals: [
      ['activation_failed', 'The secrets are wrong.'],
      ['not_found', 'There is no such key.'],
    ],
  },
  answer: async (ctx, { clientId, input }) => {
    const { identifier: name, secrets: given } = input
    const key = await namedKey(ctx, { clientId, name, secrets: given })
    if (given !== undefined) await recogniseSecrets(ctx, key, given)
    await deleteKey(ctx, key)
    return { status: 204 }
  },
})
