import { z } from 'zod'
import { changeStatus, type StatusChange } from '../../credentials/status/change.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { credentialId } from './members.ts'

/** TABLE of what a purpose and a value mean (VC API 0.3, 3.2.2; the value is true where it is absent). */
const changes: Readonly<Record<'revocation' | 'suspension', Readonly<Record<string, StatusChange>>>> = {
  revocation: { true: 'revoke' },
  suspension: { true: 'suspend', false: 'reinstate' },
}

/** For examples: a request about one credential. */
const entry = (change: object) => ({
  credentialId: example.issuedCredentialId,
  credentialStatus: { type: 'BitstringStatusListEntry', ...change },
})

/** VC API 0.3, 3.2.2: update status. */
export const credentialsStatus = endpoint({
  method: 'POST',
  path: '/credentials/status',
  request: z
    .strictObject({
      credentialId,
      credentialStatus: z.strictObject({
        type: z.literal('BitstringStatusListEntry', 'BitstringStatusListEntry is wanted'),
        statusPurpose: z.enum(['revocation', 'suspension'], 'revocation or suspension'),
        status: z.boolean('true or false').default(true),
      }),
    })
    .refine(({ credentialStatus: { statusPurpose, status } }) => String(status) in changes[statusPurpose], {
      path: ['credentialStatus', 'status'],
      error: 'a revocation is for good',
    }),
  described: {
    summary: 'Revokes, suspends or reinstates a credential',
    examples: {
      suspend: entry({ statusPurpose: 'suspension' }),
      reinstate: entry({ statusPurpose: 'suspension', status: false }),
      revoke: entry({ statusPurpose: 'revocation' }),
    },
    answer: {
      status: 200,
      says: 'It is done; relying parties see it within five seconds',
      schema: z.object({}),
    },
    refusals: [
      ['not_found', 'There is no such credential.'],
      ['conflict', 'The credential is revoked.'],
    ],
  },
  answer: async (ctx, { clientId, input }) => {
    const { statusPurpose, status } = input.credentialStatus
    const change = changes[statusPurpose][String(status)]
    if (change === undefined) throw new Error('a change that the schema lets through')
    await changeStatus(ctx, { clientId, change, of: { credentialId: input.credentialId } })
    return { status: 200, body: {} }
  },
})
