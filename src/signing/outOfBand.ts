import { randomBytes, randomUUID } from 'node:crypto'
import type { HashName } from '../../hsm/algorithms.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { isLocked } from '../db/attempts.ts'
import { insertAudit } from '../db/audit.ts'
import {
  answerApproval,
  findApprovalByHandle,
  findApprovalByLink,
  insertApproval,
  takeApproval,
  voidApproval,
  type ApprovalRow,
} from '../db/approvals.ts'
import { giveBearer } from '../db/bearers.ts'
import { findClient } from '../db/clients.ts'
import { findCredential, type CredentialRow } from '../db/credentials.ts'
import { findPerson } from '../db/persons.ts'
import type { SendLimits } from '../db/sendLimits.ts'
import { Refusal, unavailable } from '../refusal.ts'
import type { Wording } from '../sender.ts'
import { approveCredential, newSad, type Authorised } from './activation.ts'
import { inTurn } from './inTurn.ts'
import { bearerHash, checkUsable } from './permit.ts'
import { senderOf, tellHolder } from './tellHolder.ts'

/**
 * Of requests for approval, each of which is a message. People sign several batches one after another, and an application
 * that asks without end is stopped before it floods a phone.
 */
export const APPROVAL_LIMITS: SendLimits = {
  seconds: 600,
  apart: 2,
  outstanding: 5,
  perPerson: 60,
  perClient: 120,
}
const BEARER_OCTETS = 32

export interface Wish {
  readonly clientId: string
  readonly credential: CredentialRow
  readonly count: number
  readonly hash?: HashName
  readonly digests?: readonly Buffer[]
  readonly description?: string
  /** The message, in the holder's language. */
  readonly wording: Wording<{
    readonly code: string
    readonly client: string
    readonly count: number
    readonly minutes: number
  }>
}

/**
 * Asks a holder for an approval, by a message with a link. It is stored before it is sent: if we die in between, a wish that
 * nobody was told of expires.
 * @returns the handle: bearer value, of which only the SHA-256 is stored
 * @throws Refusal credential_disabled, certificate_expired, certificate_revoked, credential_locked, throttled, unavailable
 */
export async function askHolder(ctx: Context, wish: Wish): Promise<string> {
  const { clientId, credential } = wish
  checkUsable(credential)
  await refuseLocked(ctx, credential, clientId)
  // Before it is stored.
  senderOf(ctx)
  const to = (await findPerson(ctx.db, credential.personId))?.contact ?? ''
  if (to === '') throw unavailable('The holder cannot be reached at the moment')
  const [handle, code] = [newBearer(), newBearer()]
  const id = await noted(ctx, wish, { handleHash: bearerHash(handle), linkHash: bearerHash(code) })
  const client = (await findClient(ctx.db, clientId))?.name ?? ''
  const count = wish.digests?.length ?? wish.count
  const { language } = wish.wording
  const text = wish.wording.text({ code, client, count, minutes: APPROVAL_LIMITS.seconds / 60 })
  const message = { id, kind: 'approval', to, text, language } as const
  await tellHolder(ctx, message, {
    says: 'The holder cannot be reached at the moment',
    undo: () => voidApproval(ctx.db, id),
  })
  return handle
}

const newBearer = (): string => randomBytes(BEARER_OCTETS).toString('base64url')

async function refuseLocked(ctx: Context, { keyId }: CredentialRow, clientId: string): Promise<void> {
  if (keyId === null || !(await isLocked(ctx.db, { keyId, clientId }))) return
  throw new Refusal('credential_locked', 'Credential locked')
}

async function noted(
  ctx: Context,
  wish: Wish,
  hashes: { readonly handleHash: Buffer; readonly linkHash: Buffer },
): Promise<string> {
  const { clientId, credential, count, hash, digests, description } = wish
  const [credentialId, personId, id] = [credential.id, credential.personId, randomUUID()]
  const asked = {
    count,
    ...(hash === undefined ? {} : { hash }),
    ...(digests === undefined ? {} : { digests: digests.map((digest) => digest.toString('base64')) }),
    ...(description === undefined ? {} : { description }),
  }
  const act = auditEntry({
    kind: 'act',
    act: 'approval.ask',
    actor: `client:${clientId}`,
    subjects: [`credential:${credentialId}`, `person:${personId}`, `approval:${id}`],
  })
  // In turn, so that who asks a thousand times waits here, and not with a connection each.
  const retryAfter = await inTurn(`send ${clientId}`, () =>
    ctx.db.transaction(async (tx) => {
      const made = { id, clientId, credentialId, personId, asked, ...hashes }
      const seconds = await insertApproval(tx, made, APPROVAL_LIMITS)
      if (seconds === 0) await insertAudit(tx, [act])
      return seconds
    }),
  )
  if (retryAfter > 0) throw new Refusal('throttled', 'Too many approvals were asked for', { retryAfter })
  return id
}

/** What a holder's link stands for; undefined: nothing any more. */
export async function openWish(ctx: Context, code: string): Promise<ApprovalRow | undefined> {
  const found = await findApprovalByLink(ctx.db, bearerHash(code))
  return found?.state === 'pending' && !found.expired ? found : undefined
}

/**
 * The holder approves: what is activated gets no bearer value yet. Of two who approve at once one counts; what the other one
 * activated is worth nothing to anybody, and expires.
 * @throws Refusal as approveCredential does, and not_found where it is too late
 */
export async function approveWish(
  ctx: Context,
  wish: ApprovalRow,
  given: { readonly pin: string; readonly otp?: string | undefined },
): Promise<void> {
  const { count, hash, digests } = wish.asked
  const { authorisationId } = await approveCredential(ctx, {
    clientId: wish.clientId,
    credentialId: wish.credentialId,
    secrets: [given.pin],
    otp: given.otp,
    count,
    ...(hash === undefined ? {} : { hash }),
    ...(digests === undefined ? {} : { digests: digests.map((digest) => Buffer.from(digest, 'base64')) }),
  })
  if (!(await answerApproval(ctx.db, wish.id, authorisationId))) {
    throw new Refusal('not_found', 'There is nothing to approve.')
  }
}

/** The holder says no, for which no PIN is needed. */
export async function denyWish(ctx: Context, { id, credentialId, personId }: ApprovalRow): Promise<void> {
  const subjects = [`credential:${credentialId}`, `approval:${id}`]
  const act = auditEntry({ kind: 'act', act: 'approval.deny', actor: `person:${personId}`, subjects })
  await ctx.db.transaction(async (tx) => {
    if (await answerApproval(tx, id, null)) await insertAudit(tx, [act])
  })
}

/**
 * What became of a wish. The SAD is given once: it comes into being here.
 * @returns undefined while the holder has not answered
 * @throws Refusal handle_unknown (also: another client's, expired, or its SAD was given), activation_failed (the holder said
 * no), credential_locked
 */
export async function wishOutcome(
  ctx: Context,
  asking: { readonly handle: string; readonly clientId: string; readonly personId?: string | undefined },
): Promise<Authorised | undefined> {
  const { clientId, personId } = asking
  const found = await findApprovalByHandle(ctx.db, { handleHash: bearerHash(asking.handle), clientId })
  if (found === undefined || (personId !== undefined && found.personId !== personId)) throw unknownHandle()
  if (found.state === 'denied') {
    throw new Refusal('activation_failed', 'The authentication data is invalid')
  }
  if (found.state === 'approved') return givenSad(ctx, found)
  if (found.state === 'given' || found.expired) throw unknownHandle()
  const credential = await findCredential(ctx.db, { id: found.credentialId, clientId })
  if (credential !== undefined) await refuseLocked(ctx, credential, clientId)
  return undefined
}

async function givenSad(ctx: Context, { id }: ApprovalRow): Promise<Authorised> {
  const sad = newSad()
  const expiresIn = await ctx.db.transaction(async (tx) => {
    const authorisationId = await takeApproval(tx, id)
    return authorisationId && giveBearer(tx, { authorisationId, sadHash: bearerHash(sad) })
  })
  if (typeof expiresIn !== 'number') throw unknownHandle()
  return { sad, expiresIn }
}

const unknownHandle = (): Refusal => new Refusal('handle_unknown', 'Invalid parameter handle')
