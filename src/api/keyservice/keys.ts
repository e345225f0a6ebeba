import { z } from 'zod'
import { keyById } from '../../credentials/keys/findKey.ts'
import { listHolderKeys } from '../../db/holderKeys.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from '../http/problemEndpoint.ts'
import { keySchema, shownKey } from './shown.ts'

/** A page that a program can digest at once. */
const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const list = endpoint({
  method: 'GET',
  path: '/keys',
  request: z.strictObject({
    limit: z.coerce
      .number()
      .int('a whole number is wanted')
      .min(1, 'at least 1')
      .max(LIMIT_MAX, `${LIMIT_MAX} at most`)
      .default(LIMIT_DEFAULT),
    cursor: z.string().max(100, 'not one that this list gave out').optional(),
  }),
  described: {
    summary: "The client's keys, in the order of their making",
    examples: { 'the first page': {} },
    answer: {
      status: 200,
      says: 'Keys',
      schema: z.object({
        keys: z.array(keySchema),
        next: z
          .string()
          .optional()
          .meta({ description: 'As cursor, it brings the next page; absent on the last' }),
      }),
    },
    refusals: [],
  },
  answer: async (ctx, { clientId, input }) => {
    const { limit, cursor } = input
    const after = cursor === undefined ? {} : { after: positionOf(cursor) }
    // One more than asked for tells whether there is a next page.
    const rows = await listHolderKeys(ctx.db, { clientId, limit: limit + 1, ...after })
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    const next = last === undefined ? {} : { next: cursorOf(last.keyId) }
    return { status: 200, body: { keys: shown.map(shownKey), ...next } }
  },
})

const cursorOf = (keyId: string): string => Buffer.from(keyId).toString('base64url')

function positionOf(cursor: string): string {
  const keyId = Buffer.from(cursor, 'base64url').toString()
  if (UUID.test(keyId) && cursorOf(keyId) === cursor) return keyId
  throw new Refusal('invalid_request', 'cursor: not one that this list gave out')
}

export const get = endpoint({
  method: 'GET',
  path: '/keys/:id',
  request: z.strictObject({}),
  described: {
    summary: 'One key and its public half; also of one that was disabled or rotated',
    examples: { 'one of the client': { id: example.keyId } },
    answer: { status: 200, says: 'The key', schema: keySchema },
    refusals: [['not_found', 'There is no such key.']],
  },
  answer: async (ctx, { clientId, id }) => ({
    status: 200,
    body: shownKey(await keyById(ctx, { clientId, id })),
  }),
})
