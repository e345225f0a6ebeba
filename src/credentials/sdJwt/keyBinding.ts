/** Key binding of an SD-JWT (RFC 9901, 4.3): who presents it has the key that its issuer wrote into it. */
import { createHash } from 'node:crypto'
import { Flaw } from '../../signing/flaw.ts'
import { checkJws, mediaType, readJws, refuseKeys, signJws } from '../../signing/jws.ts'
import { isObject, parseObject } from '../../signing/strictJson.ts'
import { numericDate } from '../dateTime.ts'
import type { PresentRequest, VerifyRequest } from '../formats/format.ts'
import { defined } from '../formats/jwtVc.ts'
import { refuse } from '../formats/making.ts'
import { checkPurpose, checkTimes, timesOfClaims, type Problems } from '../formats/verifying.ts'
import { keyOfJwk, type PublicKey } from '../jwk.ts'
import type { SdJwt } from './reveal.ts'

/** It is made when it is asked for: longer than a holder takes to agree, and a network to bring it (RFC 9901, 7.3). */
const AGE_MAX_MS = 10 * 60_000

const hashOf = (bound: string): string => createHash('sha256').update(bound).digest('base64url')

/** @param bound the SD-JWT with its last tilde @throws Refusal */
export function bindKey(request: PresentRequest, bound: string): Promise<string> {
  const { key, now, challenge, domain, validUntil } = request
  const claims = defined({
    nonce: challenge ?? refuse('challenge', 'is missing: a key binding has a nonce'),
    aud: domain ?? refuse('domain', 'is missing: a key binding has an audience'),
    iat: numericDate(now),
    exp: validUntil && numericDate(validUntil),
    sd_hash: hashOf(bound),
  })
  return signJws(key, { typ: 'kb+jwt' }, claims)
}

/** The holder's key, as `cnf` says it (RFC 7800). @throws Flaw 'key-unknown' where it says none that is understood */
export async function holderKey(cnf: unknown, resolve: VerifyRequest['resolve']): Promise<PublicKey> {
  const { jwk, kid } = isObject(cnf) ? cnf : {}
  const key = isObject(jwk)
    ? keyOfJwk(jwk)
    : typeof kid === 'string'
      ? await resolve(kid, 'authentication')
      : undefined
  if (key === undefined) throw new Flaw('key-unknown', 'cnf: says no key of a holder')
  return key
}

/** @throws Flaw */
export async function checkKeyBinding(
  problems: Problems,
  request: VerifyRequest,
  { sdJwt, cnf }: { readonly sdJwt: SdJwt & { readonly keyBinding: string }; readonly cnf: unknown },
): Promise<void> {
  const jws = readJws(sdJwt.keyBinding)
  const claims = parseObject(jws.payload, 'The key binding')
  if (mediaType(jws.header['typ']) !== 'kb+jwt')
    throw new Flaw('type-not-allowed', 'typ: not that of a key binding')
  refuseKeys(jws.header)
  checkJws(jws, await holderKey(cnf, request.resolve))
  const { nonce, aud, iat, sd_hash: hash } = claims
  if (typeof nonce !== 'string' || typeof aud !== 'string' || typeof iat !== 'number')
    throw new Flaw('malformed', 'The key binding: nonce, aud or iat is missing')
  if (hash !== hashOf(sdJwt.bound)) throw new Flaw('key-binding-invalid', 'sd_hash: made for something else')
  checkTimes(problems, request.now, timesOfClaims(claims))
  checkTimes(problems, request.now, { from: [], until: [['iat', iat + AGE_MAX_MS / 1000]] })
  checkPurpose(problems, request, { challenge: nonce, domain: aud })
}
