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
 * Looks at the size of a document before anything recursive does, in time that these limits bound, whatever its own size.
 * @throws Refusal invalid_request
 */
export function checkShape(document: JsonObject, named: string): void {
  let values = 0
  let characters = 0
  const level: { readonly value: object; readonly depth: number }[] = [{ value: document, depth: 1 }]
  for (let next = level.pop(); next !== undefined; next = level.pop()) {
    const { value, depth } = next
    if (depth > MAX_DEPTH) throw tooLarge(named, `is nested more than ${MAX_DEPTH} levels deep`)
    const names = Array.isArray(value) ? [] : Object.keys(value)
    values += Array.isArray(value) ? value.length : names.length
    if (values > MAX_VALUES) throw tooLarge(named, `has more than ${MAX_VALUES} members and items`)
    for (const name of names) characters += name.length
    for (const member of Object.values(value)) {
      if (typeof member === 'string') characters += member.length
      if (typeof member === 'object' && member !== null)
        level.push({ value: member as object, depth: depth + 1 })
    }
    if (characters > MAX_CHARACTERS) throw tooLarge(named, `has more than ${MAX_CHARACTERS} characters`)
  }
}

const tooLarge = (named: string, what: string): Refusal => new Refusal('invalid_request', `${named} ${what}`)
