import { Refusal } from '../refusal.ts'
import { isObject, type JsonObject } from '../signing/strictJson.ts'
import type { Problem } from './credentialKey.ts'
import {
  dateTime,
  dateTimeStamp,
  isUrl,
  languageText,
  party,
  proofs,
  subjects,
  typed,
  types,
  url,
  type Check,
} from './dataModelValues.ts'
import { parseDateTime, SKEW_MS } from './dateTime.ts'
import { CONTEXT_1, CONTEXT_2, isOfType, versionOf } from './formats/making.ts'
import { relatedResources } from './relatedResources.ts'

type Version = '1.1' | '2.0'

interface Rule {
  readonly member: string
  /** Where it is not optional. */
  readonly required?: readonly Version[]
  /** Where it is looked at: in both, if absent. */
  readonly only?: Version
  /** Problem.name */
  readonly name: string
  readonly check: Check
}

const BOTH: readonly Version[] = ['1.1', '2.0']
/** Credentials in one presentation: each is a document of its own. */
const MAX_CREDENTIALS = 100

/** TABLE of what the data models say of a credential's members (VCDM 2.0, 4 and 5; VCDM 1.1, 4 and 5). */
const credentialRules: readonly Rule[] = [
  { member: 'id', name: 'invalid-id', check: url },
  { member: 'type', required: BOTH, name: 'invalid-type', check: types },
  { member: 'issuer', required: BOTH, name: 'invalid-issuer', check: party },
  { member: 'credentialSubject', required: BOTH, name: 'invalid-subject', check: subjects },
  { member: 'name', only: '2.0', name: 'invalid-name', check: languageText },
  { member: 'description', only: '2.0', name: 'invalid-description', check: languageText },
  { member: 'validFrom', only: '2.0', name: 'invalid-date', check: dateTimeStamp },
  { member: 'validUntil', only: '2.0', name: 'invalid-date', check: dateTimeStamp },
  { member: 'issuanceDate', only: '1.1', required: ['1.1'], name: 'invalid-date', check: dateTime },
  { member: 'expirationDate', only: '1.1', name: 'invalid-date', check: dateTime },
  { member: 'credentialStatus', only: '1.1', name: 'invalid-status', check: typed('required') },
  { member: 'credentialStatus', only: '2.0', name: 'invalid-status', check: typed('optional') },
  { member: 'credentialSchema', name: 'invalid-schema', check: typed('required') },
  { member: 'refreshService', only: '1.1', name: 'invalid-refresh-service', check: typed('required') },
  { member: 'refreshService', only: '2.0', name: 'invalid-refresh-service', check: typed('optional') },
  { member: 'termsOfUse', name: 'invalid-terms-of-use', check: typed('optional') },
  { member: 'evidence', name: 'invalid-evidence', check: typed('optional') },
  { member: 'relatedResource', only: '2.0', name: 'invalid-related-resource', check: relatedResources },
  { member: 'proof', name: 'invalid-proof', check: proofs },
]

/** TABLE of the same for a presentation (VCDM 2.0, 4.13; VCDM 1.1, 4.10). What it presents is judged apart. */
const presentationRules: readonly Rule[] = [
  { member: 'id', name: 'invalid-id', check: url },
  { member: 'type', required: BOTH, name: 'invalid-type', check: types },
  { member: 'holder', name: 'invalid-holder', check: party },
  { member: 'termsOfUse', name: 'invalid-terms-of-use', check: typed('optional') },
  { member: 'proof', name: 'invalid-proof', check: proofs },
]

/** What is wrong with a credential by the data model that its first context names: nothing, if it is empty. */
export function credentialProblems(credential: JsonObject): Problem[] {
  const version = versionOf(credential)
  return [
    ...contextProblems(credential),
    ...ruleProblems(credential, credentialRules, version ?? '2.0'),
    ...typeProblems(credential, 'VerifiableCredential'),
    ...orderProblems(credential),
  ]
}

/** The same of a presentation, and of all that is presented. */
export function presentationProblems(presentation: JsonObject): Problem[] {
  return [
    ...contextProblems(presentation),
    ...ruleProblems(presentation, presentationRules, versionOf(presentation) ?? '2.0'),
    ...typeProblems(presentation, 'VerifiablePresentation'),
    ...presentedProblems(presentation),
  ]
}

/** What is wrong with what holds a credential or presentation of another format (VCDM 2.0, 4.13.2 and 4.13.3). */
export function envelopeProblems(
  envelope: JsonObject,
  type: 'EnvelopedVerifiableCredential' | 'EnvelopedVerifiablePresentation',
): Problem[] {
  const contexts: unknown[] = [envelope['@context']].flat()
  const problems: Problem[] = []
  if (!contexts.includes(CONTEXT_2))
    problems.push(problem('invalid-context', '@context', `lacks ${CONTEXT_2}`))
  if (!isOfType(envelope, type)) problems.push(problem('invalid-type', 'type', `lacks ${type}`))
  const { id } = envelope
  if (!(typeof id === 'string' && /^data:[^,]+,./s.test(id)))
    problems.push(problem('invalid-id', 'id', 'is no data: URL'))
  return problems
}

/** @throws Refusal invalid_request that names the first of them */
export function refuseProblems([first]: readonly Problem[]): void {
  if (first !== undefined) throw new Refusal('invalid_request', first.detail)
}

const problem = (name: string, member: string, wrong: string): Problem => ({
  name,
  detail: `${member} ${wrong}`,
})

function contextProblems({ '@context': context }: JsonObject): Problem[] {
  const name = 'invalid-context'
  if (!Array.isArray(context)) return [problem(name, '@context', 'is no list')]
  const [first, ...others] = context as unknown[]
  if (first !== CONTEXT_1 && first !== CONTEXT_2)
    return [problem(name, '@context', `does not begin with ${CONTEXT_2} or ${CONTEXT_1}`)]
  const strange = others.some((item) => !isUrl(item) && !isObject(item))
  return strange ? [problem(name, '@context', 'has an item that is neither a URL nor an object')] : []
}

function ruleProblems(document: JsonObject, rules: readonly Rule[], version: Version): Problem[] {
  return rules.flatMap(({ member, required, only, name, check }) => {
    if (only !== undefined && only !== version) return []
    const value = document[member]
    if (value === undefined)
      return required?.includes(version) === true ? [problem(name, member, 'is missing')] : []
    const wrong = check(value)
    return wrong === undefined ? [] : [problem(name, member, wrong)]
  })
}

function typeProblems(document: JsonObject, type: string): Problem[] {
  const said = document['type'] !== undefined && types(document['type']) === undefined
  return said && !isOfType(document, type) ? [problem('invalid-type', 'type', `lacks ${type}`)] : []
}

function orderProblems({ validFrom, validUntil }: JsonObject): Problem[] {
  const [from, until] = [parseDateTime(validFrom), parseDateTime(validUntil)]
  return from !== undefined && until !== undefined && from > until
    ? [problem('invalid-date', 'validUntil', 'is before validFrom')]
    : []
}

function presentedProblems(presentation: JsonObject): Problem[] {
  const name = 'invalid-verifiable-credential'
  const member = 'verifiableCredential'
  const value = presentation[member]
  const all: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  if (all.length > MAX_CREDENTIALS) return [problem(name, member, `has more than ${MAX_CREDENTIALS}`)]
  return all.flatMap((item) => {
    // Version 1.1 had JWTs stand in presentations as they are.
    if (typeof item === 'string' && versionOf(presentation) === '1.1') return []
    if (!isObject(item)) return [problem(name, member, 'has an item that is no object')]
    const found = isOfType(item, 'EnvelopedVerifiableCredential')
      ? envelopeProblems(item, 'EnvelopedVerifiableCredential')
      : credentialProblems(item)
    return found.map((one) => ({ name: one.name, detail: `${member}: ${one.detail}` }))
  })
}

/** Whether a credential is good now: the times of both data models. */
export function validityProblems(credential: JsonObject, now: Date): Problem[] {
  const timeOf = (...members: readonly string[]): Date | undefined =>
    members.map((member) => parseDateTime(credential[member])).find((time) => time !== undefined)
  const [from, until] = [timeOf('validFrom', 'issuanceDate'), timeOf('validUntil', 'expirationDate')]
  const problems: Problem[] = []
  if (from !== undefined && from.getTime() > now.getTime() + SKEW_MS)
    problems.push({ name: 'not-yet-valid', detail: 'the credential is not valid yet' })
  if (until !== undefined && until < now)
    problems.push({ name: 'expired', detail: 'the credential has expired' })
  return problems
}
