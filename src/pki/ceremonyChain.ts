import { X509Certificate } from 'node:crypto'
import type { Transcript } from './ceremonyDocument.ts'
import { plannedSubject, subjectIn } from './ceremonyNames.ts'
import type { CeremonyPlan } from './ceremonyPlan.ts'
import { OID } from './oids.ts'
import { stepsOf, type CertificateStep } from './ceremonySteps.ts'

/**
 * Whether the certificates of a transcript are those of its plan, hold the keys that were read back, and verify up to the root.
 * @returns what is wrong, in a sentence
 */
export function checkChain(transcript: Transcript, plan: CeremonyPlan): string | undefined {
  const { existingRoot } = transcript
  if (existingRoot?.sha256 !== plan.existingRoot) return 'The root is not the one that the plan names.'
  const known = new Map<string, X509Certificate>()
  for (const { part, sha256, pem } of [
    ...transcript.certificates,
    ...(existingRoot === undefined ? [] : [{ part: 'root', ...existingRoot }]),
  ]) {
    const certificate = certificateOf(pem, sha256)
    if (certificate === undefined) return `The ${part} certificate is not the one of its SHA-256.`
    known.set(part, certificate)
  }
  const root = known.get('root')
  if (root === undefined || !root.ca || !isIssuedBy(root, root)) return 'The root does not verify.'
  const steps = stepsOf(plan).filter((step) => step.kind === 'certificate')
  return steps.map((step) => wrongIn(step, { transcript, plan, known })).find((wrong) => wrong !== undefined)
}

function wrongIn(
  step: CertificateStep,
  {
    transcript,
    plan,
    known,
  }: { transcript: Transcript; plan: CeremonyPlan; known: Map<string, X509Certificate> },
): string | undefined {
  const certificate = known.get(step.part)
  const issuer = known.get(step.issuer ?? step.part)
  if (certificate === undefined || issuer === undefined) return `There is no ${step.name}.`
  const key = transcript.keys.find(({ part }) => part === step.part)
  if (key?.publicKey !== spkiOf(certificate)) return `The ${step.name} is not of the key that the token made.`
  if (subjectIn(certificate) !== plannedSubject(plan, step.subject))
    return `The ${step.name} does not name its subject as the plan does.`
  if (!issuer.ca || !isIssuedBy(certificate, issuer))
    return `The ${step.name} does not verify with its issuer's key.`
  if (certificate.ca !== (step.part === 'root' || step.part === 'issuing'))
    return `The ${step.name} is of another profile.`
  // Its type does not say so: undefined where there is none.
  const usages = certificate.keyUsage as string[] | undefined
  if (usages?.join() !== EXTENDED_USAGE[step.part]) return `The ${step.name} is of another profile.`
  return isWithin(certificate, issuer, step.days)
    ? undefined
    : `The ${step.name} is valid for another time than planned.`
}

/** What Node calls keyUsage is the extended key usage. */
const EXTENDED_USAGE: Readonly<Partial<Record<CertificateStep['part'], string>>> = {
  ocsp: OID.ocspSigning,
  tsu: OID.timeStamping,
}

/** The PEM that this certificate is written in, and no other. */
function certificateOf(pem: string, sha256: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(pem)
    const isSame = certificate.fingerprint256.replaceAll(':', '').toLowerCase() === sha256
    return isSame && certificate.toString() === pem ? certificate : undefined
  } catch {
    return undefined
  }
}

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey)

const spkiOf = ({ publicKey }: X509Certificate): string =>
  publicKey.export({ format: 'der', type: 'spki' }).toString('base64')

const DAY_MS = 86_400_000

function isWithin(certificate: X509Certificate, issuer: X509Certificate, days: number): boolean {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  // The last second is part of it.
  const planned = to - from + 1000 === days * DAY_MS
  return planned && from >= Date.parse(issuer.validFrom) && to <= Date.parse(issuer.validTo)
}
