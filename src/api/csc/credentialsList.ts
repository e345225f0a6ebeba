import { z } from 'zod'
import { listCredentials } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { credentialResponse, describeCredential } from './credential.ts'
import { endpoint } from './endpoint.ts'
import { common, credentialID, flag, optionalText, shownMembers } from './members.ts'

/** Ids in one answer, and descriptions, which may hold three certificates each. */
const IDS_MAX = 1000
const DESCRIBED_MAX = 100
const INVALID_PAGE = { error: 'Invalid parameter pageToken' }

/** CSC API v2.2, 11.6: the credentials that are linked to the client that asks. */
export const credentialsList = endpoint({
  name: 'credentials/list',
  request: z.strictObject({
    // A client's own token does not say whose credentials; without userID: everyone's of this client.
    userID: z.guid({ error: 'Invalid parameter userID' }).optional(),
    credentialInfo: flag('credentialInfo'),
    ...shownMembers,
    onlyValid: flag('onlyValid'),
    // Pages are of version 1 and some clients of version 2 ask for them.
    maxResults: z
      .int({ error: 'Invalid parameter maxResults' })
      .min(1, { error: 'Invalid parameter maxResults' })
      .default(IDS_MAX),
    pageToken: optionalText('pageToken'),
    ...common,
  }),
  described: {
    summary: 'Lists the credentials that are linked to the client',
    clause: '11.6',
    response: z.object({
      credentialIDs: z.array(z.string()),
      credentialInfos: z.array(credentialResponse).optional(),
      onlyValid: z.boolean().optional(),
      nextPageToken: z.string().optional(),
    }),
    examples: {
      'of one person': { userID: example.userID },
      'a page at a time': { maxResults: 10 },
      'described, without those that cannot sign': {
        userID: example.userID,
        credentialInfo: true,
        certificates: 'single',
        certInfo: true,
        authInfo: true,
        onlyValid: true,
      },
    },
    phrases: ['userID parameter MUST be null'],
  },
  answer: async (ctx, { clientId, personId, input }) => {
    const { userID, onlyValid, pageToken } = input
    if (personId !== undefined && userID !== undefined) {
      throw new Refusal('invalid_request', 'userID parameter MUST be null')
    }
    const whose = personId ?? userID
    const size = Math.min(input.maxResults, input.credentialInfo ? DESCRIBED_MAX : IDS_MAX)
    const rows = await listCredentials(ctx.db, {
      clientId,
      enrolled: true,
      onlyValid,
      // One more than fits tells whether another page follows.
      limit: size + 1,
      ...(whose === undefined ? {} : { personId: whose }),
      ...(pageToken === undefined ? {} : { after: position(pageToken) }),
    })
    const page = rows.slice(0, size)
    const last = rows.length > size ? page.at(-1) : undefined
    const credentialInfos = input.credentialInfo
      ? await Promise.all(page.map((row) => describeCredential(ctx, row, input)))
      : undefined
    return {
      credentialIDs: page.map((row) => row.id),
      ...(credentialInfos === undefined ? {} : { credentialInfos }),
      ...(onlyValid ? { onlyValid } : {}),
      ...(last === undefined ? {} : { nextPageToken: Buffer.from(last.id, 'utf8').toString('base64url') }),
    }
  },
})

/** The id of the last credential of the page before. @throws Refusal 'invalid_request' */
function position(pageToken: string): string {
  const id = Buffer.from(pageToken, 'base64url').toString('utf8')
  if (!credentialID.safeParse(id).success) throw new Refusal('invalid_request', INVALID_PAGE.error)
  return id
}
