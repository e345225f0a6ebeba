import { createHash, X509Certificate } from 'node:crypto'
import type { Role } from '../../config/operators.ts'
import type { OpenToken } from '../../hsm/tokens.ts'
import type { Context } from '../context.ts'
import type { ApprovalRow, CeremonyRow } from '../db/ceremonies.ts'
import { authorityCertificates, type AuthorityCertificate } from '../db/certificates.ts'
import { findOperator } from '../db/operators.ts'
import { Refusal } from '../refusal.ts'
import { plannedSubject, subjectIn } from './ceremonyNames.ts'
import type { CeremonyPlan } from './ceremonyPlan.ts'
import { stepsOf, type KeyStep } from './ceremonySteps.ts'

/** Who may approve a plan. An auditor looks on, and does nothing. */
export const APPROVER_ROLES = ['security-officer', 'administrator'] as const satisfies readonly Role[]
const DAY_MS = 86_400_000

/**
 * Whether a plan fits this service: its tokens, its operators, the authorities that there are. Before it is approved, and again
 * before it is run.
 * @throws Refusal conflict
 */
export async function checkPlan(ctx: Context, plan: CeremonyPlan, submittedBy: string | null): Promise<void> {
  if (Date.parse(plan.expires) <= ctx.clock()) throw misfit('expires: has passed')
  for (const step of stepsOf(plan)) if (step.kind === 'key') tokenFor(ctx, step)
  await checkApprovers(ctx, plan, submittedBy)
  await checkAuthorities(ctx, plan)
}

/** Where a step makes its key. @throws Refusal conflict */
export function tokenFor(ctx: Context, { part, token: label, purpose }: KeyStep): OpenToken {
  const [found, second] = ctx.token.all.filter(({ token }) => token.label === label)
  if (found === undefined) throw misfit(`${part}.token: no token is configured whose label is "${label}"`)
  if (second !== undefined) throw misfit(`${part}.token: two tokens have the label "${label}"`)
  if (found.config.purposes?.includes(purpose) === false)
    throw misfit(`${part}.token: the token "${label}" makes no keys for '${purpose}'`)
  return found
}

async function checkApprovers(
  ctx: Context,
  { quorum }: CeremonyPlan,
  submittedBy: string | null,
): Promise<void> {
  let able = 0
  for (const id of quorum.approvers) {
    const operator = await findOperator(ctx.db, id)
    if (operator === undefined) throw misfit(`quorum.approvers: ${id} is no operator`)
    if (!APPROVER_ROLES.some((role) => operator.roles.includes(role)))
      throw misfit(`quorum.approvers: ${id} is neither ${APPROVER_ROLES.join(' nor ')}`)
    if (operator.state === 'enabled' && id !== submittedBy) able++
  }
  if (able >= quorum.approvals) return
  throw misfit(
    `quorum.approvers: ${quorum.approvals} approvals, and ${able} who can give one: ` +
      'enabled operators, and not the one who submitted the plan',
  )
}

/** Who submitted the plan, and who is not an operator any more, does not count. */
export function counts(
  { operatorId, operatorState }: Pick<ApprovalRow, 'operatorId' | 'operatorState'>,
  { submittedBy }: Pick<CeremonyRow, 'submittedBy'>,
  { quorum }: Pick<CeremonyPlan, 'quorum'>,
): boolean {
  return operatorState === 'enabled' && operatorId !== submittedBy && quorum.approvers.includes(operatorId)
}

async function checkAuthorities(ctx: Context, plan: CeremonyPlan): Promise<void> {
  for (const part of ['root', 'issuing'] as const) await checkName(ctx, plan, part)
  if (plan.existingRoot === undefined) return
  const { notAfter } = await existingRoot(ctx, plan.existingRoot)
  if (notAfter.getTime() <= ctx.clock() + plan.issuing.days * DAY_MS)
    throw misfit('issuing.days: must end before the root that issues it')
}

/** A name is one authority's, for good (X.509, 9.2). @throws Refusal conflict */
export async function checkName(ctx: Context, plan: CeremonyPlan, part: 'root' | 'issuing'): Promise<void> {
  const { name } = plan[part] ?? {}
  if (name === undefined) return
  const wanted = plannedSubject(plan, name)
  const known = await authorityCertificates(ctx.db)
  if (known.some(({ der }) => subjectIn(new X509Certificate(der)) === wanted))
    throw misfit(`${part}.name: there is an authority of this name`)
}

/** @param sha256 of its certificate @throws Refusal conflict */
export async function existingRoot(ctx: Context, sha256: string): Promise<AuthorityCertificate> {
  const known = await authorityCertificates(ctx.db)
  const root = known.find(({ der }) => createHash('sha256').update(der).digest('hex') === sha256)
  if (root?.profile === 'root' && root.valid) return root
  throw misfit('existingRoot: there is no valid root whose certificate has this SHA-256')
}

function misfit(problem: string): Refusal {
  return new Refusal('conflict', `The plan does not fit this service: ${problem}.`)
}
