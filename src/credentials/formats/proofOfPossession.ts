import { signJws } from '../../signing/jws.ts'
import { numericDate } from '../dateTime.ts'
import { jwkOf } from '../jwk.ts'
import type { ProveRequest, Secured } from './format.ts'
import { defined } from './jwtVc.ts'
import { checkAttests } from './keyAttestation.ts'
import { refuseOptions } from './making.ts'

/**
 * OpenID4VCI 1.0, F.1. `iss` is the wallet's client_id and nothing else: whose key it is, the key says, by its DID URL or by
 * itself.
 */
export async function proveByJwt(request: ProveRequest): Promise<Secured> {
  refuseOptions(request, ['keyAttestation'])
  const { key, now, domain, challenge, validUntil, client, keyAttestation } = request
  if (keyAttestation !== undefined) checkAttests(keyAttestation, key, now)
  const claims = defined({
    iss: client,
    aud: domain,
    iat: numericDate(now),
    nonce: challenge,
    exp: validUntil && numericDate(validUntil),
  })
  const named = key.id.startsWith('did:') ? { kid: key.id } : { jwk: jwkOf(key) }
  const header = defined({ typ: 'openid4vci-proof+jwt', ...named, key_attestation: keyAttestation })
  const body = await signJws(key, header, claims)
  return { body, mediaType: 'application/openid4vci-proof+jwt' }
}
