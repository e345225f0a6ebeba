import type { Context } from '../../context.ts'
import { statusOf } from '../../db/statusLists.ts'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import type { Problem } from '../credentialKey.ts'
import { STATUS } from './statusBits.ts'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
/** Bitstring Status List 1.0, 2.1: an integer in base 10, as a string. */
const INDEX = /^(0|[1-9][0-9]{0,8})$/
/** Entries of a credential; one of more is made to cost time. */
const ENTRIES_MAX = 10

/**
 * Whether a credential's status says that it is not to be relied on. The service's own lists are asked for as they are now;
 * what cannot be known is a problem, too.
 */
export async function statusProblems(ctx: Context, credential: JsonObject): Promise<Problem[]> {
  const { credentialStatus, status } = credential
  if (isObject(status)) return tokenProblems(ctx, status)
  if (credentialStatus === undefined) return []
  const entries: unknown[] = Array.isArray(credentialStatus) ? credentialStatus : [credentialStatus]
  if (entries.length > ENTRIES_MAX) return [malformed(`more than ${ENTRIES_MAX} entries`)]
  const found: Problem[] = []
  for (const entry of entries) found.push(...(await entryProblems(ctx, entry)))
  return found
}

const malformed = (detail: string): Problem => ({
  name: 'status-malformed',
  detail: `credentialStatus: ${detail}`,
})
const unknown = (detail: string): Problem => ({
  name: 'status-unknown',
  detail: `credentialStatus: ${detail}`,
})

async function entryProblems(ctx: Context, entry: unknown): Promise<Problem[]> {
  if (!isObject(entry)) return [malformed('not an object')]
  const { type, statusPurpose, statusListIndex, statusListCredential } = entry
  if (type !== 'BitstringStatusListEntry') return [unknown('a type that is not known here')]
  if (statusPurpose !== 'revocation' && statusPurpose !== 'suspension')
    return [unknown('a purpose that is not known here')]
  if (typeof statusListIndex !== 'string' || !INDEX.test(statusListIndex))
    return [malformed('statusListIndex is no integer in base 10')]
  const listId = ownList(ctx, statusListCredential, statusPurpose)
  if (listId === undefined) return [unknown('a list of somebody else')]
  const wanted = statusPurpose === 'revocation' ? STATUS.invalid : STATUS.suspended
  return judged(await statusOf(ctx.db, { listId, index: Number(statusListIndex) }), [wanted])
}

/** Token Status List, 6.2. */
async function tokenProblems(ctx: Context, { status_list: list }: JsonObject): Promise<Problem[]> {
  if (!isObject(list) || !Number.isSafeInteger(list['idx'])) return [malformed('no reference to a list')]
  const listId = ownList(ctx, list['uri'], 'token')
  if (listId === undefined) return [unknown('a list of somebody else')]
  const status = await statusOf(ctx.db, { listId, index: Number(list['idx']) })
  return judged(status, [STATUS.invalid, STATUS.suspended])
}

function judged(status: number | undefined, bad: readonly number[]): Problem[] {
  if (status === undefined) return [unknown('the list has no such entry')]
  if (!bad.includes(status)) return []
  return status === STATUS.invalid
    ? [{ name: 'revoked', detail: 'The credential was revoked' }]
    : [{ name: 'suspended', detail: 'The credential is suspended' }]
}

/** The list of this service that an address names. */
function ownList({ config }: Context, url: unknown, form: string): string | undefined {
  if (typeof url !== 'string') return undefined
  const begin = `${config.baseUrl}/status/`
  if (!url.startsWith(begin) || !url.endsWith(`/${form}`)) return undefined
  const id = url.slice(begin.length, -form.length - 1)
  return new RegExp(`^${UUID}$`).test(id) ? id : undefined
}
