import type { z } from 'zod'
import type { RefusalCode } from '../../refusal.ts'
import { jsonSchema, phrasesOf, type JsonSchema } from '../http/jsonSchema.ts'
import { memberTexts } from './memberTexts.ts'

/** What stands beside an endpoint about it, in the words of v2.2. */
export interface Described<Schema extends z.ZodType> {
  readonly summary: string
  /** Of CSC API v2.2; absent: this service's own. */
  readonly clause?: string
  /** An object; absent where the answer has no body. */
  readonly response?: z.ZodType
  /** Something new is there: 201 in place of 200. */
  readonly created?: boolean
  /** What a 202 holds, in its place; absent: there is none. */
  readonly accepted?: z.ZodType
  /** Good requests by name, with the values of src/api/http/exampleValues.ts for the reader's own. A test sends each. */
  readonly examples: Readonly<Record<string, z.input<Schema>>>
  /** What it refuses as invalid_request, besides what `request` itself says. */
  readonly phrases?: readonly string[]
  /** Its other refusals. */
  readonly refusals?: readonly RefusalCode[]
}

/** The same, whole, as an edition may reword it. */
export interface Method {
  readonly summary: string
  readonly clause: string
  readonly request: JsonSchema
  readonly response?: JsonSchema
  readonly created: boolean
  readonly accepted?: JsonSchema
  readonly examples: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly phrases: readonly string[]
  readonly refusals: readonly RefusalCode[]
}

/** Made of what the endpoint reads by. */
export function methodOf<Schema extends z.ZodType>(request: Schema, described: Described<Schema>): Method {
  const { summary, clause, response, created = false, accepted, examples } = described
  const { phrases = [], refusals = [] } = described
  return {
    summary,
    clause: clause === undefined ? 'An extension of this service' : `CSC API v2.2, ${clause}`,
    request: withTexts(jsonSchema(request)),
    ...(response === undefined ? {} : { response: withTexts(jsonSchema(response)) }),
    created,
    ...(accepted === undefined ? {} : { accepted: withTexts(jsonSchema(accepted)) }),
    examples: examples as Method['examples'],
    phrases: [...new Set([...phrasesOf(request), ...phrases])],
    refusals,
  }
}

/** With a sentence on each member that has one, wherever it stands. */
export function withTexts(schema: JsonSchema): JsonSchema {
  const { properties, items } = schema
  const anyOf = schema['anyOf'] as readonly JsonSchema[] | undefined
  return {
    ...schema,
    ...(items === undefined ? {} : { items: withTexts(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(withTexts) }),
    ...(properties === undefined ? {} : { properties: named(properties) }),
  }
}

function named(properties: NonNullable<JsonSchema['properties']>): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const description = schema['description'] ?? memberTexts.get(name)
      return [name, { ...(description === undefined ? {} : { description }), ...withTexts(schema) }]
    }),
  )
}

/** An object's schema with some of its members and no others. */
export function onlyMembers(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const { properties = {}, required = [] } = schema
  const kept = Object.entries(properties).filter(([name]) => names.includes(name))
  return {
    ...schema,
    properties: Object.fromEntries(kept),
    required: required.filter((name) => names.includes(name)),
  }
}

/** An object's schema without some of its members. */
export function withoutMembers(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const all = Object.keys(schema.properties ?? {})
  return onlyMembers(
    schema,
    all.filter((name) => !names.includes(name)),
  )
}
