import { z } from 'zod'

/** JSON Schema 2020-12, which is what OpenAPI 3.1 takes. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
}

/** What a schema reads, before it decodes anything; an answer's schema decodes nothing. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  const written = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: ({ zodSchema }) => (zodSchema._zod.def.type === 'undefined' ? NOTHING : 'any'),
  })
  return cleaned(JSON.parse(JSON.stringify(written))) as JsonSchema
}

/** What no value fits. */
const NOTHING = { not: {} }
/** A document names its dialect once, and every whole number of JSON is meant to be one of these. */
const noise = new Map<string, unknown>([
  ['$schema', 'https://json-schema.org/draft/2020-12/schema'],
  ['maximum', Number.MAX_SAFE_INTEGER],
  ['minimum', Number.MIN_SAFE_INTEGER],
])

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value as Members).filter(([keyword, own]) => noise.get(keyword) !== own)
  return Object.fromEntries(
    entries.map(([keyword, own]) => [
      keyword,
      cleaned(keyword === 'properties' ? possible(own as Members) : own),
    ]),
  )
}

type Members = Readonly<Record<string, unknown>>

/** Without the members that a request has only to be refused for. */
function possible(properties: Members): Members {
  const nothing = JSON.stringify(NOTHING)
  return Object.fromEntries(
    Object.entries(properties).filter(([, schema]) => JSON.stringify(schema) !== nothing),
  )
}

/** What zod's definitions have in common, as far as they are walked here. */
interface Definition {
  readonly error?: (issue: object) => unknown
  readonly checks?: readonly Node[]
  readonly shape?: Readonly<Record<string, Node>>
  readonly element?: Node
  readonly innerType?: Node
  readonly in?: Node
  readonly options?: readonly Node[]
}
interface Node {
  readonly _zod: { readonly def: object }
}

/** Every phrase that a schema may refuse a value with, each once: those that were worded, not zod's own. */
export function phrasesOf(schema: z.ZodType): readonly string[] {
  return [...new Set(said(schema))]
}

function said({ _zod: { def } }: Node): string[] {
  const { error, checks = [], shape = {}, element, innerType, in: from, options = [] } = def as Definition
  const phrase = error?.({ code: 'invalid_type', input: undefined, path: [] })
  const inner = [element, innerType, from].filter((node) => node !== undefined)
  const nodes = [...checks, ...inner, ...Object.values(shape), ...options]
  return [...(typeof phrase === 'string' ? [phrase] : []), ...nodes.flatMap(said)]
}
