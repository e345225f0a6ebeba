import { Refusal } from '../../../refusal.ts'
import { isObject, type JsonObject } from '../../../signing/strictJson.ts'

/** Pointers of one request, and characters of one: each is walked through the document. */
const MAX_POINTERS = 1_000
const MAX_CHARACTERS = 1_000

interface Selected {
  /** By member, or by the index in the document. */
  readonly children: Map<string, Selected>
  /** The whole value, not only what its children name. */
  whole: boolean
}

/**
 * The part of a document that JSON pointers name (RFC 6901), with the identifiers and types of all objects on the way
 * (vc-di-ecdsa 1.0, 3.4.13).
 * @returns undefined where they name nothing
 * @throws Refusal invalid_request for a pointer that is none, or leads nowhere
 */
export function select(document: JsonObject, pointers: readonly string[]): JsonObject | undefined {
  if (pointers.length > MAX_POINTERS)
    throw new Refusal('invalid_request', `more than ${MAX_POINTERS} JSON pointers`)
  if (pointers.length === 0) return undefined
  const root: Selected = { children: new Map(), whole: false }
  for (const pointer of pointers) mark(root, { document, pointer })
  const selection = copy(document, root) as JsonObject
  return { '@context': document['@context'], ...selection }
}

function mark(root: Selected, { document, pointer }: { document: JsonObject; pointer: string }): void {
  let value: unknown = document
  let selected = root
  for (const token of tokensOf(pointer)) {
    value = childOf(value, token)
    if (value === undefined)
      throw new Refusal('invalid_request', `the JSON pointer ${JSON.stringify(pointer)} leads nowhere`)
    const child = selected.children.get(token) ?? { children: new Map<string, Selected>(), whole: false }
    selected.children.set(token, child)
    selected = child
  }
  selected.whole = true
}

function tokensOf(pointer: string): string[] {
  if (
    typeof pointer !== 'string' ||
    pointer.length > MAX_CHARACTERS ||
    !/^(?:\/(?:[^/~]|~[01])*)*$/.test(pointer)
  )
    throw new Refusal('invalid_request', 'a JSON pointer is none (RFC 6901)')
  const [, ...tokens] = pointer.split('/')
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** An own member or item: what objects inherit is in no document. */
function childOf(value: unknown, token: string): unknown {
  if (Array.isArray(value))
    return /^(?:0|[1-9]\d*)$/.test(token) ? (value[Number(token)] as unknown) : undefined
  return isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined
}

function copy(value: unknown, selected: Selected): unknown {
  if (selected.whole) return value
  if (Array.isArray(value))
    return [...selected.children.keys()]
      .sort((one, other) => Number(one) - Number(other))
      .map((index) => copy(value[Number(index)], selected.children.get(index) ?? selected))
  const members = value as JsonObject
  const made: [string, unknown][] = []
  for (const name of ['id', 'type']) if (isKept(name, members[name])) made.push([name, members[name]])
  for (const [name, child] of selected.children) made.push([name, copy(members[name], child)])
  // fromEntries defines members, so that none is a prototype.
  return Object.fromEntries(made)
}

const isKept = (name: string, value: unknown): boolean =>
  name === 'type' ? value !== undefined : typeof value === 'string' && !value.startsWith('_:')
