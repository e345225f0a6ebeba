import { Flaw } from '../../signing/flaw.ts'
import { checkCertificate, refuseKeys } from '../../signing/jws.ts'
import { parseDateTime, SKEW_MS } from '../dateTime.ts'
import type { Problem, VerificationKey } from '../credentialKey.ts'
import type { JsonObject, Relationship, Verdict, VerifyRequest } from './format.ts'

export type Problems = Problem[]

/** Runs a verification: what it throws as a flaw ends it, what it adds to the problems does not. */
export async function judged(verify: (problems: Problems) => Promise<JsonObject>): Promise<Verdict> {
  const problems: Problems = []
  try {
    const content = await verify(problems)
    return { problems, content }
  } catch (error) {
    if (!(error instanceof Flaw)) throw error
    return { problems: [...problems, { name: error.problem, detail: error.message }] }
  }
}

export interface Asked {
  readonly header: JsonObject
  /** Whoever says that the key is his: issuer, or holder. */
  readonly party: string | undefined
  readonly relationship: Relationship
}

/**
 * The key that `kid` names, from who knows it. A fragment alone is one of the issuer's (RFC 3986, 4.4).
 * @throws Flaw
 */
export async function keyFor(
  { resolve }: Pick<VerifyRequest, 'resolve'>,
  asked: Asked,
): Promise<VerificationKey> {
  const { header, party = '', relationship } = asked
  refuseKeys(header)
  const { kid } = header
  if (typeof kid !== 'string' || kid === '') throw new Flaw('key-unknown', 'kid: names no key')
  const key = await resolve(kid.startsWith('#') ? party + kid : kid, relationship)
  if (key === undefined) throw new Flaw('key-unknown', 'kid: nobody knows this key')
  checkCertificate(header, key)
  return key
}

/** Strict: who signs is whose key it is. */
export function checkController(
  problems: Problems,
  { profile }: VerifyRequest,
  it: {
    readonly key: VerificationKey
    readonly member: 'issuer' | 'holder'
    readonly party: string | undefined
  },
): void {
  if (profile !== 'strict' || it.party === it.key.controller) return
  // A presentation need not name its holder.
  if (it.member === 'holder' && it.party === undefined) return
  problems.push({ name: `${it.member}-mismatch`, detail: `${it.member}: not the controller of the key` })
}

/** What is wrong with a credential of a presentation, and what its status says against it besides. */
export async function withStatus(
  { status }: Pick<VerifyRequest, 'status'>,
  credential: JsonObject,
  found: readonly Problem[],
): Promise<Problem[]> {
  return [...found, ...((await status?.(credential, found.length === 0)) ?? [])]
}

/** What says from when, and until when, something holds: by name, as it stands there. */
export interface Times {
  readonly from: readonly (readonly [member: string, value: unknown])[]
  readonly until: readonly (readonly [member: string, value: unknown])[]
}

export function checkTimes(problems: Problems, now: Date, { from, until }: Times): void {
  for (const [member, value] of from) {
    const time = timeOf(problems, member, value)
    if (time !== undefined && time > now.getTime() + SKEW_MS)
      problems.push({ name: 'not-yet-valid', detail: `${member}: is to come` })
  }
  for (const [member, value] of until) {
    const time = timeOf(problems, member, value)
    if (time !== undefined && time <= now.getTime())
      problems.push({ name: 'expired', detail: `${member}: is over` })
  }
}

/** Milliseconds of a NumericDate or a dateTime. */
function timeOf(problems: Problems, member: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const time = typeof value === 'number' ? value * 1000 : parseDateTime(value)?.getTime()
  if (time === undefined || !Number.isFinite(time))
    problems.push({ name: 'malformed', detail: `${member}: not a time` })
  return time
}

/** What the claims of a JWT say of times (RFC 7519, 4.1). */
export const timesOfClaims = ({ nbf, iat, exp }: JsonObject): Times => ({
  from: [
    ['nbf', numeric(nbf)],
    ['iat', numeric(iat)],
  ],
  until: [['exp', numeric(exp)]],
})

/** Text would be taken for a dateTime, which a claim has not. */
const numeric = (value: unknown): unknown => (value === undefined || typeof value === 'number' ? value : null)

/** What a credential, or a presentation, says of times (both data models). */
export const timesOfDocument = (document: JsonObject): Times => ({
  from: [textual('validFrom', document), textual('issuanceDate', document)],
  until: [textual('validUntil', document), textual('expirationDate', document)],
})

const textual = (member: string, document: JsonObject): [string, unknown] => {
  const { [member]: value } = document
  return [member, typeof value === 'number' ? null : value]
}

/** Whether a presentation was made for this challenge and domain; a credential is made for nobody's. */
export function checkPurpose(
  problems: Problems,
  { challenge, domain }: VerifyRequest,
  made: { readonly challenge?: unknown; readonly domain?: unknown },
): void {
  if (challenge !== undefined && made.challenge !== challenge)
    problems.push({ name: 'challenge-mismatch', detail: 'Not made for this challenge' })
  const domains: unknown[] = Array.isArray(made.domain) ? made.domain : [made.domain]
  if (domain !== undefined && !domains.includes(domain))
    problems.push({ name: 'domain-mismatch', detail: 'Not made for this domain' })
}

/** @throws Flaw */
export function checkKind({ kind }: VerifyRequest, is: 'credential' | 'presentation'): void {
  if (kind !== undefined && kind !== is) throw new Flaw('type-not-allowed', `This is a ${is}, not a ${kind}`)
}
