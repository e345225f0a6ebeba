/** The document as a program finds it: nothing here knows how it was made. */
export interface Schema {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, Schema>>
}

interface Content {
  readonly schema: Schema
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

export interface Operation {
  readonly operationId: string
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly (Content & {
    readonly name: string
    readonly required: boolean
    readonly in: 'query' | 'path'
  })[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>
}

export interface Document {
  readonly openapi: string
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Partial<Record<'get' | 'post', Operation>>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** One endpoint and what may be sent to it. */
export interface Described {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly operation: Operation
  readonly type: string | undefined
  readonly request: Schema | undefined
  readonly examples: readonly { readonly name: string; readonly members: Record<string, unknown> }[]
}

export function operationsOf({ paths }: Document): Described[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
      const bodies = Object.entries(content?.examples ?? {}).map(([name, { value }]) => ({
        name,
        members: value as Record<string, unknown>,
      }))
      const given = method === 'get' ? queriesOf(operation) : bodies
      const examples = given.map(({ name, members }) => ({
        name,
        members: { ...members, ...pathOf(operation) },
      }))
      return { method: method as 'get' | 'post', path, operation, type, request: content?.schema, examples }
    }),
  )
}

/** What an example has in its address. */
function pathOf({ parameters = [] }: Operation): Record<string, unknown> {
  const named = parameters.filter((parameter) => parameter.in === 'path')
  return Object.fromEntries(named.map(({ name, examples = {} }) => [name, Object.values(examples)[0]?.value]))
}

/** Each parameter has its own value in an example; those of one name belong together. */
function queriesOf({ parameters = [] }: Operation): Described['examples'] {
  const queries = new Map<string, Record<string, unknown>>()
  for (const { name, examples = {} } of parameters.filter((parameter) => parameter.in === 'query')) {
    for (const [example, { value }] of Object.entries(examples)) {
      queries.set(example, { ...queries.get(example), [name]: value })
    }
  }
  if (queries.size === 0) return [{ name: 'without a query', members: {} }]
  return [...queries].map(([name, members]) => ({ name, members }))
}

/** The errors of an operation, as sent. */
export function errorsOf({ responses }: Operation): { status: number; body: unknown }[] {
  return Object.entries(responses).flatMap(([status, { content }]) =>
    Object.values(Object.values(content ?? {})[0]?.examples ?? {}).map(({ value }) => ({
      status: Number(status),
      body: value,
    })),
  )
}

/** A schema that also refuses members which it does not name, so that an answer has none that is not described. */
export function closed(schema: Schema): Schema {
  const inner = Object.entries(schema).map(([keyword, value]): [string, unknown] => [
    keyword,
    keyword === 'properties' ? closedEach(value as Record<string, Schema>) : closedValue(value),
  ])
  const object: Schema = Object.fromEntries(inner)
  return object.properties === undefined || 'additionalProperties' in object
    ? object
    : { ...object, additionalProperties: false }
}

function closedEach(schemas: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, closed(schema)]))
}

function closedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedValue)
  return typeof value === 'object' && value !== null ? closed(value as Schema) : value
}
