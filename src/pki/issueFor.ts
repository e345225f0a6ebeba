import type { KeyRecord } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { Refusal } from '../refusal.ts'
import { issuingAuthority } from './hierarchy.ts'
import { issue, type CertificateRequest, type IssuedCertificate, type OutsideKey } from './issue.ts'
import {
  legalName,
  machineName,
  personName,
  type LegalPerson,
  type Name,
  type NaturalPerson,
} from './names.ts'
import { profiles, type ProfileName } from './profiles.ts'

/** Whom a certificate is to name, as it was verified. */
export type CertificateSubject =
  | ({ readonly form: 'natural person' } & NaturalPerson)
  | ({ readonly form: 'legal person' } & LegalPerson)
  | { readonly form: 'machine'; readonly organization: string; readonly name: string }

export interface IssueOrder {
  readonly profile: ProfileName
  readonly subject: CertificateSubject
  /** A key of ours, or what keyOfPkcs10 answered. */
  readonly key: KeyRecord | OutsideKey
  /** As the audit log names who asks. */
  readonly actor: string
  /** Whole and positive; at most what the profile allows. */
  readonly days?: number | undefined
  readonly replaces?: CertificateRequest['replaces']
  readonly alongside?: CertificateRequest['alongside']
}

/**
 * Issues what an operator, or a service that verified somebody, asks for.
 * @throws Refusal invalid_request (a subject, a key or a time that the profile has not), conflict (an assertion that the
 * configuration does not bear out)
 */
export async function issueFor(ctx: Context, order: IssueOrder): Promise<IssuedCertificate> {
  const { profile, subject, key, actor, days, replaces, alongside } = order
  const row = profiles[profile]
  if (subject.form !== row.subject) {
    throw new Refusal('invalid_request', `The profile ${profile} is not for a ${subject.form}.`)
  }
  if (days !== undefined && !(Number.isSafeInteger(days) && days >= 1 && days <= row.days)) {
    throw new Refusal('invalid_request', `The profile ${profile} is for 1 to ${row.days} days.`)
  }
  const issuer = await issuingAuthority(ctx)
  return issue(ctx, { profile, subject: nameOf(subject), key, issuer, days, actor, replaces, alongside })
}

/** @throws Refusal invalid_request */
export function nameOf(subject: CertificateSubject): Name {
  if (subject.form === 'natural person') return personName(subject)
  return subject.form === 'legal person' ? legalName(subject) : machineName(subject)
}
