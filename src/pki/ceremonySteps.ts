import type { KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import { plannedSubject } from './ceremonyNames.ts'
import type { CeremonyPlan } from './ceremonyPlan.ts'
import type { ProfileName } from './profiles.ts'

/** What a ceremony makes. */
export type Part = 'root' | 'issuing' | 'ocsp' | 'tsu' | 'transcript'
type CertifiedPart = Exclude<Part, 'transcript'>

export interface KeyStep {
  readonly kind: 'key'
  readonly name: string
  readonly part: Part
  readonly keyType: KeyType
  readonly purpose: Purpose
  /** CKA label. */
  readonly token: string
}

export interface CertificateStep {
  readonly kind: 'certificate'
  readonly name: string
  readonly part: CertifiedPart
  readonly profile: ProfileName
  readonly subject: string
  readonly days: number
  /** Undefined: itself. */
  readonly issuer: 'root' | 'issuing' | undefined
}

export type Step = KeyStep | CertificateStep

/** TABLE of parts: the purpose of the key, and who issues its certificate. */
const parts: Readonly<Record<Part, { readonly purpose: Purpose; readonly issuer?: 'root' | 'issuing' }>> = {
  root: { purpose: 'ca' },
  issuing: { purpose: 'ca', issuer: 'root' },
  ocsp: { purpose: 'ocsp', issuer: 'issuing' },
  tsu: { purpose: 'tsu', issuer: 'issuing' },
  transcript: { purpose: 'ceremony' },
}

/** The last step, which signs what the others did. */
export const TRANSCRIPT_STEP = 'transcript'
/** What is recorded each time that somebody runs the ceremony. */
export const RUN_STEP = 'run'

/** Keys and certificates in the order in which they are made; the transcript comes after them. */
export function stepsOf(plan: CeremonyPlan): Step[] {
  const certified = (['root', 'issuing', 'ocsp', 'tsu'] as const).flatMap((part) =>
    certifiedSteps(plan, part),
  )
  return [...certified, keyStep('transcript', plan.transcript)]
}

function certifiedSteps(plan: CeremonyPlan, part: CertifiedPart): Step[] {
  const wanted = plan[part]
  if (wanted === undefined) return []
  const certificate: CertificateStep = {
    kind: 'certificate',
    name: `${part} certificate`,
    part,
    profile: part,
    subject: wanted.name,
    days: wanted.days,
    issuer: parts[part].issuer,
  }
  return [keyStep(part, wanted), certificate]
}

function keyStep(part: Part, { key, token }: { readonly key: KeyType; readonly token: string }): KeyStep {
  return { kind: 'key', name: `${part} key`, part, keyType: key, purpose: parts[part].purpose, token }
}

/** A step as people read it. */
export function inWords(step: Step, plan: CeremonyPlan): string {
  if (step.kind === 'key') return `make the ${step.part} key: ${step.keyType}, in the token "${step.token}"`
  const subject = plannedSubject(plan, step.subject).split('\n').reverse().join(', ')
  return `issue the ${step.part} certificate: "${subject}", ${step.days} days, by ${issuerInWords(step, plan)}`
}

function issuerInWords({ issuer }: CertificateStep, plan: CeremonyPlan): string {
  if (issuer === undefined) return 'itself'
  if (issuer === 'root' && plan.existingRoot !== undefined) return `the root ${plan.existingRoot}`
  return `the ${issuer} authority`
}
