import type { Options } from 'jsonld'
import { Refusal } from '../../refusal.ts'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import { yielding } from '../../yielding.ts'
import { documentLoader, jsonld } from './library.ts'
import { contextResolver } from './resolver.ts'

/**
 * How often RDFC-1.0 may look deeper at blank nodes that look alike: n times for n of them, which is enough for what people
 * write. A clique of ten, made to take hours, ends after a few milliseconds.
 */
const MAX_WORK_FACTOR = 1

/** Everywhere the same: no network, nothing dropped without a word, no base that relative references could be read by. */
export const JSON_LD: Options = {
  documentLoader,
  contextResolver,
  safe: true,
  base: null,
  rdfDirection: 'i18n-datatype',
}

export interface Canonicalisation {
  readonly hash: 'sha256' | 'sha384'
  /** Filled with the labels that blank nodes had and have got. */
  readonly labels?: Map<string, string>
}

/**
 * Canonical N-Quads of a JSON-LD document, or of N-Quads (RDFC-1.0).
 * @throws Refusal invalid_request, which names the term, URL or rule
 */
export function canonicalise(document: JsonObject | string, how: Canonicalisation): Promise<string> {
  return yielding(() => canonical(document, how))
}

async function canonical(document: JsonObject | string, { hash, labels }: Canonicalisation): Promise<string> {
  const canonizeOptions = {
    algorithm: 'RDFC-1.0',
    messageDigestAlgorithm: hash,
    maxWorkFactor: MAX_WORK_FACTOR,
    ...(labels === undefined ? {} : { canonicalIdMap: labels }),
  } as const
  const isText = typeof document === 'string'
  const form = isText ? ({ inputFormat: 'application/n-quads' } as const) : ({ skipExpansion: true } as const)
  const input = isText ? document : await expand(document)
  const text = await explained(() => jsonld().canonize(input, { ...JSON_LD, ...form, canonizeOptions }))
  // Different halves are the same octets: one signature would be that of several documents.
  if (HALF.test(text)) throw new Refusal('invalid_request', 'half a surrogate pair is no character')
  return text
}

/** A half of a surrogate pair without the other. */
const HALF = /\p{Surrogate}/u

/**
 * Expanded JSON-LD, of which all becomes statements: where the library says nothing of what it leaves out, it is refused here.
 * @throws Refusal invalid_request
 */
export async function expand(document: JsonObject): Promise<unknown[]> {
  const expanded = await explained(() => jsonld().expand(document, JSON_LD))
  refuseIndexes(expanded)
  return expanded
}

/** JSON-LD 1.1, 4.6.1: an index says something to who reads the JSON, and is in no statement. */
function refuseIndexes(value: unknown): void {
  if (Array.isArray(value)) value.forEach(refuseIndexes)
  if (!isObject(value)) return
  if (typeof value['@index'] === 'string')
    throw new Refusal(
      'invalid_request',
      `${shown(value['@index'])} is an index (@index), which no proof covers`,
    )
  for (const [name, member] of Object.entries(value)) if (name !== '@value') refuseIndexes(member)
}

/** Whatever the library says no to is what its caller wrote. @throws Refusal invalid_request */
export async function explained<Made>(work: () => Promise<Made>): Promise<Made> {
  try {
    return await work()
  } catch (error) {
    throw refusalOf(error)
  }
}

interface LibraryEvent {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

interface LibraryError {
  readonly message?: string
  readonly details?: {
    readonly cause?: unknown
    readonly code?: string
    readonly term?: unknown
    readonly event?: LibraryEvent
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof Refusal || !(error instanceof Error)) return error
  const { message, details } = error as LibraryError
  if (details?.cause instanceof Refusal) return details.cause
  if (details?.event !== undefined) return notSafe(details.event)
  if (details?.code !== undefined) {
    const term = typeof details.term === 'string' ? ` (${shown(details.term)})` : ''
    return new Refusal('invalid_request', `JSON-LD: ${details.code}${term}`, { cause: error })
  }
  if (message?.startsWith('Maximum deep iterations exceeded') === true)
    return new Refusal('invalid_request', 'its blank nodes are too many and too alike to be canonicalised')
  return error
}

/** TABLE of what people run into, by the library's code. */
const SENTENCES: Readonly<Record<string, string>> = {
  'invalid property': 'is a term that its @context does not define',
  'relative @type reference': 'is a type that its @context does not define',
  'relative @id reference': 'is no absolute URL, and an identifier has to be one',
  'relative object reference': 'is no absolute URL, where one has to be',
  'empty object': 'an object in it is empty',
  'object with only @id': 'an object in it says nothing but an identifier',
}
/** What of an event's details is the name of what is wrong, in the order in which it is looked for. */
const NAMING = [
  'property',
  'id',
  'type',
  'object',
  'term',
  'reference',
  'vocab',
  'language',
  'value',
] as const

function notSafe({ code, message, details = {} }: LibraryEvent): Refusal {
  const named = NAMING.map((member) => details[member]).find((value) => typeof value === 'string')
  const what = SENTENCES[code] ?? `JSON-LD: ${message.replace(/\.$/, '')}`
  return new Refusal('invalid_request', named === undefined ? what : `${shown(named)} ${what}`)
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 200))
