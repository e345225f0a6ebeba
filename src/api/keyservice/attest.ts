import { z } from 'zod'
import { ATTESTED_MAX } from '../../credentials/formats/keyAttestation.ts'
import { attestHolderKeys } from '../../credentials/keys/attestHolderKeys.ts'
import { example } from '../http/exampleValues.ts'
import { text } from '../http/members.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { identifier } from './members.ts'

/** What a credential issuer may ask for beside a proof of possession, or instead of one (OpenID4VCI 1.0, D.1). */
export const attest = endpoint({
  method: 'POST',
  path: '/keys/attest',
  produces: ['application/key-attestation+jwt', 'application/jwt'],
  request: z.strictObject({
    identifiers: z
      .array(identifier, 'a list is wanted')
      .min(1, 'is empty')
      .max(ATTESTED_MAX, `${ATTESTED_MAX} at most`)
      .meta({ description: 'Enabled keys of the client, by their ids or identifiers, each once' }),
    nonce: text().optional().meta({ description: "The credential issuer's c_nonce" }),
  }),
  described: {
    summary: 'Attests that keys are in the token, in the name of its operator',
    examples: {
      'for a proof of possession': { identifiers: [example.keyId] },
      'in place of one': { identifiers: [example.keyId, example.spareKeyId], nonce: 'c-nonce-of-the-issuer' },
    },
    answer: { status: 201, says: 'A key attestation (OpenID4VCI 1.0, D.1), and nothing around it' },
    refusals: [
      ['invalid_request', 'identifiers: two of them are of one key'],
      ['not_found', 'There is no such key.'],
      ['credential_disabled', 'The key is disabled.'],
      ['conflict', 'Several enabled keys have this identifier: name one by its id.'],
      ['conflict', 'The key is in another token than attestations are about.'],
      ['not_implemented', 'There are no key attestations here.'],
      ['unavailable', 'The clock of the service is not trusted at the moment'],
      ['unavailable', 'Key attestations are not signed at the moment.'],
    ],
  },
  answer: async (ctx, { clientId, input }) => {
    const { identifiers: names, nonce } = input
    const { body, mediaType } = await attestHolderKeys(ctx, { clientId, names, nonce })
    return { status: 201, body, mediaType }
  },
})
