import type { AttackResistance } from '../../../config/attestation.ts'
import { Refusal } from '../../refusal.ts'
import { Flaw } from '../../signing/flaw.ts'
import { readJws, signJws } from '../../signing/jws.ts'
import { isObject, parseObject } from '../../signing/strictJson.ts'
import type { CredentialKey } from '../credentialKey.ts'
import { numericDate } from '../dateTime.ts'
import { jwkOf, keyOfJwk, type PublicKey } from '../jwk.ts'
import type { JsonObject, Secured } from './format.ts'
import { defined } from './jwtVc.ts'
import { refuse } from './making.ts'

const TYPE = 'key-attestation+jwt'

export interface AttestationRequest {
  /** The attester's. */
  readonly key: CredentialKey
  readonly now: Date
  /** The keys in the token that are vouched for. */
  readonly attested: readonly Pick<PublicKey, 'spki'>[]
  /** What the operator's token, and what guards its keys, were evaluated for. Nothing is claimed that he does not say. */
  readonly keyStorage?: readonly AttackResistance[] | undefined
  readonly userAuthentication?: readonly AttackResistance[] | undefined
  /** URL, or URLs, of how it was certified. */
  readonly certification?: string | readonly string[] | undefined
  readonly nonce?: string | undefined
  readonly expires?: Date | undefined
  readonly status?: JsonObject | undefined
}

/** Of one wallet instance; a longer list is a mistake. */
export const ATTESTED_MAX = 100

/**
 * A statement that keys are in a token (OpenID4VCI 1.0, D.1).
 * @throws Refusal
 */
export async function attestKeys(request: AttestationRequest): Promise<Secured> {
  const { key, now, attested, keyStorage, userAuthentication, certification, nonce, expires, status } =
    request
  if (attested.length === 0 || attested.length > ATTESTED_MAX)
    throw new Refusal('invalid_request', `attested: 1 to ${ATTESTED_MAX} keys`)
  const claims = defined({
    iat: numericDate(now),
    exp: expires && numericDate(expires),
    attested_keys: attested.map(jwkOf),
    key_storage: keyStorage,
    user_authentication: userAuthentication,
    certification,
    nonce,
    status,
  })
  const body = await signJws(key, { typ: TYPE, kid: key.id }, claims)
  return { body, mediaType: `application/${TYPE}` }
}

/**
 * Whether an attestation may go with a proof by this key (OpenID4VCI 1.0, F.1): it is one, attests the key, and has not ended.
 * Whoever made it may be anybody; its signature is for the credential issuer to believe.
 * @throws Refusal
 */
export function checkAttests(attestation: string, key: Pick<PublicKey, 'spki'>, now: Date): void {
  const { header, claims } = read(attestation)
  if (header['typ'] !== TYPE) refuse('keyAttestation', `its typ is not ${TYPE}`)
  const { attested_keys: attested, exp } = claims
  if (typeof exp !== 'number') refuse('keyAttestation', 'has no exp, which one in a proof has to have')
  if (exp <= numericDate(now)) refuse('keyAttestation', 'has expired')
  if (
    !Array.isArray(attested) ||
    attested.length > ATTESTED_MAX ||
    !attested.some((jwk) => isJwkOf(jwk, key))
  )
    refuse('keyAttestation', 'attests other keys than the one that signs')
}

const isJwkOf = (jwk: unknown, { spki }: Pick<PublicKey, 'spki'>): boolean =>
  isObject(jwk) && keyOfJwk(jwk)?.spki.equals(spki) === true

function read(attestation: string): { readonly header: JsonObject; readonly claims: JsonObject } {
  try {
    const { header, payload } = readJws(attestation)
    return { header, claims: parseObject(payload, 'The payload') }
  } catch (error) {
    if (error instanceof Flaw) refuse('keyAttestation', 'is no compact JWT')
    throw error
  }
}
