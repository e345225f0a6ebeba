import { z } from 'zod'
import { Refusal } from '../../refusal.ts'
import { timestamp, timestampPolicy } from '../../pki/tsa.ts'
import { acceptedHash, requestOver } from '../../pki/tsaRequest.ts'
import { EXAMPLE_HASH } from '../http/exampleValues.ts'
import { decodeBase64 } from './encoding.ts'
import { endpoint } from './endpoint.ts'
import { checkLengths, common, INVALID_HASH, requiredString } from './members.ts'

const INVALID_ALGORITHM = 'Invalid parameter hashAlgo'
const INVALID_NONCE = 'Invalid parameter nonce'
/** Octets of a nonce; 64 bits are usual (RFC 3161, 2.4.1). */
const NONCE_OCTETS = 32

/** In hexadecimal, as a number that is not negative. */
const nonce = z
  .string({ error: INVALID_NONCE })
  .regex(new RegExp(`^[0-9A-Fa-f]{1,${String(2 * NONCE_OCTETS)}}$`), { error: INVALID_NONCE })
  .transform((text) => Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex'))

const hash = requiredString('hash')
  .min(1, { error: 'Empty hash parameter' })
  .describe('The digest to be stamped, in base64')
  .transform((text, context) => {
    const octets = decodeBase64(text)
    if (octets !== undefined) return octets
    context.addIssue({ code: 'custom', message: INVALID_HASH })
    return z.NEVER
  })

/** CSC API v2.2, 11.16. A TimeStampToken (RFC 3161) with its certificates; the policy is the service's. */
export const signaturesTimestamp = endpoint({
  name: 'signatures/timestamp',
  needs: 'timestamps',
  request: z.strictObject({
    hash,
    hashAlgo: requiredString('hashAlgo'),
    nonce: nonce.optional(),
    ...common,
  }),
  described: {
    summary: 'Stamps a hash with the time',
    clause: '11.16',
    response: z.object({ timestamp: z.string() }),
    examples: {
      'the hash of a document': {
        hash: EXAMPLE_HASH,
        hashAlgo: '2.16.840.1.101.3.4.2.1',
        nonce: '4f1a9c03b7d2e856',
      },
    },
    phrases: ['Empty hash parameter', INVALID_HASH, 'Invalid digest value length', INVALID_ALGORITHM],
  },
  answer: async (ctx, { clientId, input }) => {
    const row = acceptedHash(input.hashAlgo, timestampPolicy(ctx).hashes)
    if (row === undefined) throw new Refusal('invalid_request', INVALID_ALGORITHM)
    checkLengths([input.hash], row.length)
    const request = requestOver(row, { imprint: input.hash, nonce: input.nonce })
    const token = await timestamp(ctx, { request, actor: `client:${clientId}`, flow: clientId })
    return { timestamp: token.toString('base64') }
  },
})
