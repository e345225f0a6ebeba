import { signJws } from '../../signing/jws.ts'
import { numericDate } from '../dateTime.ts'
import { withEnvelopes } from './enveloped.ts'
import type { Format, IssueRequest, JsonObject, PresentRequest, Secured } from './format.ts'
import { checkClaimsToMake } from './joseVc.ts'
import { verifyJwt } from './jwtVerify.ts'
import { claimsOfCredential, claimsOfPresentation, defined } from './jwtVc.ts'
import { holderToMake, issuerToMake, refuse, refuseOptions, versionToMake } from './making.ts'
import { proveByJwt } from './proofOfPossession.ts'

/**
 * A credential of version 1.1 as JWT-VC (VCDM 1.1, 6.3.1), one of 2.0 as vc+jwt (Securing Verifiable Credentials using
 * JOSE and COSE, 3.1), presentations alike, and proofs of possession (OpenID4VCI 1.0, F.1).
 */
export const jwt: Format = { name: 'jwt', issue, present, prove: proveByJwt, verify: verifyJwt }

async function issue(request: IssueRequest): Promise<Secured> {
  refuseOptions(request, [])
  const { credential, key } = request
  if (versionToMake(credential) === '1.1') {
    refuseNested(credential)
    const claims = claimsOfCredential(credential, key)
    return { body: await signJws(key, { typ: 'JWT', kid: key.id }, claims), mediaType: 'application/jwt' }
  }
  issuerToMake(credential, key)
  checkClaimsToMake(credential)
  const header = { typ: 'vc+jwt', cty: 'vc', kid: key.id }
  return { body: await signJws(key, header, credential), mediaType: 'application/vc+jwt' }
}

async function present(request: PresentRequest): Promise<Secured> {
  refuseOptions(request, [])
  const { presentation, key, now, challenge, domain, validUntil } = request
  if (typeof presentation === 'string') refuse('presentation', 'not an object')
  if (versionToMake(presentation) === '1.1') {
    refuseNested(presentation)
    const claims = claimsOfPresentation(presentation, request)
    return { body: await signJws(key, { typ: 'JWT', kid: key.id }, claims), mediaType: 'application/jwt' }
  }
  holderToMake(presentation, key)
  checkClaimsToMake(presentation)
  const claims = defined({
    ...withEnvelopes(presentation),
    aud: domain,
    nonce: challenge,
    iat: numericDate(now),
    exp: validUntil && numericDate(validUntil),
  })
  const header = { typ: 'vp+jwt', cty: 'vp', kid: key.id }
  return { body: await signJws(key, header, claims), mediaType: 'application/vp+jwt' }
}

/** A document that holds `vc` or `vp` has been made ready for signing by somebody else. @throws Refusal */
function refuseNested(document: JsonObject): void {
  for (const claim of ['vc', 'vp'])
    if (Object.hasOwn(document, claim)) refuse(claim, 'made here, of the document')
}
