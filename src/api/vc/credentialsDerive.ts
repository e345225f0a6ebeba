import { z } from 'zod'
import { dataIntegrity } from '../../credentials/formats/dataIntegrity.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { object, pointers } from './members.ts'

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
    examples: {},
    answer: { status: 201, says: 'The credential that discloses less', schema: z.looseObject({}) },
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
