import { hash } from 'node:crypto'
import { auditEntry } from '../../audit.ts'
import type { Context } from '../../context.ts'
import { insertAudit } from '../../db/audit.ts'
import {
  giveBackStatusList,
  storePublication,
  takeDueLists,
  unpublishedEntries,
  type ChangedEntry,
  type DueList,
  type StatusDocument,
  type StatusForm,
} from '../../db/statusPublications.ts'
import { isTimeTrusted, trustedTime } from '../../pki/clock.ts'
import { signJws } from '../../signing/jws.ts'
import { dataIntegrity } from '../formats/dataIntegrity.ts'
import { issuerKey, type IssuerKey } from '../issuers.ts'
import { bitstringCredential, statusListClaims, statusUrl, type DocumentTimes } from './documents.ts'
import { STATUS, StatusBits, type Status } from './statusBits.ts'

/** How often it is looked whether a list is due: changes are seen within two of them, and gather meanwhile. */
const POLL_MS = 1_000
const AT_ONCE = 16
/** A list that came to nothing: its token may be away. */
const RETRY_S = 5
const FORMS: readonly StatusForm[] = ['revocation', 'suspension', 'token']

/**
 * Publishes status lists as they are due: those that lack a change, and each before its time is over. Any replica does it,
 * for all. @returns a function that stops it and resolves when it has
 */
export function startStatusPublisher(ctx: Context): () => Promise<void> {
  let running: Promise<void> | undefined
  const look = (): void => {
    running ??= publishDue(ctx)
      .catch((error: unknown) => {
        ctx.log.warn({ err: error }, 'status lists were not looked at; they will be again')
      })
      .finally(() => {
        running = undefined
      })
  }
  const timer = setInterval(look, POLL_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

/**
 * Publishes what is due now. One that cannot be made is left for later, and keeps no other from its turn. While nobody knows the
 * time none is taken: what changed meanwhile stands in the next ones.
 * @param only those of one issuer
 */
export async function publishDue(ctx: Context, only: { readonly issuerId?: string } = {}): Promise<void> {
  while (isTimeTrusted(ctx)) {
    // 1. Whose turn it is. If we die after it, the lists are anybody's when our lease has run out.
    const due = await takeDueLists(ctx.db, { instanceId: ctx.instanceId, limit: AT_ONCE, ...only })
    for (const list of due) await publishOrGiveBack(ctx, list)
    if (due.length < AT_ONCE) return
  }
}

async function publishOrGiveBack(ctx: Context, list: DueList): Promise<void> {
  try {
    await publish(ctx, list)
  } catch (error) {
    ctx.log.warn({ err: error, list: list.id }, 'a status list was not published; it will be')
    await giveBackStatusList(ctx.db, { listId: list.id, instanceId: ctx.instanceId, retryS: RETRY_S })
  }
}

async function publish(ctx: Context, list: DueList): Promise<void> {
  const { id: listId, issuerId } = list
  // 2. What it says: what it said, and what has changed.
  const changes = await unpublishedEntries(ctx.db, listId)
  const bits = list.octets === undefined ? StatusBits.ofLength(list.length) : new StatusBits(list.octets)
  const forms = list.isRefreshed ? FORMS : changedForms(bits, changes)
  for (const { index, status } of changes) bits.set(index, status as Status)
  // 3. Signed, once for each form. If we die after it: documents that nobody has seen.
  const key = await issuerKey(
    ctx,
    { issuerId, evenDisabled: true },
    { act: 'status-list.sign', actor: 'service', subjects: [`status-list:${listId}`] },
  )
  const documents = await Promise.all(forms.map((form) => documentOf(ctx, { listId, form, bits, key })))
  // 4. Stored: from here on relying parties get them.
  const { validSeconds: validS } = ctx.config.status
  await ctx.db.transaction(async (tx) => {
    const octets = list.octets === undefined || changes.length > 0 ? bits.octets : undefined
    const made = { listId, instanceId: ctx.instanceId, octets, changes, documents }
    const refreshS = list.isRefreshed ? Math.floor(validS / 2) : undefined
    const stored = await storePublication(tx, { ...made, refreshS, validS })
    if (stored) await insertAudit(tx, [publishedEntry(list, documents)])
  })
}

/** A purpose's own list, which nothing of the changes is about, stays as it is. */
function changedForms(before: StatusBits, changes: readonly ChangedEntry[]): StatusForm[] {
  const has = (status: Status): boolean =>
    changes.some((change) => change.status === status || before.get(change.index) === status)
  return FORMS.filter(
    (form) => form === 'token' || has(form === 'revocation' ? STATUS.invalid : STATUS.suspended),
  )
}

async function documentOf(
  ctx: Context,
  by: {
    readonly listId: string
    readonly form: StatusForm
    readonly bits: StatusBits
    readonly key: IssuerKey
  },
): Promise<StatusDocument> {
  const { form, bits, key } = by
  const url = statusUrl(ctx.config.baseUrl, by.listId, form)
  const { validSeconds: validS, ttlSeconds: ttlS } = ctx.config.status
  const times: DocumentTimes = { now: new Date(trustedTime(ctx)), validS, ttlS }
  const of = { url, issuer: key.controller, times }
  const { body, mediaType } =
    form === 'token'
      ? await securedToken(key, statusListClaims(bits, of))
      : await securedCredential(key, bitstringCredential(bits, { ...of, purpose: form }), times.now)
  const octets = Buffer.from(body)
  return { form, mediaType, body: octets, sha256: hash('sha256', octets, 'buffer') }
}

async function securedToken(
  key: IssuerKey,
  claims: ReturnType<typeof statusListClaims>,
): Promise<{ body: string; mediaType: string }> {
  const body = await signJws(key, { typ: 'statuslist+jwt', kid: key.id }, claims)
  return { body, mediaType: 'application/statuslist+jwt' }
}

async function securedCredential(
  key: IssuerKey,
  credential: ReturnType<typeof bitstringCredential>,
  now: Date,
): Promise<{ body: string; mediaType: string }> {
  const { body } = await dataIntegrity.issue({ credential, key, now })
  return { body: JSON.stringify(body), mediaType: 'application/vc' }
}

function publishedEntry(list: DueList, documents: readonly StatusDocument[]): ReturnType<typeof auditEntry> {
  return auditEntry({
    kind: 'act',
    act: 'status-list.publish',
    actor: 'service',
    subjects: [`issuer:${list.issuerId}`, `status-list:${list.id}`],
    detail: { documents: documents.map(({ form, sha256 }) => `${form} ${sha256.toString('hex')}`) },
  })
}
