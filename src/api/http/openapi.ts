import { example, exampleMeanings, type ExampleName } from './exampleValues.ts'
import type { Rendered } from './errors.ts'
import type { JsonSchema } from './jsonSchema.ts'

export type MediaType = 'application/json' | 'application/x-www-form-urlencoded'
/** One way to be let in: a client itself, or whoever has an access token of a scope. */
export type Access = 'client' | keyof typeof scopes
type Members = Readonly<Record<string, unknown>>

/** One endpoint, as it is described. Everything in it was made from what the endpoint itself goes by. */
export interface Operation {
  readonly method: 'get' | 'post'
  readonly path: string
  /** The part of the API that it belongs to. */
  readonly tag: string
  readonly summary: string
  /** Where it is laid down. */
  readonly clause: string
  /** Any of them will do; none: anyone is answered. */
  readonly access: readonly Access[]
  /** A body, or the query of a GET. Absent: nothing is asked. */
  readonly request?: { readonly type: MediaType; readonly schema: JsonSchema }
  /** Requests by name. */
  readonly examples: Readonly<Record<string, Members>>
  readonly answer: Answer
  /** In its place, where that comes later. */
  readonly accepted?: Answer
  readonly refusals: readonly Rendered[]
  /** The refusals are problems (RFC 9457), and no errors of OAuth's kind. */
  readonly isProblem?: boolean
}

export interface Answer {
  readonly status: number
  readonly description: string
  /** Absent: there is no body. */
  readonly schema?: JsonSchema
  /** Of the body; absent: JSON. Where there are several, the caller says which. */
  readonly mediaTypes?: readonly string[]
}

export interface About {
  readonly title: string
  readonly version: string
  /** Where it stands: the base URL of everything in it. */
  readonly url: string
  /** That of the authorisation server. */
  readonly oauthUrl: string
}

/** OpenAPI 3.1.1. */
export function openapi(operations: readonly Operation[], about: About): Members {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const one of operations) paths[one.path] = { ...paths[one.path], [one.method]: operation(one) }
  return {
    openapi: '3.1.1',
    info: {
      title: about.title,
      version: about.version,
      description:
        'Signatures over hashes, made with keys that never leave a PKCS#11 token. Values in examples that stand for ' +
        'your own are listed in `x-placeholders`.',
    },
    servers: [{ url: about.url }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Error: ERROR, Problem: PROBLEM },
      securitySchemes: securitySchemes(about.oauthUrl),
    },
    'x-placeholders': Object.fromEntries(
      (Object.keys(example) as ExampleName[]).map((name) => [example[name], exampleMeanings[name]] as const),
    ),
  }
}

const ERROR: JsonSchema = {
  type: 'object',
  properties: {
    error: { type: 'string', description: 'A code of the standard' },
    error_description: { type: 'string', description: 'The sentence of the standard, where it has one' },
  },
  required: ['error'],
}

const PROBLEM: JsonSchema = {
  type: 'object',
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string', description: 'What the status means' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'For programs' },
    detail: { type: 'string', description: 'For people' },
  },
  required: ['type', 'title', 'status', 'code'],
}

export const scopes = {
  service:
    'Everything that a client does with the credentials that are linked to it, or with those of one person',
  credential: 'Signing with one credential what its holder has approved: the token is a SAD',
  'credential-creation': 'Getting the one credential that its holder has let the client create',
  'credential-deletion': 'Deleting the one credential that its holder has let the client delete',
}

function securitySchemes(url: string): Members {
  const token = { tokenUrl: `${url}/oauth2/token`, refreshUrl: `${url}/oauth2/token` }
  return {
    oauth: {
      type: 'oauth2',
      description: 'An access token, as a bearer (RFC 6750).',
      flows: {
        clientCredentials: { tokenUrl: token.tokenUrl, scopes: { service: scopes.service } },
        authorizationCode: { authorizationUrl: `${url}/oauth2/authorize`, ...token, scopes },
      },
    },
    client: {
      type: 'http',
      scheme: 'basic',
      description:
        'client_id and client_secret, here or in the form; or a registered certificate (RFC 8705).',
    },
  }
}

function operation(one: Operation): Members {
  return {
    operationId: operationId(one),
    tags: [one.tag],
    summary: one.summary,
    description: one.clause,
    security: one.access.map((access) => (access === 'client' ? { client: [] } : { oauth: [access] })),
    ...(one.request === undefined ? {} : asked(one, one.request)),
    responses: Object.fromEntries([
      ...[one.answer, ...(one.accepted === undefined ? [] : [one.accepted])].map(
        (answer) => [answer.status, answered(answer)] as const,
      ),
      ...Object.entries(refused(one)),
    ]),
  }
}

export function operationId({ method, path }: Operation): string {
  return `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`
}

function asked(one: Operation, { type, schema }: NonNullable<Operation['request']>): Members {
  const { path, rest } = split(one, schema)
  if (one.method === 'get') return { parameters: [...path, ...parameters(one, rest)] }
  const named = namesIn(one)
  const examples = Object.entries(one.examples).map(([name, members]) => {
    const value = Object.fromEntries(Object.entries(members).filter(([member]) => !named.includes(member)))
    return [name, { value }] as const
  })
  const content = { [type]: { schema: rest, examples: Object.fromEntries(examples) } }
  return { ...(path.length === 0 ? {} : { parameters: path }), requestBody: { required: true, content } }
}

/** What stands in the address of an operation, such as `id` of /keys/{id}. */
export const namesIn = ({ path }: Pick<Operation, 'path'>): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** The members of a request that stand in the address, and all others. */
function split(one: Operation, schema: JsonSchema): { path: Members[]; rest: JsonSchema } {
  const named = namesIn(one)
  if (named.length === 0) return { path: [], rest: schema }
  const { properties = {}, required = [] } = schema
  const members = Object.entries(properties)
  const part = (isNamed: boolean): JsonSchema => ({
    ...schema,
    properties: Object.fromEntries(members.filter(([name]) => named.includes(name) === isNamed)),
    required: required.filter((name) => named.includes(name) === isNamed),
  })
  return { path: parameters(one, part(true), 'path'), rest: part(false) }
}

function parameters(
  { examples }: Operation,
  { properties = {}, required = [] }: JsonSchema,
  where: 'query' | 'path' = 'query',
): Members[] {
  return Object.entries(properties).map(([name, schema]) => {
    const values = Object.entries(examples).filter(([, members]) => members[name] !== undefined)
    const written = values.map(([label, members]) => [label, { value: members[name] }] as const)
    return {
      name,
      in: where,
      required: required.includes(name),
      schema,
      ...(written.length === 0 ? {} : { examples: Object.fromEntries(written) }),
    }
  })
}

function answered({ status, description, schema, mediaTypes = ['application/json'] }: Answer): Members {
  return {
    description,
    ...(status === 302
      ? { headers: { Location: { schema: { type: 'string', format: 'uri-reference' } } } }
      : {}),
    ...(schema === undefined
      ? {}
      : { content: Object.fromEntries(mediaTypes.map((type) => [type, { schema }])) }),
  }
}

/** What each status of a refusal says to a program. */
export const statusMeanings: Readonly<Record<number, string>> = {
  202: 'It is not done yet: asking again makes sense',
  400: 'The request, or what it asks for, is refused',
  401: 'The access token, or the client, is not known',
  403: 'The access token is not for this',
  404: 'There is no such method, or nothing of that name',
  405: 'Another HTTP method is meant',
  406: 'None of the media types that are accepted can be given',
  409: 'What there is does not allow it',
  413: 'The request is too large',
  415: 'The media type of the request is not read here',
  429: 'Too many requests; Retry-After says when to come back',
  500: 'A mistake of the service; nothing is known of what was done',
  501: 'The method is not implemented',
  503: 'Nothing was done, and trying again makes sense; Retry-After says when',
}

/** A code, and its sentence where it has one: one code may have many sentences, and one sentence stand for two codes. */
export function sayingOf(body: unknown): readonly [code: string, sentence: string | undefined] {
  const { error, error_description: description, code, detail } = body as Readonly<Record<string, string>>
  return [error ?? code ?? '', description ?? detail]
}

function sentenceOf(body: unknown): string {
  return sayingOf(body)
    .filter((part) => part !== undefined)
    .join(': ')
}

function refused({ refusals, isProblem = false }: Operation): Members {
  const [type, schema] = isProblem ? ['application/problem+json', 'Problem'] : ['application/json', 'Error']
  const statuses = [...new Set(refusals.map(({ status }) => status))].sort((a, b) => a - b)
  return Object.fromEntries(
    statuses.map((status) => {
      const bodies = refusals.filter((one) => one.status === status).map(({ body }) => body as Members)
      const examples = Object.fromEntries(bodies.map((value) => [sentenceOf(value), { value }] as const))
      const content = { [type]: { schema: { $ref: `#/components/schemas/${schema}` }, examples } }
      return [status, { description: statusMeanings[status] ?? 'Refused', content }] as const
    }),
  )
}
