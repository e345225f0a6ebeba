import { isObject, type JsonObject } from '../signing/strictJson.ts'
import { isUrl, type Check, type Wrong } from './dataModelValues.ts'
import { CONTEXT_1, CONTEXT_2 } from './formats/making.ts'
import { fromMultibase } from './multibase.ts'

interface Edition {
  readonly sha256: string
  readonly sha384: string
  readonly sha512: string
}

/**
 * TABLE of resources whose digests are known without asking for them: the octets that W3C has published under these URLs.
 * Of the second one there are two: the Recommendation's, and the Candidate's, which was in use for half a year.
 */
const PUBLISHED: ReadonlyMap<string, readonly Edition[]> = new Map([
  [
    CONTEXT_1,
    [
      {
        sha256: 'ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc',
        sha384:
          '82c3b3eab863754bbfd2b9f17d8d6db9f61169f301cbf0b05e1fc4beb5f5c51dd4d2e888c274f49c3fbb2408f61faed1',
        sha512:
          '536a40b390dda94a9e39196c00090f62668e8184fe3c8c02c4a22c85666e68bf6e85d3dc7f2dba85b2b62ef95d97de24132568d8504db43f2c9c82d2e88418d2',
      },
    ],
  ],
  [
    CONTEXT_2,
    [
      {
        sha256: '59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734',
        sha384:
          '97f1eb8e5042356c805fdd61afa2c557663785e0794dcafa21e138fd38def18cb360133c221aa31d6896a6bf3e65b614',
        sha512:
          '5d55452bd2dcf8a29f5a290473eb242b1c5fb77d4e68f1a0aa87baa4dba2694852d65ec63d48ac04a99d956f9f7153b9406f84d2d04c74869b02c239a1d81305',
      },
      {
        sha256: '24a18c90e9856d526111f29376e302d970b2bd10182e33959995b0207d7043b9',
        sha384:
          '35239c36999d2155312091af194a1edb61634d6ad789a5e5b19f2aebdd762dd9d1dcaada40eda7ef921c6b8c0ae107a0',
        sha512:
          'cb1336dfa8670d80d03344b3b0cc25faf4d45201823c35f39bb1afe5a9f911f615ff4ec80ec5f2f89e33d14e96bec8be78e38df35b918c9cd5f3b3449bd6c88f',
      },
    ],
  ],
])

/** Digests of one resource, by hash. */
type Digests = readonly { readonly hash: keyof Edition; readonly octets: Buffer }[]

/**
 * Resources that a credential vouches for (VCDM 2.0, 5.3): each with an id of its own and a digest. A digest is compared where
 * the resource is known here; nothing is downloaded.
 */
export const relatedResources: Check = (value) => {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  const ids = new Set<unknown>()
  for (const resource of all) {
    if (!isObject(resource)) return 'is neither an object nor a list of objects'
    const wrong = resourceIsWrong(resource)
    if (wrong !== undefined) return wrong
    if (ids.has(resource['id'])) return 'has an id twice'
    ids.add(resource['id'])
  }
  return ids.size === 0 ? 'is an empty list' : undefined
}

function resourceIsWrong({ id, mediaType, digestSRI, digestMultibase }: JsonObject): Wrong {
  if (!isUrl(id)) return 'has no id that is a URL'
  if (mediaType !== undefined && typeof mediaType !== 'string') return 'has a mediaType that is no string'
  if (digestSRI === undefined && digestMultibase === undefined)
    return 'has neither digestSRI nor digestMultibase'
  const bySri = digestSRI === undefined ? [] : readAll(digestSRI, /\s+/, sri)
  if (bySri === undefined) return 'has a digestSRI that is none (Subresource Integrity, 3.5)'
  const byMultibase = digestMultibase === undefined ? [] : readAll(digestMultibase, undefined, multihash)
  if (byMultibase === undefined) return 'has a digestMultibase that is no SHA-2'
  const editions = PUBLISHED.get(id)
  const matches = ({ hash, octets }: Digests[number]): boolean =>
    editions?.some((edition) => edition[hash] === octets.toString('hex')) ?? true
  return [...bySri, ...byMultibase].every(matches) ? undefined : `has a digest that is not the one of ${id}`
}

function readAll(
  value: unknown,
  between: RegExp | undefined,
  read: (text: string) => Digests[number] | undefined,
): Digests | undefined {
  const texts: unknown[] = Array.isArray(value) ? value : [value]
  const parts = texts.flatMap((text) =>
    typeof text === 'string' ? (between === undefined ? [text] : text.trim().split(between)) : [undefined],
  )
  const digests = parts.map((part) => (part === undefined ? undefined : read(part)))
  return digests.length > 0 && digests.every((digest) => digest !== undefined) ? digests : undefined
}

const LENGTHS: Readonly<Record<number, keyof Edition>> = { 32: 'sha256', 48: 'sha384', 64: 'sha512' }
/** Codes of multihash: sha2-256, sha2-384, sha2-512. */
const CODES: Readonly<Record<number, keyof Edition>> = { 0x12: 'sha256', 0x20: 'sha384', 0x13: 'sha512' }

/** One of Subresource Integrity's: the hash's name, and base64. */
function sri(text: string): Digests[number] | undefined {
  const [, hash, base64 = ''] = /^(sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})(?:\?.*)?$/.exec(text) ?? []
  const octets = Buffer.from(base64, 'base64')
  if (hash === undefined || octets.toString('base64') !== base64) return undefined
  return LENGTHS[octets.length] === hash ? { hash: hash, octets } : undefined
}

/** A multihash as the specification has it, or, as its test suite has it, the digest alone. */
function multihash(text: string): Digests[number] | undefined {
  const octets = fromMultibase(text)
  if (octets === undefined) return undefined
  const bare = LENGTHS[octets.length]
  if (bare !== undefined) return { hash: bare, octets }
  const digest = octets.subarray(2)
  const hash = CODES[octets[0] ?? 0]
  return hash !== undefined && octets[1] === digest.length && LENGTHS[digest.length] === hash
    ? { hash, octets: digest }
    : undefined
}
