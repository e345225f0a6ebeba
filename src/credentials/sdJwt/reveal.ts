/** Reading an SD-JWT (RFC 9901, 7.1): its claims with what was disclosed in its place, and nothing of the rest. */
import { fromBase64url } from '../../signing/base64url.ts'
import { Flaw } from '../../signing/flaw.ts'
import { isObject, parseJson, type JsonObject } from '../../signing/strictJson.ts'
import { digestOf } from './conceal.ts'

/** IANA's names of hashes that are good enough, by `_sd_alg`; without, the first (RFC 9901, 4.1.1). */
const HASHES = new Map([
  ['sha-256', 'sha256'],
  ['sha-384', 'sha384'],
  ['sha-512', 'sha512'],
])
/** As deep as JSON may be; disclosures in disclosures would go deeper. */
const DEPTH_MAX = 100

export interface SdJwt {
  /** The issuer's JWT. */
  readonly jwt: string
  readonly disclosures: readonly string[]
  /** What a key binding covers: the text up to it. */
  readonly bound: string
  /** The key binding, where there is one. */
  readonly keyBinding: string | undefined
}

/** Takes an SD-JWT apart (RFC 9901, 4). @throws Flaw 'malformed' */
export function readSdJwt(text: string): SdJwt {
  const [jwt = '', ...rest] = text.split('~')
  const keyBinding = rest.pop()
  if (keyBinding === undefined) throw new Flaw('malformed', 'Not an SD-JWT: nothing ends with a tilde')
  const bound = text.slice(0, text.length - keyBinding.length)
  return { jwt, disclosures: rest, bound, keyBinding: keyBinding === '' ? undefined : keyBinding }
}

interface Disclosure {
  readonly name: string | undefined
  readonly value: unknown
}

interface Reading {
  readonly disclosures: ReadonlyMap<string, Disclosure>
  readonly seen: Set<string>
}

/**
 * @throws Flaw 'disclosure-invalid' for one that nothing in the SD-JWT asks for, that comes twice, or that puts a claim where
 *   one is; 'malformed'
 */
export function reveal(payload: JsonObject, texts: readonly string[]): JsonObject {
  const { _sd_alg: algorithm = 'sha-256', ...claims } = payload
  const hash = typeof algorithm === 'string' ? HASHES.get(algorithm) : undefined
  if (hash === undefined) throw new Flaw('algorithm-not-allowed', '_sd_alg: not a hash that is good enough')
  const disclosures = new Map(texts.map((text) => [digestOf(text, hash), disclosed(text)]))
  if (disclosures.size !== texts.length) throw invalid('one comes twice')
  const reading: Reading = { disclosures, seen: new Set() }
  const revealed = objectOf(claims, reading, 0)
  if ([...disclosures.keys()].some((digest) => !reading.seen.has(digest)))
    throw invalid('nothing asks for one')
  return revealed
}

const invalid = (why: string): Flaw => new Flaw('disclosure-invalid', `The disclosures: ${why}`)

function disclosed(text: string): Disclosure {
  const octets = text === '' ? undefined : fromBase64url(text)
  if (octets === undefined) throw new Flaw('malformed', 'A disclosure: not base64url')
  const parts = parseJson(octets, 'A disclosure')
  if (!Array.isArray(parts) || typeof parts[0] !== 'string')
    throw new Flaw('malformed', 'A disclosure: not an array')
  const [, second, third] = parts as unknown[]
  if (parts.length === 2) return { name: undefined, value: second }
  if (parts.length !== 3 || typeof second !== 'string' || second === '_sd' || second === '...')
    throw new Flaw('malformed', 'A disclosure: neither a member nor an element')
  return { name: second, value: third }
}

function valueOf(value: unknown, reading: Reading, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new Flaw('malformed', `The claims: deeper than ${DEPTH_MAX} levels`)
  if (Array.isArray(value)) return value.flatMap((element: unknown) => elementOf(element, reading, depth))
  return isObject(value) ? objectOf(value, reading, depth) : value
}

/** An element, or none where it is concealed. */
function elementOf(element: unknown, reading: Reading, depth: number): unknown[] {
  if (!isObject(element) || !Object.hasOwn(element, '...')) return [valueOf(element, reading, depth + 1)]
  if (Object.keys(element).length > 1) throw new Flaw('malformed', '...: not alone')
  const found = find(element['...'], reading)
  if (found === undefined) return []
  if (found.name !== undefined) throw invalid('a member where an element is')
  return [valueOf(found.value, reading, depth + 1)]
}

function objectOf(object: JsonObject, reading: Reading, depth: number): JsonObject {
  const { _sd: digests = [], ...open } = object
  if (!Array.isArray(digests)) throw new Flaw('malformed', '_sd: not an array')
  if (Object.hasOwn(open, '...')) throw new Flaw('malformed', '...: not an element of an array')
  const members = new Map(
    Object.entries(open).map(([name, value]) => [name, valueOf(value, reading, depth + 1)]),
  )
  for (const digest of digests as unknown[]) {
    const found = find(digest, reading)
    if (found === undefined) continue
    const { name, value } = found
    if (name === undefined) throw invalid('an element where a member is')
    if (members.has(name)) throw invalid('a member where that name is taken')
    members.set(name, valueOf(value, reading, depth + 1))
  }
  return Object.fromEntries(members)
}

/** Every digest stands once in all of the SD-JWT (RFC 9901, 7.1, step 4). */
function find(digest: unknown, { disclosures, seen }: Reading): Disclosure | undefined {
  if (typeof digest !== 'string') throw new Flaw('malformed', 'A digest: not text')
  if (seen.has(digest)) throw invalid('one digest stands in two places')
  seen.add(digest)
  return disclosures.get(digest)
}
