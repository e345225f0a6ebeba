import { z } from 'zod'
import { makeHolderKey } from '../../credentials/keys/makeHolderKey.ts'
import { verificationMethodOf } from '../../credentials/keys/verificationMethod.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { idempotencyName } from './idempotency.ts'
import { keyType, newIdentifier, secrets, signatureType } from './members.ts'
import { methodSchema } from './shown.ts'

/** A new key pair in the token. Only who has the secrets signs with it: they are stored nowhere, and never change. */
export const generate = endpoint({
  method: 'POST',
  path: '/generate',
  request: z.strictObject({ secrets, identifier: newIdentifier, signatureType, keyType }),
  described: {
    summary: 'Makes a key, in the token, that the given secrets open',
    examples: {
      'a key for ES256': {
        secrets: [example.secret],
        identifier: 'did:web:issuer.example',
        signatureType: 'ES256',
        keyType: 'JsonWebKey',
      },
    },
    answer: { status: 201, says: 'The public half', schema: methodSchema },
    refusals: [
      ['conflict', 'The identifier is, or was, that of another key: an id is given once.'],
      ['conflict', 'The Idempotency-Key was used for another request.'],
    ],
  },
  answer: async (ctx, { clientId, idempotencyKey, input }) => {
    const { keyType: form, ...asked } = input
    const idempotency = idempotencyName(idempotencyKey)
    const key = await makeHolderKey(ctx, { ...asked, clientId, form, idempotencyKey: idempotency })
    return { status: 201, body: verificationMethodOf(key) }
  },
})
