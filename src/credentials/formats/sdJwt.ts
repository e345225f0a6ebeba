import { Flaw } from '../../signing/flaw.ts'
import { readJws, signJws } from '../../signing/jws.ts'
import { isObject, parseObject } from '../../signing/strictJson.ts'
import type { CredentialKey } from '../credentialKey.ts'
import { jwkOf, keyOfJwk } from '../jwk.ts'
import { conceal, tokensOf } from '../sdJwt/conceal.ts'
import { bindKey, holderKey } from '../sdJwt/keyBinding.ts'
import { readSdJwt, reveal } from '../sdJwt/reveal.ts'
import { openNames, type Kind } from '../sdJwt/rules.ts'
import type { Format, IssueRequest, JsonObject, PresentRequest, Secured } from './format.ts'
import { checkClaimsToMake } from './joseVc.ts'
import { defined } from './jwtVc.ts'
import { checkSigner, issuerToMake, refuse, refuseOptions, versionToMake } from './making.ts'
import { verifySdJwt } from './sdJwtVerify.ts'

/**
 * With `vct`, an SD-JWT VC (dc+sd-jwt); otherwise a credential of W3C's data model as SD-JWT (vc+sd-jwt: Securing Verifiable
 * Credentials using JOSE and COSE, 3.2). A presentation is what its holder discloses, with a key binding (RFC 9901, 4.3).
 */
export const sdJwt: Format = { name: 'sd-jwt', issue, present, verify: verifySdJwt }

async function issue(request: IssueRequest): Promise<Secured> {
  refuseOptions(request, ['cryptosuite', 'mandatoryPointers', 'previousProof'])
  const { credential, key, selective = [], holder } = request
  const kind = Object.hasOwn(credential, 'vct') ? 'dc+sd-jwt' : 'vc+sd-jwt'
  if (kind === 'dc+sd-jwt') checkClaims(request)
  else checkDocument(request)
  checkOpen(kind, selective)
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

/** @throws Refusal for what must not be concealed */
function checkOpen(kind: Kind, selective: readonly string[]): void {
  for (const pointer of selective) {
    const [first = ''] = tokensOf(pointer) ?? []
    if (openNames(kind).includes(first)) refuse('selective', `${pointer} always stands open in ${kind}`)
  }
}

function holderJwk(holder: JsonObject): JsonObject {
  const key = keyOfJwk(holder) ?? refuse('holder', 'not a public key for signatures')
  return jwkOf(key)
}

async function present(request: PresentRequest): Promise<Secured> {
  refuseOptions(request, ['cryptosuite'])
  const { presentation, key } = request
  if (typeof presentation !== 'string')
    refuse('presentation', 'not an SD-JWT with the disclosures that its holder chose, as text')
  const kind = await checkBindable(presentation, key)
  return { body: presentation + (await bindKey(request, presentation)), mediaType: `application/${kind}` }
}

/** Only the key that the issuer wrote into it makes an SD-JWT's key binding. @throws Refusal */
async function checkBindable(presentation: string, key: CredentialKey): Promise<Kind> {
  try {
    const { jwt, disclosures, keyBinding } = readSdJwt(presentation)
    if (keyBinding !== undefined) refuse('presentation', 'has a key binding already')
    const { header, payload } = readJws(jwt)
    const { cnf } = reveal(parseObject(payload, 'The payload'), disclosures)
    const holder = await holderKey(cnf, (id) => Promise.resolve(id === key.id ? key : undefined))
    if (!holder.spki.equals(key.spki))
      refuse('presentation', 'made for another holder: the key is not that of cnf')
    return header['typ'] === 'vc+sd-jwt' ? 'vc+sd-jwt' : 'dc+sd-jwt'
  } catch (error) {
    if (error instanceof Flaw) refuse('presentation', error.message)
    throw error
  }
}
