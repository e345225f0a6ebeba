import { z } from 'zod'
import type { Context } from '../../context.ts'
import {
  approvalsOf,
  eventsOf,
  findCeremony,
  insertApproval,
  listCeremonies,
  lockCeremony,
  transcriptOf,
  type CeremonyRow,
} from '../../db/ceremonies.ts'
import { isApproval } from '../../pki/ceremonyApproval.ts'
import { MAX_PLAN, readPlan } from '../../pki/ceremonyPlan.ts'
import { abandon, recordCeremony, runCeremony, submitPlan } from '../../pki/ceremonyRun.ts'
import { Refusal } from '../../refusal.ts'
import { actorOf, found, parsed, uuidParam, type Call, type Endpoints, type Reply } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'

const planBody = z.strictObject({
  /** The plan's octets. */
  plan: z
    .string()
    .max(Math.ceil(MAX_PLAN / 3) * 4, `a plan of more than ${MAX_PLAN} octets`)
    .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'not base64'),
})
const approvalBody = z.strictObject({ signature: z.string().min(1).max(2048) })

/** Ceremonies: plans are submitted, approved by others, run, and leave a transcript. What a plan says is judged in src/pki. */
export const ceremonyEndpoints: Endpoints<'ceremonies'> = {
  'GET /ceremonies': async (ctx, call) => {
    const query = parsed(z.strictObject(pageQuery), call.query)
    const { rows, next } = await page(
      query,
      ({ limit, after }) => listCeremonies(ctx.db, { limit, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: rows.map(shown), next } }
  },

  'POST /ceremonies': async (ctx, call) => {
    const { plan } = parsed(planBody, call.body)
    const id = await submitPlan(ctx, Buffer.from(plan, 'base64'), call.operator.id)
    return { status: 201, body: await whole(ctx, id) }
  },

  'GET /ceremonies/:id': async (ctx, call) => ({ body: await whole(ctx, uuidParam(call, 'ceremony')) }),

  'POST /ceremonies/:id/approve': approve,

  'POST /ceremonies/:id/run': async (ctx, call) => {
    const id = uuidParam(call, 'ceremony')
    found(await findCeremony(ctx.db, id), 'ceremony')
    parsed(z.strictObject({}), call.body)
    await runCeremony(ctx, { id, operatorId: call.operator.id })
    return { body: await whole(ctx, id) }
  },

  'POST /ceremonies/:id/abandon': async (ctx, call) => {
    const id = uuidParam(call, 'ceremony')
    found(await findCeremony(ctx.db, id), 'ceremony')
    parsed(z.strictObject({}), call.body)
    await abandon(ctx, { id, actor: actorOf(call) })
    return { body: await whole(ctx, id) }
  },

  'GET /ceremonies/:id/transcript': async (ctx, call) => {
    const id = uuidParam(call, 'ceremony')
    const { state } = found(await findCeremony(ctx.db, id), 'ceremony')
    const transcript = await transcriptOf(ctx.db, id)
    if (transcript === undefined)
      throw new Refusal('conflict', `The ceremony is ${state}: it has no transcript.`)
    return { body: { transcript: transcript.toString('base64') } }
  },
}

/** One approval by each approver of the plan, but for who submitted it, with a signature that anybody can verify later. */
async function approve(ctx: Context, call: Call): Promise<Reply> {
  const id = uuidParam(call, 'ceremony')
  const { operator } = call
  await ctx.db.transaction(async (tx) => {
    const ceremony = found(await lockCeremony(tx, id), 'ceremony')
    const { signature } = parsed(approvalBody, call.body)
    checkMayApprove(ceremony, operator.id)
    const approved = { ceremony: id, plan: ceremony.planSha256 }
    if (!(await isApproval(signature, operator.publicKey, approved)))
      throw new Refusal('invalid_request', "signature: not this operator's over this plan")
    if (!(await insertApproval(tx, { ceremonyId: id, operatorId: operator.id, signature })))
      throw new Refusal('conflict', 'This operator has approved the plan already.')
    const detail = { plan: ceremony.planSha256.toString('hex') }
    await recordCeremony(tx, { act: 'ceremony.approve', actor: actorOf(call), id, detail })
  })
  return { status: 201, body: await whole(ctx, id) }
}

function checkMayApprove(ceremony: CeremonyRow, operatorId: string): void {
  const { state, expired, submittedBy, plan } = ceremony
  if (state !== 'open') throw ended(state)
  if (expired) throw new Refusal('conflict', 'The plan has expired.')
  if (operatorId === submittedBy)
    throw new Refusal('forbidden', 'Who submitted a plan does not approve it: that is for others to do.')
  if (!readPlan(plan).plan.quorum.approvers.includes(operatorId))
    throw new Refusal('forbidden', 'The plan does not name this operator among its approvers.')
}

const ended = (state: string): Refusal => new Refusal('conflict', `The ceremony is ${state}.`)

async function whole(ctx: Context, id: string): Promise<Record<string, unknown>> {
  const row = found(await findCeremony(ctx.db, id), 'ceremony')
  const approvals = await approvalsOf(ctx.db, id)
  const events = await eventsOf(ctx.db, id)
  return {
    ...shown(row),
    plan: row.plan.toString('base64'),
    approvals: approvals.map(({ operatorId, name, thumbprint, operatorState, approvedAt }) => ({
      operatorId,
      name,
      thumbprint,
      state: operatorState,
      approvedAt,
    })),
    steps: events.map(({ at, step, event }) => ({ at, step, event })),
  }
}

function shown(row: CeremonyRow): Record<string, unknown> {
  const { id, state, expired, submittedBy, submittedAt, expiresAt, endedAt } = row
  return {
    id,
    state,
    expired,
    planSha256: row.planSha256.toString('hex'),
    submittedBy,
    submittedAt,
    expiresAt,
    ...(endedAt === null ? {} : { endedAt }),
  }
}
