import { z } from 'zod'
import { Refusal } from '../../refusal.ts'
import { isUuid } from './endpoint.ts'

/** A page that a person or a script can digest at once. */
const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200

/** Members that every list takes. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z.string().max(200).optional(),
}

interface PageQuery {
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface Page<Item> {
  readonly items: Item[]
  /** Opaque: given back as `cursor`, it brings the next page. Absent on the last. */
  readonly next?: string
}

/**
 * One page of a list.
 * @param rows fetches up to `limit` rows after the one whose position is `after`
 * @param position where a row stands: its id, or what its table orders by
 */
export async function page<Row>(
  query: PageQuery,
  rows: (window: { limit: number; after?: string }) => Promise<Row[]>,
  position: (row: Row) => string,
): Promise<{ rows: Row[]; next?: string }> {
  const after = query.cursor === undefined ? undefined : position64(query.cursor)
  // One more than asked for tells whether there is a next page.
  const got = await rows({ limit: query.limit + 1, ...(after === undefined ? {} : { after }) })
  const shown = got.slice(0, query.limit)
  const last = shown.at(-1)
  if (got.length <= query.limit || last === undefined) return { rows: shown }
  return { rows: shown, next: Buffer.from(position(last), 'utf8').toString('base64url') }
}

function position64(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  if (Buffer.from(text, 'utf8').toString('base64url') !== cursor || text === '') throw invalidCursor()
  return text
}

/** For lists that are ordered by a row whose id is a UUID. */
export function uuidPosition(after: string | undefined): { after?: string } {
  if (after === undefined) return {}
  if (!isUuid(after)) throw invalidCursor()
  return { after }
}

function invalidCursor(): Refusal {
  return new Refusal('invalid_request', 'cursor: not one that this list gave out')
}
