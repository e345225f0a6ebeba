import type { Context } from '../../context.ts'
import { statusOf } from '../../db/statusLists.ts'
import type { StatusForm } from '../../db/statusPublications.ts'
import { Flaw } from '../../signing/flaw.ts'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import type { Problem } from '../credentialKey.ts'
import { idOf } from '../formats/making.ts'
import { listOfUrl } from './documents.ts'
import type { ForeignList } from './foreignList.ts'
import type { AskedList, ReadList } from './foreignLists.ts'
import { valueAt } from './listBits.ts'
import { STATUS } from './statusBits.ts'

/** Bitstring Status List 1.0, 2.1: an integer in base 10, as a string. */
const INDEX = /^(0|[1-9][0-9]{0,8})$/
/** Entries of a credential; one of more is made to cost time. */
const ENTRIES_MAX = 10

/**
 * Whether a credential's status says that it is not to be relied on. The service's own lists are asked for as they are now, others
 * through `read`; what cannot be known is a problem, too.
 */
export async function statusProblems(
  ctx: Context,
  credential: JsonObject,
  read: ReadList,
): Promise<Problem[]> {
  const { credentialStatus, status, vct, iss, issuer } = credential
  const by = { ctx, read, issuer: vct === undefined ? idOf(issuer) : idOf(iss) }
  const found: Problem[] = []
  // The claim of a token. A document of W3C's may have a term of this name that is none.
  if (isObject(status) || (status !== undefined && vct !== undefined))
    found.push(...(await judged(() => tokenStatus(by, status))))
  if (credentialStatus === undefined) return found
  const entries: unknown[] = [credentialStatus].flat()
  if (entries.length > ENTRIES_MAX)
    return [
      ...found,
      { name: 'status-malformed', detail: `credentialStatus: more than ${ENTRIES_MAX} entries` },
    ]
  for (const entry of entries) found.push(...(await judged(() => entryStatus(by, entry))))
  return found
}

interface Asking {
  readonly ctx: Context
  readonly read: ReadList
  /** Of the credential. */
  readonly issuer: string | undefined
}

const malformed = (detail: string): Flaw => new Flaw('status-malformed', detail)
const unknown = (detail: string): Flaw => new Flaw('status-unknown', detail)

/** @param look answers what a credential is: a value of Token Status List, 7.1 */
async function judged(look: () => Promise<number>): Promise<Problem[]> {
  try {
    const status = await look()
    if (status === STATUS.valid) return []
    if (status === STATUS.invalid) return [{ name: 'revoked', detail: 'The credential was revoked' }]
    if (status === STATUS.suspended) return [{ name: 'suspended', detail: 'The credential is suspended' }]
    return [
      { name: 'status-unknown', detail: `status: ${String(status)} says something that is not known here` },
    ]
  } catch (error) {
    if (!(error instanceof Flaw)) throw error
    return [{ name: error.problem, detail: error.message }]
  }
}

/** Bitstring Status List 1.0, 3.2. @throws Flaw */
async function entryStatus(by: Asking, entry: unknown): Promise<number> {
  if (!isObject(entry)) throw malformed('credentialStatus: not an object')
  const { type, statusPurpose: purpose, statusSize, statusListIndex, statusListCredential: url } = entry
  if (type !== 'BitstringStatusListEntry') throw unknown('credentialStatus: a type that is not known here')
  if (purpose !== 'revocation' && purpose !== 'suspension')
    throw unknown('credentialStatus: a purpose that is not known here')
  if (statusSize !== undefined && statusSize !== 1)
    throw unknown('credentialStatus: an entry of more bits than one')
  if (typeof statusListIndex !== 'string' || !INDEX.test(statusListIndex))
    throw malformed('credentialStatus: statusListIndex is no integer in base 10')
  const index = Number(statusListIndex)
  const wanted = purpose === 'revocation' ? STATUS.invalid : STATUS.suspended
  if (isOwn(by.ctx, url)) {
    const status = await ownStatus(by, { url, form: purpose, index })
    return status === wanted ? wanted : STATUS.valid
  }
  const list = await foreignList(by, { url, form: 'bitstring' })
  if (!list.purposes.includes(purpose))
    throw new Flaw('status-purpose-mismatch', `The status list: it is not about ${purpose}`)
  return foreignValue(list, index) === 0 ? STATUS.valid : wanted
}

/** Token Status List, 6.2 and 8.3. @throws Flaw */
async function tokenStatus(by: Asking, claim: unknown): Promise<number> {
  if (!isObject(claim)) throw malformed('status: not an object')
  const { status_list: list } = claim
  if (list === undefined) throw unknown('status: a mechanism that is not known here')
  if (!isObject(list)) throw malformed('status: no reference to a list')
  const { idx, uri: url } = list
  if (typeof idx !== 'number' || !Number.isSafeInteger(idx) || idx < 0)
    throw malformed('status: no reference to a list')
  if (isOwn(by.ctx, url)) return ownStatus(by, { url, form: 'token', index: idx })
  return foreignValue(await foreignList(by, { url, form: 'token' }), idx)
}

/** Whoever issues a credential says what became of it: nobody else is believed that it is still good. @throws Flaw */
async function foreignList({ read, issuer }: Asking, asked: AskedList): Promise<ForeignList> {
  const list = await read(asked)
  if (list.issuer !== issuer) throw strange()
  return list
}

const strange = (): Flaw =>
  new Flaw('status-issuer-mismatch', 'The status list: its issuer is not that of the credential')

/** @throws Flaw */
function foreignValue({ bits }: ForeignList, index: number): number {
  const value = valueAt(bits, index)
  if (value === undefined) throw new Flaw('status-index-unknown', 'The status list: it has no such entry')
  return value
}

const isOwn = ({ config }: Context, url: unknown): url is string =>
  typeof url === 'string' && url.startsWith(`${config.baseUrl}/`)

/** @throws Flaw */
async function ownStatus(
  { ctx, issuer }: Asking,
  { url, form, index }: { readonly url: string; readonly form: StatusForm; readonly index: number },
): Promise<number> {
  const list = listOfUrl(ctx.config.baseUrl, url)
  const found = list?.form === form ? await statusOf(ctx.db, { listId: list.listId, index }) : undefined
  if (found === undefined) throw unknown('The status list: there is none here with such an entry')
  if (found.issuer !== issuer) throw strange()
  return found.status
}
