/** Controller documents (Controlled Identifiers 1.0, 2; DID Core): written for keys of ours, read for those of others. */
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import type { VerificationKey } from '../credentialKey.ts'
import { parseDateTime } from '../dateTime.ts'
import type { Relationship } from '../formats/format.ts'
import { jwkOf, keyOfJwk, type PublicKey } from '../jwk.ts'
import { keyOfMultikey, multikeyOf } from '../multikey.ts'

export const DID_CONTEXT = 'https://www.w3.org/ns/did/v1'
/** TABLE of how keys are written: by the type of their verification method. */
const forms = {
  Multikey: {
    context: 'https://w3id.org/security/multikey/v1',
    write: (key: PublicKey): JsonObject => ({ publicKeyMultibase: multikeyOf(key) }),
  },
  JsonWebKey: {
    context: 'https://w3id.org/security/jwk/v1',
    write: (key: PublicKey): JsonObject => ({ publicKeyJwk: jwkOf(key) }),
  },
  JsonWebKey2020: {
    context: 'https://w3id.org/security/suites/jws-2020/v1',
    write: (key: PublicKey): JsonObject => ({ publicKeyJwk: jwkOf(key) }),
  },
  Ed25519VerificationKey2020: {
    context: 'https://w3id.org/security/suites/ed25519-2020/v1',
    write: (key: PublicKey): JsonObject => ({ publicKeyMultibase: multikeyOf(key) }),
  },
} as const
export type KeyForm = keyof typeof forms
export const isKeyForm = (name: string): name is KeyForm => Object.hasOwn(forms, name)

export interface ListedKey extends PublicKey {
  readonly id: string
  /**
   * 'rotated': signs nothing any more, but what it signed stays good, so that it asserts and does not authenticate. A
   * disabled key is not listed: nothing that it signed is believed.
   */
  readonly state: 'enabled' | 'rotated' | 'disabled'
  readonly form: KeyForm
}

/** The document of a controller, with the keys that are believed. @throws Error for a key of another one */
export function controllerDocument(id: string, keys: readonly ListedKey[]): JsonObject {
  const listed = keys.filter(({ state }) => state !== 'disabled')
  const strange = listed.find((key) => !key.id.startsWith(`${id}#`))
  if (strange !== undefined) throw new Error(`${strange.id} is no key of ${id}`)
  const ids = listed.map((key) => key.id)
  return {
    '@context': [DID_CONTEXT, ...new Set(listed.map(({ form }) => forms[form].context))],
    id,
    verificationMethod: listed.map((key) => ({
      id: key.id,
      type: key.form,
      controller: id,
      ...forms[key.form].write(key),
    })),
    assertionMethod: ids,
    authentication: listed.filter(({ state }) => state === 'enabled').map((key) => key.id),
  }
}

/**
 * A key of a document that somebody else wrote. It is believed for a relationship only where the document says so.
 * @param wanted.id the verification method's whole URL
 * @returns undefined for a document of another controller, a key that is not there, is not for this, is over, or is written in
 *   a way that is not understood
 */
export function keyInDocument(
  document: JsonObject,
  wanted: {
    readonly controller: string
    readonly id: string
    readonly relationship?: Relationship | undefined
    readonly now: Date
  },
): VerificationKey | undefined {
  const { controller, id, relationship, now } = wanted
  if (document['id'] !== controller) return undefined
  const absolute = (reference: unknown): unknown =>
    typeof reference === 'string' && reference.startsWith('#') ? controller + reference : reference
  const listOf = (member: string): unknown[] => {
    const { [member]: list } = document
    return Array.isArray(list) ? list : []
  }
  const names = (entry: unknown): boolean => absolute(isObject(entry) ? entry['id'] : entry) === id
  const related = relationship === undefined ? [] : listOf(relationship)
  if (relationship !== undefined && !related.some(names)) return undefined
  const found = [...listOf('verificationMethod'), ...related].filter(isObject).filter(names)
  // Two keys under one name: whichever was meant, somebody else may take the other.
  const [method, ...more] = found
  if (method === undefined || more.length > 0 || method['controller'] !== controller || isOver(method, now))
    return undefined
  const key = keyOfMethod(method)
  return key && { id, controller, ...key }
}

function isOver(method: JsonObject, now: Date): boolean {
  return ['revoked', 'expires'].some((member) => {
    const { [member]: value } = method
    if (value === undefined) return false
    const time = parseDateTime(value)
    return time === undefined || time <= now
  })
}

function keyOfMethod({ type, publicKeyJwk, publicKeyMultibase }: JsonObject): PublicKey | undefined {
  if (type === 'JsonWebKey' || type === 'JsonWebKey2020')
    return isObject(publicKeyJwk) ? keyOfJwk(publicKeyJwk) : undefined
  if (type !== 'Multikey' && type !== 'Ed25519VerificationKey2020') return undefined
  const key = typeof publicKeyMultibase === 'string' ? keyOfMultikey(publicKeyMultibase) : undefined
  if (key === undefined || typeof key === 'string') return undefined
  return type === 'Multikey' || key.keyType === 'Ed25519' ? key : undefined
}
