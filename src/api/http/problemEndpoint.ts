import type { z } from 'zod'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'

/** A request whose client is known. */
export interface Call {
  readonly clientId: string
  /** What the address names. */
  readonly id: string
  /** Members of the body; of a GET, of the query. */
  readonly body: Readonly<Record<string, unknown>>
  /** The header Idempotency-Key. */
  readonly idempotencyKey: string | undefined
}

export interface Reply {
  readonly status: number
  /** Absent: there is none. An object is sent as JSON. */
  readonly body?: string | Buffer | object
  /** Of the body. */
  readonly mediaType?: string
}

/** What the API's document says of it. Its examples hold the values of src/api/http/exampleValues.ts. */
export interface Described {
  readonly summary: string
  readonly request: z.ZodType
  readonly examples: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly answer: { readonly status: number; readonly says: string; readonly schema?: z.ZodType }
  /** Sentences for what it refuses, besides what its request itself says. */
  readonly refusals: readonly (readonly [RefusalCode, string])[]
}

export interface Endpoint {
  readonly method: 'GET' | 'POST'
  /** As a router reads it. */
  readonly path: string
  /** Media types that its answer may have, the one that is given without being asked for first. */
  readonly produces: readonly string[]
  readonly described: Described
  serve(ctx: Context, call: Call): Promise<Reply>
}

interface Description<Schema extends z.ZodType> extends Omit<Endpoint, 'produces' | 'described' | 'serve'> {
  /** Absent: JSON. */
  readonly produces?: readonly string[]
  readonly request: Schema
  readonly described: Omit<Described, 'request'>
  answer(ctx: Context, call: Call & { readonly input: z.output<Schema> }): Promise<Reply>
}

/** A request is checked before its endpoint sees it. */
export function endpoint<Schema extends z.ZodType>(description: Description<Schema>): Endpoint {
  const { method, path, produces = ['application/json'], request, described } = description
  return {
    method,
    path,
    produces,
    described: { ...described, request },
    serve: (ctx, call) => {
      const result = request.safeParse(call.body)
      if (!result.success) throw refusalOf(result.error, call.body)
      return description.answer(ctx, { ...call, input: result.data })
    },
  }
}

/** Longer names than any of ours are cut: they are the caller's own text. */
const NAME_SHOWN = 64

/** Names the member; its value may be a secret. */
function refusalOf({ issues: [issue] }: z.ZodError, body: unknown): Refusal {
  if (issue?.code === 'unrecognized_keys') {
    const name = [...issue.path, issue.keys[0] ?? ''].join('.').slice(0, NAME_SHOWN)
    return new Refusal('invalid_request', `${name}: there is no such member`)
  }
  const { path = [], code, message = '' } = issue ?? {}
  const isMissing = code !== 'custom' && valueAt(body, path) === undefined
  return new Refusal('invalid_request', `${path.join('.')}: ${isMissing ? 'is missing' : message}`)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((inner, name) => (inner as Record<PropertyKey, unknown> | undefined)?.[name], value)
}
