import { Refusal } from '../../refusal.ts'
import { isObject } from '../../signing/strictJson.ts'
import type { CredentialKey } from '../credentialKey.ts'
import type { Format, JsonObject } from './format.ts'

export const CONTEXT_1 = 'https://www.w3.org/2018/credentials/v1'
export const CONTEXT_2 = 'https://www.w3.org/ns/credentials/v2'

/** RFC 3986, 3.1: what begins so is a DID or another URL, and no name that a client made up. */
const URL = /^[a-z][a-z0-9+.-]*:/i

/** @throws Refusal 'invalid_request' */
export function refuse(member: string, why: string): never {
  throw new Refusal('invalid_request', `${member}: ${why}`)
}

/** Which data model something is written in, by its first context; undefined for neither. */
export function versionOf(document: JsonObject): '1.1' | '2.0' | undefined {
  const context = document['@context']
  const first: unknown = Array.isArray(context) ? context[0] : context
  return first === CONTEXT_2 ? '2.0' : first === CONTEXT_1 ? '1.1' : undefined
}

/** @throws Refusal */
export function versionToMake(document: JsonObject): '1.1' | '2.0' {
  return versionOf(document) ?? refuse('@context', `does not begin with ${CONTEXT_2} or ${CONTEXT_1}`)
}

export function isOfType({ type }: JsonObject, name: string): boolean {
  return Array.isArray(type) ? type.includes(name) : type === name
}

/** Whether it is the claims of an SD-JWT VC; `vct` in any other format is a member like others. */
export function isClaims(format: Format['name'], document: JsonObject): boolean {
  return format === 'sd-jwt' && document['vct'] !== undefined
}

/** An issuer, holder or subject: a URL, or an object that has one as `id`. */
export function idOf(party: unknown): string | undefined {
  const id = isObject(party) ? party['id'] : party
  return typeof id === 'string' ? id : undefined
}

/**
 * Whoever signs as a DID or URL signs for nobody else; a name that is none says nothing about whom it signs for.
 * @throws Refusal
 */
export function checkSigner({ controller }: CredentialKey, member: string, signer: string): void {
  if (URL.test(controller) && signer !== controller)
    refuse(member, `the key is ${controller}'s, and signs for no other`)
}

/** @returns the issuer's id @throws Refusal */
export function issuerToMake({ issuer }: JsonObject, key: CredentialKey): string {
  if (issuer === undefined) refuse('issuer', 'is missing')
  const id = idOf(issuer) ?? refuse('issuer', 'neither a URL nor an object with one as its id')
  checkSigner(key, 'issuer', id)
  return id
}

/** @returns the holder's id, where it has one @throws Refusal */
export function holderToMake({ holder }: JsonObject, key: CredentialKey): string | undefined {
  if (holder === undefined) return URL.test(key.controller) ? key.controller : undefined
  const id = idOf(holder) ?? refuse('holder', 'neither a URL nor an object with one as its id')
  checkSigner(key, 'holder', id)
  return id
}

/** TABLE of what requests may ask for that not every format can do. */
const OPTIONS = [
  'cryptosuite',
  'mandatoryPointers',
  'selective',
  'holder',
  'previousProof',
  'proofId',
  'keyAttestation',
] as const
type Option = (typeof OPTIONS)[number]

/** What only other formats can do is not left undone in silence. @param taken what this one can @throws Refusal */
export function refuseOptions(
  request: Readonly<Partial<Record<Option, unknown>>>,
  taken: readonly Option[],
): void {
  const name = OPTIONS.find((option) => request[option] !== undefined && !taken.includes(option))
  if (name !== undefined) refuse(name, 'not in this format')
}
