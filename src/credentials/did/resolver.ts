/** One function from a verification method's URL to its key: what verifying asks (VerifyRequest.resolve). */
import type { Fetch } from '../../outgoing/fetch.ts'
import type { VerificationKey } from '../credentialKey.ts'
import type { VerifyRequest } from '../formats/format.ts'
import type { PublicKey } from '../jwk.ts'
import { partsOfKeyId, type DidFault } from './did.ts'
import { readDidJwk } from './didJwk.ts'
import { readDidKey } from './didKey.ts'
import { DidWebDocuments } from './didWeb.ts'

type Resolve = VerifyRequest['resolve']

/** Keys of this service; 'not believed': one that was disabled, or is not for this any more, whatever its DID says. */
export type OwnKeys = (...asked: Parameters<Resolve>) => Promise<VerificationKey | 'not believed' | undefined>

/** @param parts.own keys of this service, by their ids; asked first, and never by way of the network */
export function keyResolver(parts: {
  readonly fetch: Fetch
  readonly clock: () => number
  readonly own?: OwnKeys
}): Resolve {
  const documents = new DidWebDocuments(parts)
  const methods: Readonly<Record<string, Resolve | undefined>> = {
    key: (id) => Promise.resolve(ownerOf(id, readDidKey)),
    jwk: (id) => Promise.resolve(ownerOf(id, readDidJwk)),
    web: (id, relationship) => documents.key(id, relationship),
  }
  return async (id, relationship) => {
    const own = await parts.own?.(id, relationship)
    if (own !== undefined) return own === 'not believed' ? undefined : own
    const { method = '' } = partsOfKeyId(id) ?? {}
    return Object.hasOwn(methods, method) ? methods[method]?.(id, relationship) : undefined
  }
}

type Read = (did: string) => (PublicKey & { readonly did: string; readonly id: string }) | DidFault

/** A DID that is its key has it for everything, under one name. */
function ownerOf(id: string, read: Read): VerificationKey | undefined {
  const { did = '' } = partsOfKeyId(id) ?? {}
  const key = read(did)
  if (typeof key === 'string' || key.id !== id) return undefined
  const { keyType, spki, scheme } = key
  return { id, controller: did, keyType, spki, scheme }
}
