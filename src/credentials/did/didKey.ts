/** did:key: the DID is the key. */
import type { JsonObject } from '../../signing/strictJson.ts'
import type { PublicKey } from '../jwk.ts'
import { keyOfMultikey, multikeyOf } from '../multikey.ts'
import { partsOfDid, type DidFault } from './did.ts'
import { controllerDocument, isKeyForm, type KeyForm } from './document.ts'

export const didKeyOf = (key: Pick<PublicKey, 'keyType' | 'spki'>): string => `did:key:${multikeyOf(key)}`

export interface DidKey extends PublicKey {
  readonly did: string
  /** The one verification method. */
  readonly id: string
}

/** Read strictly: one key has one DID. A version in front of the key is read by nobody, and refused. */
export function readDidKey(did: string): DidKey | DidFault {
  const parts = partsOfDid(did)
  if (parts === undefined) return 'invalidDid'
  if (parts.method !== 'key') return 'methodNotSupported'
  const key = keyOfMultikey(parts.rest)
  return typeof key === 'string' ? key : { ...key, did, id: `${did}#${parts.rest}` }
}

/** Types of verification methods that there are, and that nobody should use any more. */
const EXPERIMENTAL = new Set([
  'Ed25519VerificationKey2018',
  'X25519KeyAgreementKey2019',
  'X25519KeyAgreementKey2020',
  'EcdsaSecp256k1VerificationKey2019',
  'P256Key2021',
  'P384Key2021',
  'P521Key2021',
])

export interface DidKeyOptions {
  /** The type of verification method to write the key as (did:key, 3.1). */
  readonly publicKeyFormat?: string | undefined
}

/** What a resolver answers: a document; for a URL with a fragment, the verification method; or why there is none. */
export interface Resolution {
  readonly document?: JsonObject
  readonly error?: DidFault
  /** Whether it was a DID URL that was asked for (DID Resolution, 4). */
  readonly isDereferenced: boolean
}

/** Resolves a did:key, or dereferences its verification method (did:key, 3.1; DID Resolution). */
export function resolveDidKey(url: string, { publicKeyFormat = 'Multikey' }: DidKeyOptions = {}): Resolution {
  const [did = '', fragment] = url.split('#', 2)
  const isDereferenced = /[/?#]/.test(url)
  const failed = (error: DidFault): Resolution => ({ error, isDereferenced })
  if (/[/?]/.test(did) || fragment === '') return failed('invalidDidUrl')
  const key = readDidKey(did)
  if (typeof key === 'string') return failed(key)
  const form = formFor(key, publicKeyFormat)
  if (form === 'invalidPublicKeyType' || form === 'unsupportedPublicKeyType') return failed(form)
  const document = controllerDocument(did, [{ ...key, state: 'enabled', form }])
  if (fragment === undefined) return { document, isDereferenced }
  const [method] = document['verificationMethod'] as JsonObject[]
  return key.id === url && method !== undefined ? { document: method, isDereferenced } : failed('notFound')
}

function formFor(
  { keyType }: DidKey,
  name: string,
): KeyForm | 'invalidPublicKeyType' | 'unsupportedPublicKeyType' {
  if (!isKeyForm(name)) return EXPERIMENTAL.has(name) ? 'invalidPublicKeyType' : 'unsupportedPublicKeyType'
  return name === 'Ed25519VerificationKey2020' && keyType !== 'Ed25519' ? 'invalidPublicKeyType' : name
}
