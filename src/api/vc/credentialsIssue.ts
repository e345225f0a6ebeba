import { z } from 'zod'
import { envelopeOf, refuseEnvelope } from '../../credentials/formats/enveloped.ts'
import { issueCredential, statusPurposes } from '../../credentials/issueCredential.ts'
import { example } from '../http/exampleValues.ts'
import { object, pointers, text } from '../http/members.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { credentialId, format, ISSUED } from './members.ts'

const status = z
  .array(z.enum(statusPurposes, `one of ${statusPurposes.join(', ')}`), 'a list is wanted')
  .max(statusPurposes.length)
  .refine((purposes) => new Set(purposes).size === purposes.length, 'one purpose stands there twice')

const CREDENTIAL = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  issuer: example.issuer,
  credentialSubject: { id: 'did:example:ada' },
}

/** VC API 0.3, 3.2.1: issue credential. */
export const credentialsIssue = endpoint({
  method: 'POST',
  path: '/credentials/issue',
  request: z.strictObject({
    credential: object,
    options: z
      .strictObject({
        format: format.default('data-integrity').meta({ description: 'How it is secured' }),
        cryptosuite: text(100).optional().meta({ description: 'Data Integrity: which; without, by the key' }),
        mandatoryPointers: pointers
          .optional()
          .meta({ description: 'ecdsa-sd-2023: JSON pointers of what is always disclosed' }),
        selective: pointers
          .optional()
          .meta({ description: 'SD-JWT: JSON pointers of what its holder may leave out' }),
        holder: object.optional().meta({ description: "SD-JWT: the holder's public key, as a JWK" }),
        enveloped: z
          .boolean('true or false')
          .default(false)
          .meta({ description: 'JOSE, COSE: whether it comes as an EnvelopedVerifiableCredential' }),
        credentialId: credentialId
          .optional()
          .meta({ description: "By which its status is changed; without, the credential's own id" }),
        status: status
          .default([])
          .meta({ description: 'What may become of it: it gets an entry in a status list of its issuer' }),
      })
      .default({ format: 'data-integrity', enveloped: false, status: [] }),
  }),
  described: {
    summary: 'Issues a credential, by a key of the issuer that it names',
    examples: {
      'with an entry in a status list': { credential: CREDENTIAL, options: { status: ['revocation'] } },
      'as a JWT': { credential: CREDENTIAL, options: { format: 'jwt' } },
      'of which its holder shows what is asked for': {
        credential: { ...CREDENTIAL, credentialSubject: { id: 'did:example:ada', name: 'Ada Lovelace' } },
        options: { cryptosuite: 'ecdsa-sd-2023', mandatoryPointers: ['/issuer'] },
      },
      'an SD-JWT VC': {
        credential: { vct: 'https://university.example/degree', iss: example.issuer, degree: 'Master' },
        options: { format: 'sd-jwt', selective: ['/degree'] },
      },
    },
    answer: { status: 201, says: 'The credential as it was secured', schema: ISSUED },
    refusals: [
      ['invalid_request', 'issuer: not an issuer of yours'],
      ['invalid_request', 'issuer: is missing, and there are several of yours'],
    ],
  },
  answer: async (ctx, { clientId, input }) => {
    const { credential, options } = input
    const { enveloped, ...order } = options
    if (enveloped) refuseEnvelope(credential, order.format)
    const secured = await issueCredential(ctx, { clientId, credential, ...order })
    if (enveloped) return { status: 201, body: { verifiableCredential: envelopeOf(secured) } }
    const { body } = secured
    const verifiableCredential = Buffer.isBuffer(body) ? body.toString('base64url') : body
    return { status: 201, body: { verifiableCredential } }
  },
})
