import { Flaw } from '../../signing/flaw.ts'
import { readJws, signJws } from '../../signing/jws.ts'
import { parseObject } from '../../signing/strictJson.ts'
import type { CredentialKey } from '../credentialKey.ts'
import { numericDate } from '../dateTime.ts'
import { conceal } from '../sdJwt/conceal.ts'
import { bindKey, holderKey } from '../sdJwt/keyBinding.ts'
import { readSdJwt, reveal } from '../sdJwt/reveal.ts'
import { checkSelective, type Kind } from '../sdJwt/rules.ts'
import { withEnvelopes } from './enveloped.ts'
import type { JsonObject, PresentRequest, Secured } from './format.ts'
import { checkClaimsToMake } from './joseVc.ts'
import { defined } from './jwtVc.ts'
import { holderToMake, refuse, refuseOptions, versionToMake } from './making.ts'

/**
 * What a holder shows. An SD-JWT, with the disclosures that he chose, gets a key binding (RFC 9901, 4.3); a presentation of
 * version 2.0 becomes a vp+sd-jwt (Securing Verifiable Credentials using JOSE and COSE, 3.2.2), which needs none: it is
 * signed by its holder.
 */
export async function presentSdJwt(request: PresentRequest): Promise<Secured> {
  refuseOptions(request, ['selective'])
  const { presentation } = request
  return typeof presentation === 'string' ? bound(request, presentation) : secured(request, presentation)
}

async function secured(request: PresentRequest, presentation: JsonObject): Promise<Secured> {
  const { key, now, challenge, domain, validUntil, selective = [] } = request
  if (versionToMake(presentation) !== '2.0') refuse('@context', 'vp+sd-jwt is of version 2.0')
  holderToMake(presentation, key)
  checkClaimsToMake(presentation)
  checkSelective('vp+sd-jwt', selective)
  const { payload, disclosures } = conceal(withEnvelopes(presentation), selective)
  const claims = defined({
    ...payload,
    aud: domain,
    nonce: challenge,
    iat: numericDate(now),
    exp: validUntil && numericDate(validUntil),
  })
  const jwt = await signJws(key, { typ: 'vp+sd-jwt', cty: 'vp', kid: key.id }, claims)
  return { body: [jwt, ...disclosures, ''].join('~'), mediaType: 'application/vp+sd-jwt' }
}

async function bound(request: PresentRequest, presentation: string): Promise<Secured> {
  if (request.selective !== undefined)
    refuse('selective', 'of an SD-JWT, its holder leaves disclosures out instead')
  const kind = await checkBindable(presentation, request.key)
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
