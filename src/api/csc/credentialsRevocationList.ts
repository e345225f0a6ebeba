import { z } from 'zod'
import { isRevocationCursor, listRevoked } from '../../db/revocations.ts'
import { Refusal } from '../../refusal.ts'
import { reason } from './credentialsRevoke.ts'
import { endpoint } from './endpoint.ts'
import { common, optionalText } from './members.ts'

/** In one answer. */
const REVOKED_MAX = 1000
const INVALID_PAGE = { error: 'Invalid parameter pageToken' }
const INVALID_MAX = { error: 'Invalid parameter maxResults' }

/**
 * In no edition of the standard: the Greek QTSP's interface has it, by GET; with POST as every other method. What it lists
 * is the client's own. It is no CRL: relying parties ask elsewhere.
 */
export const credentialsRevocationList = endpoint({
  name: 'credentials/revocationlist',
  byGet: true,
  request: z.strictObject({
    maxResults: z.int(INVALID_MAX).min(1, INVALID_MAX).default(REVOKED_MAX),
    pageToken: optionalText('pageToken'),
    ...common,
  }),
  described: {
    summary: "Lists the client's credentials whose certificates were revoked",
    response: z.object({
      revokedCredentials: z.array(
        z.object({ credentialID: z.string(), serialNumber: z.string(), reason, revokedAt: z.string() }),
      ),
      nextPageToken: z.string().optional(),
    }),
    examples: { 'a page at a time': { maxResults: 10 } },
  },
  answer: async (ctx, { clientId, personId, input }) => {
    const size = Math.min(input.maxResults, REVOKED_MAX)
    const rows = await listRevoked(ctx.db, {
      clientId,
      // One more than fits tells whether another page follows.
      limit: size + 1,
      ...(personId === undefined ? {} : { personId }),
      ...(input.pageToken === undefined ? {} : { after: position(input.pageToken) }),
    })
    const page = rows.slice(0, size)
    const last = rows.length > size ? page.at(-1) : undefined
    return {
      revokedCredentials: page.map((row) => ({
        credentialID: row.credentialId,
        serialNumber: row.serial.toString('hex').toUpperCase(),
        reason: row.reason,
        revokedAt: row.revokedAt.toISOString(),
      })),
      ...(last === undefined
        ? {}
        : { nextPageToken: Buffer.from(last.cursor, 'utf8').toString('base64url') }),
    }
  },
})

/** Where the page before ended. @throws Refusal 'invalid_request' */
function position(pageToken: string): string {
  const cursor = Buffer.from(pageToken, 'base64url').toString('utf8')
  if (!isRevocationCursor(cursor)) throw new Refusal('invalid_request', INVALID_PAGE.error)
  return cursor
}
