import type { z } from 'zod'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'

/** One method of the CSC API. */
export interface Endpoint {
  /** As the standard writes it: the path below /csc/v2. */
  readonly name: string
  /** Answers anyone; everything else wants a client's service token. */
  readonly open: boolean
  serve(ctx: Context, call: { readonly clientId: string; readonly body: Body }): Promise<object>
}

type Body = Readonly<Record<string, unknown>>

interface Description<Schema extends z.ZodType> {
  readonly name: string
  readonly open?: boolean
  /** Members that CSC v1 clients write, and what v2 calls them. */
  readonly aliases?: Readonly<Record<string, string>>
  /** A strict object whose messages are the standard's phrases. */
  readonly request: Schema
  answer(
    ctx: Context,
    call: { readonly clientId: string; readonly input: z.output<Schema> },
  ): Promise<object> | object
}

/** A request is read, put into the standard's own words and checked before its endpoint sees it. */
export function endpoint<Schema extends z.ZodType>(described: Description<Schema>): Endpoint {
  const { name, open = false, aliases = {}, request } = described
  return {
    name,
    open,
    serve: async (ctx, { clientId, body }) => {
      const result = request.safeParse(canonical(body, aliases))
      if (!result.success) throw new Refusal('invalid_request', phraseOf(result.error))
      return described.answer(ctx, { clientId, input: result.data })
    },
  }
}

/**
 * Members of no meaning that a client in the field sends with every request: the iOS library of the EUDI wallet spells
 * some members in two ways. They are ignored because they were never read by anyone; any other unknown member is refused,
 * since it may be one that its sender relies on.
 */
const IGNORED: ReadonlySet<string> = new Set(['auth_info', 'only_valid', 'client_data', 'sign_algo_params'])

/** Null is absent (CSC API v2.2, 7), aliases have their proper names. `__proto__` stays an own member, to be refused. */
function canonical(body: Body, aliases: Readonly<Record<string, string>>): Body {
  const given = Object.entries(body).filter(([name, value]) => value !== null && !IGNORED.has(name))
  const proper = new Map<string, unknown>()
  for (const [alias, value] of given) {
    const name = Object.hasOwn(aliases, alias) ? (aliases[alias] ?? alias) : alias
    if (proper.has(name) && JSON.stringify(proper.get(name)) !== JSON.stringify(value)) {
      throw new Refusal('invalid_request', `Parameter ${name} is given twice`)
    }
    proper.set(name, value)
  }
  return Object.fromEntries(proper)
}

/** Longer names than any of ours are cut: they are the caller's own text. */
const NAME_SHOWN = 64

function phraseOf(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue?.code !== 'unrecognized_keys') return issue?.message ?? 'Invalid request'
  return `Unknown parameter ${(issue.keys[0] ?? '').slice(0, NAME_SHOWN)}`
}
