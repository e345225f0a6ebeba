import type { z } from 'zod'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { unknownParameter, type Body } from './aliases.ts'

/** One method of the CSC API: read, answered and refused in the words of v2.2. An edition is spoken around it. */
export interface Endpoint<Answer extends object = object> {
  /** As the standard writes it: the path below /csc/v2. */
  readonly name: string
  /** Answers anyone; everything else wants a client's service token. */
  readonly open: boolean
  serve(ctx: Context, call: { readonly clientId: string; readonly body: Body }): Promise<Answer>
}

interface Description<Schema extends z.ZodType, Answer extends object> {
  readonly name: string
  readonly open?: boolean
  /** A strict object whose messages are the standard's phrases. */
  readonly request: Schema
  answer(
    ctx: Context,
    call: { readonly clientId: string; readonly input: z.output<Schema> },
  ): Promise<Answer> | Answer
}

/** A request is checked before its endpoint sees it. */
export function endpoint<Schema extends z.ZodType, Answer extends object>(
  described: Description<Schema, Answer>,
): Endpoint<Answer> {
  const { name, open = false, request } = described
  return {
    name,
    open,
    serve: async (ctx, { clientId, body }) => {
      const result = request.safeParse(body)
      if (!result.success) throw refusalOf(result.error)
      return described.answer(ctx, { clientId, input: result.data })
    },
  }
}

function refusalOf(error: z.ZodError): Refusal {
  const [issue] = error.issues
  if (issue?.code === 'unrecognized_keys') return unknownParameter(issue.keys[0] ?? '')
  return new Refusal('invalid_request', issue?.message ?? 'Invalid request')
}
