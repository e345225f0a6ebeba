import type { JsonSchema } from '../http/jsonSchema.ts'

export interface Member {
  /** Such as cert.certificates[] */
  readonly path: string
  readonly type: string
  readonly required: boolean
  readonly description?: string
}

/** The members of an object's schema and of what is in them, as a flat list. */
export function membersOf(schema: JsonSchema, prefix = ''): Member[] {
  const { properties = {}, required = [] } = schema
  return Object.entries(properties).flatMap(([name, member]) => {
    const { schema: inner, suffix } = within(member)
    const { description } = member
    const own: Member = {
      path: `${prefix}${name}${suffix}`,
      type: typeOf(inner),
      required: required.includes(name),
      ...(typeof description === 'string' ? { description } : {}),
    }
    return [own, ...membersOf(inner, `${own.path}.`)]
  })
}

/** What a list, or what may be null, holds. */
function within(schema: JsonSchema): { schema: JsonSchema; suffix: string } {
  const { items } = schema
  if (items !== undefined) {
    const { schema: inner, suffix } = within(items)
    return { schema: inner, suffix: `[]${suffix}` }
  }
  const anyOf = (schema['anyOf'] ?? []) as readonly JsonSchema[]
  const [only, ...others] = anyOf.filter(({ type }) => type !== 'null')
  return only !== undefined && others.length === 0 ? within(only) : { schema, suffix: '' }
}

function typeOf(schema: JsonSchema): string {
  const values = schema['enum'] as readonly unknown[] | undefined
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' or ')
  if (schema['const'] !== undefined) return JSON.stringify(schema['const'])
  const byDefault = schema['default'] === undefined ? '' : `, by default ${JSON.stringify(schema['default'])}`
  return `${schema.type ?? 'any'}${byDefault}`
}
