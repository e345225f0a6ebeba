import { signJws } from '../../signing/jws.ts'
import { isObject } from '../../signing/strictJson.ts'
import { jwkOf, keyOfJwk } from '../jwk.ts'
import { conceal } from '../sdJwt/conceal.ts'
import { checkSelective } from '../sdJwt/rules.ts'
import type { Format, IssueRequest, JsonObject, Secured } from './format.ts'
import { checkClaimsToMake } from './joseVc.ts'
import { defined } from './jwtVc.ts'
import { checkSigner, isClaims, issuerToMake, refuse, refuseOptions, versionToMake } from './making.ts'
import { presentSdJwt } from './sdJwtPresent.ts'
import { verifySdJwt } from './sdJwtVerify.ts'

/**
 * With `vct`, an SD-JWT VC (dc+sd-jwt); otherwise a credential of W3C's data model as SD-JWT (vc+sd-jwt: Securing Verifiable
 * Credentials using JOSE and COSE, 3.2). Presentations are an SD-JWT with a key binding, or vp+sd-jwt (sdJwtPresent.ts).
 */
export const sdJwt: Format = { name: 'sd-jwt', issue, present: presentSdJwt, verify: verifySdJwt }

async function issue(request: IssueRequest): Promise<Secured> {
  refuseOptions(request, ['selective', 'holder'])
  const { credential, key, selective = [], holder } = request
  const kind = isClaims('sd-jwt', credential) ? 'dc+sd-jwt' : 'vc+sd-jwt'
  if (kind === 'dc+sd-jwt') checkClaims(request)
  else checkDocument(request)
  checkSelective(kind, selective)
  const cnf = holder === undefined ? credential['cnf'] : { jwk: holderJwk(holder) }
  const { payload, disclosures } = conceal(defined({ ...credential, cnf }), selective)
  const header = { typ: kind, ...(kind === 'vc+sd-jwt' ? { cty: 'vc' } : {}), kid: key.id }
  const jwt = await signJws(key, header, payload)
  return { body: [jwt, ...disclosures, ''].join('~'), mediaType: `application/${kind}` }
}

/** SD-JWT VC, 2.2.2.2. @throws Refusal */
function checkClaims({ credential, key, holder }: IssueRequest): void {
  const { vct, iss, status, cnf } = credential
  if (typeof vct !== 'string' || vct === '') refuse('vct', 'not text')
  if (iss !== undefined) checkSigner(key, 'iss', typeof iss === 'string' ? iss : refuse('iss', 'not text'))
  for (const claim of ['nbf', 'exp', 'iat']) {
    const { [claim]: time } = credential
    if (time !== undefined && typeof time !== 'number') refuse(claim, 'not a number of seconds')
  }
  if (status !== undefined && !isObject(status)) refuse('status', 'not an object')
  if (cnf === undefined) return
  if (holder !== undefined) refuse('holder', 'there is a cnf already')
  const { jwk } = isObject(cnf) ? cnf : refuse('cnf', 'not an object')
  if (jwk !== undefined && !(isObject(jwk) && keyOfJwk(jwk)))
    refuse('cnf.jwk', 'not a public key for signatures')
}

function checkDocument({ credential, key }: IssueRequest): void {
  versionToMake(credential)
  issuerToMake(credential, key)
  checkClaimsToMake(credential)
}

function holderJwk(holder: JsonObject): JsonObject {
  const key = keyOfJwk(holder) ?? refuse('holder', 'not a public key for signatures')
  return jwkOf(key)
}
