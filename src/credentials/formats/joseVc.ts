/** Claims beside a credential of version 2.0 (Securing Verifiable Credentials using JOSE and COSE, 3.1.3). */
import { Flaw } from '../../signing/flaw.ts'
import type { JsonObject } from './format.ts'
import { idOf, refuse } from './making.ts'

/** What must never stand there: the document is the claims. */
const FORBIDDEN = ['vc', 'vp']
/** What a credential that we make has no use for: validFrom and validUntil are its times, and it is for everybody. */
const OF_OTHERS = ['nbf', 'iat', 'exp', 'aud', 'nonce', 'cnf']
/** Claims that are none of the document. */
const CLAIMS = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'cnf'])

/** Claims that say what a member says already: by the claim, whose value must be that member's. */
const twins = (
  document: JsonObject,
): readonly (readonly [claim: string, member: string, value: unknown])[] => [
  document['issuer'] === undefined
    ? ['iss', 'holder', idOf(document['holder'])]
    : ['iss', 'issuer', idOf(document['issuer'])],
  ['sub', 'credentialSubject.id', idOf(document['credentialSubject'])],
  ['jti', 'id', document['id']],
]

/** @throws Refusal 'invalid_request' that names the claim */
export function checkClaimsToMake(document: JsonObject): void {
  for (const claim of [...FORBIDDEN, ...OF_OTHERS])
    if (Object.hasOwn(document, claim)) refuse(claim, 'not in version 2.0')
  for (const [claim, member, value] of twins(document)) {
    if (Object.hasOwn(document, claim) && document[claim] !== value) refuse(claim, `differs from ${member}`)
  }
}

/**
 * The document, without the claims beside it.
 * @throws Flaw 'claim-not-allowed' or 'claims-differ'
 */
export function documentOfClaims(claims: JsonObject): JsonObject {
  const forbidden = FORBIDDEN.find((claim) => Object.hasOwn(claims, claim))
  if (forbidden !== undefined)
    throw new Flaw('claim-not-allowed', `${forbidden}: not in version 2.0, whose document is the claims`)
  const differing = twins(claims).find(
    ([claim, , value]) => Object.hasOwn(claims, claim) && claims[claim] !== value,
  )
  if (differing !== undefined)
    throw new Flaw('claims-differ', `${differing[0]}: differs from ${differing[1]}`)
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !CLAIMS.has(name)))
}
