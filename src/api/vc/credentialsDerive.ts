import { z } from 'zod'
import { dataIntegrity } from '../../credentials/formats/dataIntegrity.ts'
import { example } from '../http/exampleValues.ts'
import { object, pointers } from '../http/members.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { ISSUED } from './members.ts'

const CREDENTIAL = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  issuer: example.issuer,
  credentialSubject: { id: 'did:example:ada', name: 'Ada Lovelace' },
  proof: {
    type: 'DataIntegrityProof',
    cryptosuite: 'ecdsa-sd-2023',
    created: '2026-01-02T03:04:05Z',
    verificationMethod: `${example.issuer}#key-1`,
    proofPurpose: 'assertionMethod',
    proofValue: example.baseProof,
  },
}

/** VC API 0.3, 3.4.1: derive credential. */
export const credentialsDerive = endpoint({
  method: 'POST',
  path: '/credentials/derive',
  request: z.strictObject({
    verifiableCredential: object,
    options: z.strictObject({
      selectivePointers: pointers.meta({ description: 'JSON pointers of what is disclosed besides' }),
    }),
  }),
  described: {
    summary: 'Makes a credential that discloses less, of one that was secured by ecdsa-sd-2023',
    examples: {
      "the subject's id alone": {
        verifiableCredential: CREDENTIAL,
        options: { selectivePointers: ['/credentialSubject/id'] },
      },
    },
    answer: { status: 201, says: 'The credential that discloses less', schema: ISSUED },
    refusals: [['invalid_request', 'proof: not a base proof of ecdsa-sd-2023']],
  },
  answer: async (_ctx, { input }) => {
    const { verifiableCredential, options } = input
    const { derive } = dataIntegrity
    if (derive === undefined) throw new Error('data-integrity derives')
    const { body } = await derive({ secured: verifiableCredential, selective: options.selectivePointers })
    return { status: 201, body: { verifiableCredential: body } }
  },
})
