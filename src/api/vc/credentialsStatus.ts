import { z } from 'zod'
import { changeStatus, type StatusChange } from '../../credentials/status/change.ts'
import { listOfUrl } from '../../credentials/status/documents.ts'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { text } from '../http/members.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { credentialId, ID_MAX } from './members.ts'

/** TABLE of what a purpose and a value mean (VC API 0.3, 3.2.2; the value is true where it is absent). */
const changes: Readonly<Record<'revocation' | 'suspension', Readonly<Record<string, StatusChange>>>> = {
  revocation: { true: 'revoke' },
  suspension: { true: 'suspend', false: 'reinstate' },
}

/** Bitstring Status List 1.0, 2.1; no list has more. */
const INDEX = /^(?:0|[1-9][0-9]{0,8})$/

/** @throws Refusal not_found for a list of somebody else */
function entryOf(
  { config }: Context,
  { statusListCredential: url, statusListIndex: index }: Readonly<Partial<Record<string, unknown>>>,
): { readonly listId: string; readonly index: number } | undefined {
  if (typeof url !== 'string') return undefined
  const list = listOfUrl(config.baseUrl, url)
  if (list === undefined) throw new Refusal('not_found', 'There is no such credential.')
  return { listId: list.listId, index: Number(index) }
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
        statusListCredential: text(ID_MAX)
          .optional()
          .meta({ description: 'Where several credentials have the id: the list of the one that is meant' }),
        statusListIndex: z
          .string('a string is wanted')
          .regex(INDEX, 'an integer in base 10 is wanted')
          .optional()
          .meta({ description: 'And its index' }),
      }),
    })
    .refine(
      ({ credentialStatus: { statusListCredential: list, statusListIndex: index } }) =>
        (list === undefined) === (index === undefined),
      { path: ['credentialStatus', 'statusListIndex'], error: 'list and index go together' },
    )
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
      ['conflict', 'The credential names no list for suspension: nobody would hear of it.'],
      ['conflict', 'Several credentials have this id: name list and index of the one that is meant.'],
    ],
  },
  answer: async (ctx, { clientId, input }) => {
    const { credentialId, credentialStatus } = input
    const change = changes[credentialStatus.statusPurpose][String(credentialStatus.status)]
    if (change === undefined) throw new Error('a change that the schema lets through')
    await changeStatus(ctx, { clientId, change, credentialId, entry: entryOf(ctx, credentialStatus) })
    return { status: 200, body: {} }
  },
})
