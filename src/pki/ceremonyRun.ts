import { createHash, randomUUID } from 'node:crypto'
import { authoritiesByCeremony } from '../../config/production.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import {
  abandonCeremony,
  approvalsOf,
  beginCeremony,
  endCeremony,
  findCeremony,
  insertCeremony,
  lockCeremony,
  type CeremonyRow,
} from '../db/ceremonies.ts'
import type { Queries } from '../db/database.ts'
import { ifFree } from '../db/startLock.ts'
import { Refusal } from '../refusal.ts'
import { isApproval } from './ceremonyApproval.ts'
import { CeremonyBook } from './ceremonyBook.ts'
import { checkPlan, counts } from './ceremonyCheck.ts'
import { PlanError, readPlan, type CeremonyPlan } from './ceremonyPlan.ts'
import { stepsOf, TRANSCRIPT_STEP } from './ceremonySteps.ts'
import { signedTranscript } from './ceremonyTranscript.ts'
import { perform } from './ceremonyWork.ts'
import { publishFirstLists } from './crlPublisher.ts'

/** A ceremony that is being run, its plan found good. */
export interface Running {
  readonly ceremony: CeremonyRow
  readonly plan: CeremonyPlan
  readonly book: CeremonyBook
  /** As the audit log names who runs it. */
  readonly actor: string
}

/**
 * Runs a ceremony, or goes on where it ended: a step is recorded before it is begun and when it is done, and what is done is
 * not done again. If we die: running it again goes on.
 * @param run.operatorId who runs it
 * @throws Refusal not_found, conflict (not approved, expired, altered, ended, another one under way), unavailable
 */
export async function runCeremony(
  ctx: Context,
  { id, operatorId }: { readonly id: string; readonly operatorId: string },
): Promise<void> {
  await alone(ctx, async () => {
    await checkFits(ctx, id)
    await live(ctx, { id, operatorId })
  })
  // Now rather than at the publisher's next look for authorities: certificates that are issued from here on name the lists.
  await publishFirstLists(ctx).catch((error: unknown) =>
    ctx.log.warn({ err: error }, "new authorities' revocation lists are not published yet; they will be"),
  )
}

/**
 * Ends a ceremony that will not be run, or not be gone on with; what it has made stays.
 * @throws Refusal not_found, conflict (ended, one under way)
 */
export async function abandon(ctx: Context, { id, actor }: { id: string; actor: string }): Promise<void> {
  await alone(ctx, () =>
    ctx.db.transaction(async (tx) => {
      const { state } = known(await lockCeremony(tx, id))
      if (!(await abandonCeremony(tx, id))) throw new Refusal('conflict', `The ceremony is ${state}.`)
      await recordCeremony(tx, { act: 'ceremony.abandon', actor, id })
    }),
  )
}

async function alone(ctx: Context, work: () => Promise<void>): Promise<void> {
  if ((await ifFree(ctx.db, work)) !== undefined) return
  throw new Refusal('conflict', 'Another ceremony, or a first start, is under way.')
}

function known(ceremony: CeremonyRow | undefined): CeremonyRow {
  if (ceremony === undefined) throw new Refusal('not_found', 'There is no such ceremony.')
  return ceremony
}

/** Only before it is begun: what it has made by then would be in its own way. */
async function checkFits(ctx: Context, id: string): Promise<void> {
  const ceremony = known(await findCeremony(ctx.db, id))
  if (ceremony.state === 'open') await checkPlan(ctx, storedPlan(ctx, ceremony), ceremony.submittedBy)
}

/** The service's own, whose lock the caller holds. */
export async function continueOwn(ctx: Context, id: string): Promise<void> {
  await live(ctx, { id, operatorId: null })
}

/** Enters the service's own plan, which nobody approves. @returns the ceremony's id */
export async function submitOwn(ctx: Context, octets: Buffer): Promise<string> {
  const read = readPlan(octets, { development: true })
  return enter(ctx, { octets, ...read, submittedBy: null })
}

/**
 * Enters a plan for approval.
 * @throws Refusal invalid_request (what is wrong with it, line by line), conflict (what it does not fit)
 */
export async function submitPlan(ctx: Context, octets: Buffer, submittedBy: string): Promise<string> {
  const read = planOf(octets, 'invalid_request')
  await checkPlan(ctx, read.plan, submittedBy)
  return enter(ctx, { octets, ...read, submittedBy })
}

async function enter(
  ctx: Context,
  made: { octets: Buffer; plan: CeremonyPlan; sha256: Buffer; submittedBy: string | null },
): Promise<string> {
  const id = randomUUID()
  const { octets, plan, sha256, submittedBy } = made
  const row = { id, plan: octets, planSha256: sha256, submittedBy, expiresAt: new Date(plan.expires) }
  const actor = actorOf(submittedBy)
  await ctx.db.transaction(async (tx) => {
    await insertCeremony(tx, row)
    await recordCeremony(tx, { act: 'ceremony.submit', actor, id, detail: { plan: sha256.toString('hex') } })
  })
  return id
}

async function live(ctx: Context, run: { id: string; operatorId: string | null }): Promise<void> {
  // 1. Whether it may be run, and that it is being run: one transaction. If we die before it, nothing has happened.
  const running = await ctx.db.transaction((tx) => begin(ctx, tx, run))
  // 2. Keys and certificates, step by step. If we die here: what is recorded as done is done, and is not done again.
  for (const step of stepsOf(running.plan)) {
    if (!running.book.isDone(step.name)) await perform(ctx, running, step)
  }
  // 3. The transcript, and the end. If we die before it is durable: all is made, and the next run signs another one.
  await finish(ctx, running)
}

async function begin(
  ctx: Context,
  tx: Queries,
  { id, operatorId }: { id: string; operatorId: string | null },
): Promise<Running> {
  const ceremony = known(await lockCeremony(tx, id))
  if (!(await beginCeremony(tx, id))) throw new Refusal('conflict', `The ceremony is ${ceremony.state}.`)
  const plan = storedPlan(ctx, ceremony)
  const approvers = await checkApproved(tx, ceremony, plan)
  const actor = actorOf(operatorId)
  const book = await CeremonyBook.open(tx, id)
  await book.run(tx, { by: operatorId, approvers })
  await recordCeremony(tx, {
    act: 'ceremony.run',
    actor,
    id,
    detail: { plan: ceremony.planSha256.toString('hex') },
  })
  return { ceremony, plan, book, actor }
}

/** The plan as it was submitted, or none. Nobody approved a plan of the service's own, so nobody may run it. */
function storedPlan(ctx: Context, ceremony: CeremonyRow): CeremonyPlan {
  if (ceremony.expired) throw new Refusal('conflict', 'The plan has expired.')
  const isOwn = ceremony.submittedBy === null && !authoritiesByCeremony(ctx.config)
  const { plan, sha256 } = planOf(ceremony.plan, 'conflict', isOwn)
  if (sha256.equals(ceremony.planSha256) && new Date(plan.expires).getTime() === ceremony.expiresAt.getTime())
    return plan
  throw new Refusal('conflict', 'The plan is not the one that was submitted.')
}

/** @returns who approved it, by id. @throws Refusal conflict */
async function checkApproved(tx: Queries, ceremony: CeremonyRow, plan: CeremonyPlan): Promise<string[]> {
  const approvals = await approvalsOf(tx, ceremony.id)
  const approved = { ceremony: ceremony.id, plan: createHash('sha256').update(ceremony.plan).digest() }
  for (const { signature, publicKey } of approvals) {
    if (await isApproval(signature, publicKey, approved)) continue
    throw new Refusal('conflict', 'An approval is not of this plan: plan or approval was altered.')
  }
  const counted = approvals.filter((approval) => counts(approval, ceremony, plan))
  const { approvals: needed } = plan.quorum
  if (counted.length < needed)
    throw new Refusal('conflict', `The plan takes ${needed} approvals and has ${counted.length}.`)
  return counted.map(({ operatorId }) => operatorId)
}

async function finish(ctx: Context, running: Running): Promise<void> {
  const { ceremony, book, actor } = running
  const { id } = ceremony
  await book.begin(ctx.db, TRANSCRIPT_STEP)
  const transcript = await signedTranscript(ctx, running)
  await ctx.db.transaction(async (tx) => {
    await book.done(tx, TRANSCRIPT_STEP, { sha256: createHash('sha256').update(transcript).digest('hex') })
    if (!(await endCeremony(tx, { id, transcript }))) throw new Error('the ceremony is not running any more')
    await recordCeremony(tx, { act: 'ceremony.done', actor, id })
  })
  ctx.log.info({ ceremony: id }, 'a ceremony is done')
}

function planOf(octets: Buffer, code: 'invalid_request' | 'conflict', development = false) {
  try {
    return readPlan(octets, { development })
  } catch (error) {
    if (error instanceof PlanError) throw new Refusal(code, error.message)
    throw error
  }
}

const actorOf = (operatorId: string | null): string =>
  operatorId === null ? 'service' : `operator:${operatorId}`

/** In the transaction that does it. */
export async function recordCeremony(
  tx: Queries,
  made: { act: string; actor: string; id: string; detail?: Readonly<Record<string, string>> },
): Promise<void> {
  const { act, actor, id, detail } = made
  const subjects = [`ceremony:${id}`]
  await insertAudit(tx, [auditEntry({ kind: 'act', act, actor, subjects, ...(detail && { detail }) })])
}
