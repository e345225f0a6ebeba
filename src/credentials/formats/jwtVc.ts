/** JWT of the Verifiable Credentials Data Model 1.1 (6.3.1): what JWT has a claim for stands there, too. */
import { Flaw } from '../../signing/flaw.ts'
import { isObject } from '../../signing/strictJson.ts'
import { numericDate, parseDateTime } from '../dateTime.ts'
import type { CredentialKey } from '../credentialKey.ts'
import type { JsonObject, PresentRequest } from './format.ts'
import { holderToMake, idOf, issuerToMake, refuse } from './making.ts'

/** @throws Refusal */
export function claimsOfCredential(credential: JsonObject, key: CredentialKey): JsonObject {
  const { id, credentialSubject, issuanceDate, validFrom, expirationDate, validUntil } = credential
  const subjects: unknown[] = Array.isArray(credentialSubject) ? credentialSubject : [credentialSubject]
  if (subjects.length !== 1) refuse('credentialSubject', 'a JWT of version 1.1 has one subject (6.3.1)')
  return defined({
    iss: issuerToMake(credential, key),
    sub: isObject(subjects[0]) ? idOf(subjects[0]) : undefined,
    jti: optionalText('id', id),
    nbf: issuanceDate === undefined ? seconds('validFrom', validFrom) : seconds('issuanceDate', issuanceDate),
    exp:
      expirationDate === undefined
        ? seconds('validUntil', validUntil)
        : seconds('expirationDate', expirationDate),
    vc: credential,
  })
}

/** @throws Refusal */
export function claimsOfPresentation(presentation: JsonObject, request: PresentRequest): JsonObject {
  const { key, now, challenge, domain, validUntil } = request
  return defined({
    iss: holderToMake(presentation, key),
    jti: optionalText('id', presentation['id']),
    aud: domain,
    nonce: challenge,
    iat: numericDate(now),
    exp: validUntil && numericDate(validUntil),
    vp: presentation,
  })
}

export const defined = (claims: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

function optionalText(member: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  return refuse(member, 'not a URL')
}

function seconds(member: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  return numericDate(parseDateTime(value) ?? refuse(member, 'not a date and time'))
}

/**
 * The credential that claims are about: what stands in claims alone is put where it belongs.
 * @throws Flaw where the two say different things
 */
export function credentialOfClaims(claims: JsonObject): JsonObject {
  const { vc, iss, sub, jti, nbf, exp, status } = claims
  if (!isObject(vc)) throw new Flaw('malformed', 'vc: not an object')
  if (status !== undefined && !isObject(status)) throw new Flaw('malformed', 'status: not an object')
  agree('issuer', [iss, idOf(vc['issuer'])])
  agree('id', [jti, vc['id']])
  agreeInTime('issuanceDate', [nbf, vc['issuanceDate']])
  agreeInTime('expirationDate', [exp, vc['expirationDate']])
  return defined({
    ...vc,
    issuer: isObject(vc['issuer']) ? { id: iss, ...vc['issuer'] } : (vc['issuer'] ?? iss),
    id: vc['id'] ?? jti,
    issuanceDate: vc['issuanceDate'] ?? dateTime(nbf),
    expirationDate: vc['expirationDate'] ?? dateTime(exp),
    credentialSubject: subjectOfClaims(vc['credentialSubject'], sub),
    // It is the token's, beside `vc` (Token Status List, 6.2).
    status: status ?? vc['status'],
  })
}

function subjectOfClaims(subject: unknown, sub: unknown): unknown {
  if (sub === undefined) return subject
  const subjects: unknown[] = Array.isArray(subject) ? subject : [subject ?? {}]
  const [only, ...more] = subjects
  if (!isObject(only) || more.length > 0) throw new Flaw('malformed', 'vc.credentialSubject: not one subject')
  agree('credentialSubject.id', [sub, only['id']])
  const whole = { id: sub, ...only }
  return Array.isArray(subject) ? [whole] : whole
}

/** @throws Flaw */
export function presentationOfClaims(claims: JsonObject): JsonObject {
  const { vp, iss, jti } = claims
  if (!isObject(vp)) throw new Flaw('malformed', 'vp: not an object')
  agree('holder', [iss, idOf(vp['holder'])])
  agree('id', [jti, vp['id']])
  return defined({ ...vp, id: vp['id'] ?? jti, holder: vp['holder'] ?? iss })
}

/** @throws Flaw */
export function agree(member: string, [claim, own]: readonly [claim: unknown, own: unknown]): void {
  if (claim !== undefined && typeof claim !== 'string')
    throw new Flaw('malformed', `The claim for ${member}: not text`)
  if (claim !== undefined && own !== undefined && claim !== own)
    throw new Flaw('claims-differ', `${member}: not what the claim for it says`)
}

function agreeInTime(member: string, [claim, own]: readonly [claim: unknown, own: unknown]): void {
  if (claim === undefined || own === undefined) return
  const time = parseDateTime(own)
  if (time === undefined || claim !== numericDate(time))
    throw new Flaw('claims-differ', `${member}: not what the claim for it says`)
}

const dateTime = (claim: unknown): string | undefined =>
  typeof claim === 'number' && Math.abs(claim) < 8.64e12 ? new Date(claim * 1000).toISOString() : undefined
