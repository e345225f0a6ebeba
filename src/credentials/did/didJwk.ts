/** did:jwk: the DID is the key, as the base64url of its JWK. */
import { fromBase64url } from '../../signing/base64url.ts'
import { Flaw } from '../../signing/flaw.ts'
import { parseObject } from '../../signing/strictJson.ts'
import { jwkOf, keyOfJwk, type PublicKey } from '../jwk.ts'
import { partsOfDid, type DidFault } from './did.ts'

export const didJwkOf = (key: Pick<PublicKey, 'spki'>): string =>
  `did:jwk:${Buffer.from(JSON.stringify(jwkOf(key))).toString('base64url')}`

/** Its one verification method is #0. */
export function readDidJwk(
  did: string,
): (PublicKey & { readonly did: string; readonly id: string }) | DidFault {
  const parts = partsOfDid(did)
  if (parts === undefined) return 'invalidDid'
  if (parts.method !== 'jwk') return 'methodNotSupported'
  const octets = fromBase64url(parts.rest)
  if (octets === undefined) return 'invalidDid'
  try {
    const key = keyOfJwk(parseObject(octets, 'The JWK'))
    return key === undefined ? 'invalidPublicKey' : { ...key, did, id: `${did}#0` }
  } catch (error) {
    if (error instanceof Flaw) return 'invalidDid'
    throw error
  }
}
