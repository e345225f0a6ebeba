import { auditEntry, type AuditEntry, type AuditFacts, type AuditKind } from '../audit.ts'
import type { ReserveVerdict } from '../db/reservations.ts'
import type { TimestampRecord } from '../db/timestamps.ts'
import { Refusal } from '../refusal.ts'
import type { Grant } from './permit.ts'

type Granted = Omit<Grant, 'askedAt'>

/** What the audit log says of a grant: its intent, its result. */
export function entry(
  grant: Granted,
  kind: AuditKind,
  more: Pick<AuditFacts, 'signatureId' | 'detail'>,
): AuditEntry {
  return auditEntry({ kind, act: grant.act, actor: grant.actor, subjects: grant.subjects, ...more })
}

/** @param digests of the inputs: themselves, where they are digests */
export function intentOf(grant: Granted, attempt: string, digests: readonly Buffer[]): AuditEntry {
  return entry(grant, 'intent', {
    signatureId: attempt,
    detail: { scheme: grant.scheme, digests: digests.map((digest) => digest.toString('hex')) },
  })
}

/** The octets to be signed are not known yet: the digest is that of what is stamped. */
export function timedIntentOf(grant: Grant, attempt: string, record: TimestampRecord): AuditEntry {
  const { serial, hash, imprint } = record
  return entry(grant, 'intent', {
    signatureId: attempt,
    detail: {
      scheme: grant.scheme,
      serial: serial.toString('hex'),
      hash,
      digests: [imprint.toString('hex')],
    },
  })
}

/** @param made.signatures SHA-256 of each, in hex */
export function resultOf(
  grant: Grant,
  attempt: string,
  made: { readonly outcome: 'signed' | 'discarded'; readonly signatures: readonly string[] },
): AuditEntry {
  const time = grant.timed === undefined ? {} : { genTime: grant.timed.genTime.toISOString() }
  return entry(grant, 'result', { signatureId: attempt, detail: { ...made, ...time } })
}

type No = Exclude<ReserveVerdict, 'reserved'>

const REFUSED: Readonly<Record<No, string>> = {
  permit_unknown: 'Invalid parameter SAD',
  permit_expired: 'SAD expired',
  credential_disabled: 'The credential identified by credentialID is disabled',
  certificate_revoked: 'Signing certificate is revoked',
  certificate_suspended: 'Signing certificate is suspended',
  certificate_expired: 'Signing certificate is expired',
  digest_not_authorised: 'Hash is not authorized by the SAD',
}

/** Why a reservation was not made. */
export function refusedBy(verdict: No): Refusal {
  return new Refusal(verdict, REFUSED[verdict])
}
