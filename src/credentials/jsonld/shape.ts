import { Refusal } from '../../refusal.ts'
import type { JsonObject } from '../formats/format.ts'

/** Credentials of the field nest some ten deep; what walks them recursively takes a hundred with ease. */
const MAX_DEPTH = 100
/**
 * Members and items of one document. 200 achievements of an Open Badge are some 3,000; canonicalising takes up to 10 µs for
 * each, on the event loop.
 */
const MAX_VALUES = 10_000
/** Octets of all strings and names, in UTF-16 units: what a value of the limit above would be with 100 each. */
const MAX_CHARACTERS = 1_000_000
/**
 * Contexts that a document names or holds, in one list and in all: a credential has a handful, and a presentation may have a
 * hundred of these. Each that is processed under others takes about a millisecond, on the event loop.
 */
const MAX_LISTED = 10
const MAX_CONTEXTS = 500

/**
 * Looks at the size of a document before anything recursive does, in time that these limits bound, whatever its own size.
 * @throws Refusal invalid_request
 */
export function checkShape(document: JsonObject, named: string): void {
  let values = 0
  let characters = 0
  let contexts = 0
  const level: { readonly value: object; readonly depth: number }[] = [{ value: document, depth: 1 }]
  for (let next = level.pop(); next !== undefined; next = level.pop()) {
    const { value, depth } = next
    if (depth > MAX_DEPTH) throw refused(named, `is nested more than ${MAX_DEPTH} levels deep`)
    const names = Array.isArray(value) ? [] : Object.keys(value)
    values += Array.isArray(value) ? value.length : names.length
    if (values > MAX_VALUES) throw refused(named, `has more than ${MAX_VALUES} members and items`)
    for (const name of names) characters += name.length
    contexts += contextsIn(value as JsonObject, named)
    if (contexts > MAX_CONTEXTS) throw refused(named, `has more than ${MAX_CONTEXTS} contexts`)
    for (const member of Object.values(value)) {
      if (typeof member === 'string') characters += member.length
      if (typeof member === 'object' && member !== null)
        level.push({ value: member as object, depth: depth + 1 })
    }
    if (characters > MAX_CHARACTERS) throw refused(named, `has more than ${MAX_CHARACTERS} characters`)
  }
}

/** Those of one object. @throws Refusal; also for a member that JSON-LD's library would not see, and leave out of what is signed */
function contextsIn(object: JsonObject, named: string): number {
  if (Object.hasOwn(object, '__proto__')) throw refused(named, 'has a member "__proto__"')
  if (!Object.hasOwn(object, '@context')) return 0
  const listed = [object['@context']].flat().length
  if (listed > MAX_LISTED) throw refused(named, `has a list of more than ${MAX_LISTED} contexts`)
  return listed
}

const refused = (named: string, what: string): Refusal => new Refusal('invalid_request', `${named} ${what}`)
