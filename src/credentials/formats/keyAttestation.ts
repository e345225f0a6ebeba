import { Refusal } from '../../refusal.ts'
import { signJws } from '../../signing/jws.ts'
import { numericDate } from '../dateTime.ts'
import type { CredentialKey } from '../credentialKey.ts'
import { jwkOf, type PublicKey } from '../jwk.ts'
import type { JsonObject, Secured } from './format.ts'
import { defined } from './jwtVc.ts'

/** Resistance against attackers by ISO/IEC 18045, from the most to the least (OpenID4VCI 1.0, D.2). */
export type AttackResistance =
  'iso_18045_high' | 'iso_18045_moderate' | 'iso_18045_enhanced-basic' | 'iso_18045_basic'

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
const KEYS_MAX = 100

/**
 * A statement that keys are in a token (OpenID4VCI 1.0, D.1).
 * @throws Refusal
 */
export async function attestKeys(request: AttestationRequest): Promise<Secured> {
  const { key, now, attested, keyStorage, userAuthentication, certification, nonce, expires, status } =
    request
  if (attested.length === 0 || attested.length > KEYS_MAX)
    throw new Refusal('invalid_request', `attested: 1 to ${KEYS_MAX} keys`)
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
  const body = await signJws(key, { typ: 'key-attestation+jwt', kid: key.id }, claims)
  return { body, mediaType: 'application/key-attestation+jwt' }
}
