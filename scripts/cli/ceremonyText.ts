import type { ReadPlan } from '../../src/pki/ceremonyPlan.ts'
import { inWords, stepsOf } from '../../src/pki/ceremonySteps.ts'
import type { Verified } from '../../src/pki/ceremonyVerify.ts'
import type { Item } from './admin.ts'
import { cell } from './print.ts'

/** A plan as its approvers read it: who, until when, and each thing that will be done. */
export function planText({ plan, sha256 }: ReadPlan): string {
  const { quorum, roles, witnesses } = plan
  return lines([
    ['title', plan.title],
    ['place', plan.place],
    ['plan (SHA-256)', sha256.toString('hex')],
    ['expires', plan.expires],
    ['approvals', `${quorum.approvals} of ${quorum.approvers.length}: ${quorum.approvers.join(', ')}`],
    ...roles.map(({ role, person }): Line => [role, person]),
    ...witnesses.map(({ person, from }): Line => [
      'witness',
      from === undefined ? person : `${person}, ${from}`,
    ]),
    ['what will happen', ''],
    ...[...stepsOf(plan).map((step) => inWords(step, plan)), 'sign the transcript'].map(
      (words, index): Line => [`  ${index + 1}.`, words],
    ),
  ])
}

/** Where a ceremony is. */
export function ceremonyText(item: Item): string {
  const approvals = item['approvals'] as Item[]
  const steps = item['steps'] as Item[]
  return lines([
    ['id', cell(item['id'])],
    ['state', item['state'] === 'open' && item['expired'] === true ? 'expired' : cell(item['state'])],
    ['submitted', `${cell(item['submittedAt'])} by ${cell(item['submittedBy'] ?? 'the service')}`],
    ...approvals.map(({ approvedAt, name, operatorId, thumbprint }): Line => [
      'approved',
      `${cell(approvedAt)} by ${cell(name)} (${cell(operatorId)}), key ${cell(thumbprint)}`,
    ]),
    ...steps.map(({ at, step, event }): Line => [cell(event), `${cell(at)} ${cell(step)}`]),
  ])
}

/** What a transcript proves, and by which keys: these are compared with what the people who were there noted. */
export function verifiedText({ transcript, plan, signedBy }: Verified): string {
  return lines([
    ['verified', `"${plan.title}", ceremony ${transcript.ceremony}`],
    ['plan (SHA-256)', transcript.plan.sha256],
    ['signed by', signedBy],
    ...transcript.approvals.map((one): Line => [
      'approved by',
      `${one.name} (${one.id}), key ${one.thumbprint}`,
    ]),
    ...transcript.certificates.map(({ part, sha256 }): Line => [`${part} (SHA-256)`, sha256]),
  ])
}

type Line = readonly [name: string, value: string]

function lines(all: readonly Line[]): string {
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd() + '\n').join('')
}
