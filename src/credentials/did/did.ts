/** What a resolver says of a DID that it does not resolve (DID Resolution; did:key, 3.1). */
export type DidFault =
  | 'invalidDid'
  | 'invalidDidUrl'
  | 'methodNotSupported'
  | 'notFound'
  | 'invalidPublicKey'
  | 'invalidPublicKeyLength'
  | 'invalidPublicKeyType'
  | 'unsupportedPublicKeyType'

/** DID Core, 3.1; a method's own part has no percent sign but before two hexadecimal digits. */
const DID = /^did:([a-z0-9]+):((?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2}|:)*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2}))$/

export interface DidParts {
  readonly did: string
  readonly method: string
  readonly rest: string
}

export function partsOfDid(did: string): DidParts | undefined {
  const [, method, rest] = DID.exec(did) ?? []
  return method === undefined || rest === undefined ? undefined : { did, method, rest }
}

/** A verification method's URL: a DID and a fragment, nothing between. */
export function partsOfKeyId(id: string): (DidParts & { readonly fragment: string }) | undefined {
  const hash = id.indexOf('#')
  const parts = hash < 0 ? undefined : partsOfDid(id.slice(0, hash))
  const fragment = id.slice(hash + 1)
  return parts === undefined || fragment === '' ? undefined : { ...parts, fragment }
}
