/** Making an SD-JWT's payload and disclosures (RFC 9901, 4.2). */
import { createHash, randomBytes } from 'node:crypto'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import { refuse } from '../formats/making.ts'

/** RFC 9901, 9.3: of 128 bits. */
const SALT_LENGTH = 16
export const HASH = 'sha-256'
/** Names that only disclosures give a meaning to (RFC 9901, 4.1). */
const RESERVED = ['_sd', '_sd_alg', '...']
const INDEX = /^(?:0|[1-9][0-9]*)$/
/** RFC 6901, 3: a tilde stands before 0 or 1. */
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/

interface Spot {
  readonly pointer: string
  readonly tokens: readonly string[]
}

/**
 * Takes what pointers name out of the claims, and puts its digests there. What is in it may be concealed by itself, too.
 * @param pointers JSON pointers (RFC 6901) of members and of elements of arrays
 * @returns the payload, and the disclosures in the order of the pointers
 * @throws Refusal that names a pointer which names nothing, or a name that claims must not have
 */
export function conceal(
  claims: JsonObject,
  pointers: readonly string[],
): { payload: JsonObject; disclosures: string[] } {
  checkNames(claims)
  const payload = structuredClone(claims) as Record<string, unknown>
  const spots = pointers.map((pointer, index) => spot(pointer, `selective[${index}]`))
  if (new Set(pointers).size !== pointers.length) refuse('selective', 'names one place twice')
  const made = new Map<string, string>()
  // From the inside out: what is taken out holds the digests of what was taken out of it.
  for (const { pointer, tokens } of spots.toSorted((a, b) => b.tokens.length - a.tokens.length))
    made.set(pointer, take(payload, tokens, pointer))
  const disclosures = pointers.map((pointer) => made.get(pointer) ?? '')
  return { payload: pointers.length === 0 ? payload : { ...payload, _sd_alg: HASH }, disclosures }
}

/** A disclosure's digest, over its text (RFC 9901, 4.2.3). */
export const digestOf = (disclosure: string, hash = 'sha256'): string =>
  createHash(hash).update(disclosure).digest('base64url')

/** The parts of a pointer, without their escapes. @throws Refusal */
export function tokensOf(pointer: string): string[] | undefined {
  if (!POINTER.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const spot = (pointer: string, member: string): Spot => ({
  pointer,
  tokens: tokensOf(pointer) ?? refuse(member, 'not a JSON pointer to something in the credential'),
})

function take(payload: Record<string, unknown>, tokens: readonly string[], pointer: string): string {
  const nothing = (): never => refuse('selective', `${pointer} names nothing in the credential`)
  let parent: unknown = payload
  for (const token of tokens.slice(0, -1)) parent = childOf(parent, token) ?? nothing()
  const last = tokens.at(-1) ?? nothing()
  const salt = randomBytes(SALT_LENGTH).toString('base64url')
  if (childOf(parent, last) === undefined) nothing()
  if (Array.isArray(parent)) {
    const array = parent as unknown[]
    const disclosure = encoded([salt, array[Number(last)]])
    array[Number(last)] = { '...': digestOf(disclosure) }
    return disclosure
  }
  const object = parent as Record<string, unknown>
  const disclosure = encoded([salt, last, object[last]])
  Reflect.deleteProperty(object, last)
  const digests = (object['_sd'] ?? []) as string[]
  // In an order that tells nothing of where the members stood (RFC 9901, 4.2.4.1).
  object['_sd'] = [...digests, digestOf(disclosure)].toSorted()
  return disclosure
}

const encoded = (parts: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

function childOf(parent: unknown, token: string): unknown {
  if (Array.isArray(parent)) return INDEX.test(token) ? (parent as unknown[])[Number(token)] : undefined
  return isObject(parent) && Object.hasOwn(parent, token) ? parent[token] : undefined
}

function checkNames(value: unknown): void {
  if (Array.isArray(value)) value.forEach(checkNames)
  if (!isObject(value)) return
  for (const [name, inner] of Object.entries(value)) {
    if (RESERVED.includes(name)) refuse(name, 'a name that claims must not have (RFC 9901, 4.1)')
    checkNames(inner)
  }
}
