import type { z } from 'zod'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { unknownParameter, type Body } from './aliases.ts'
import { methodOf, type Described, type Method } from './described.ts'

/** One method of the CSC API: read, answered and refused in the words of v2.2. An edition is spoken around it. */
export interface Endpoint<Answer extends object = object> {
  /** As the standard writes it: the path below /csc/v2. */
  readonly name: string
  /** Answers anyone; everything else wants an access token. */
  readonly open: boolean
  /** Which access tokens it takes. */
  readonly scopes: readonly Scope[]
  /** HTTP status of what `serve` answered. 204: nothing is sent of it. */
  status(answer: object): number
  /** Its members can be asked for in the query of a GET as well. */
  readonly byGet: boolean
  /** It exists where the configuration has this. */
  readonly needs?: Need | undefined
  /** For the API's document. */
  readonly described?: () => Method
  serve(ctx: Context, call: Asker & { readonly body: Body }): Promise<Answer>
}

/**
 * CSC API v2.2, 8.2.2: what a client may do with all of its credentials, with one that its holder just opened, with one that
 * its holder just made for it, and with one that its holder wants to be gone.
 */
export type Scope = 'service' | 'credential' | 'credential-creation' | 'credential-deletion'

/** What only some configurations have: something that sends messages to holders, timestamps. */
export type Need = 'sender' | 'timestamps'

/** Who asks. */
export interface Asker {
  readonly clientId: string
  /** The token is for this person's credentials alone. */
  readonly personId?: string
  /** The token, where it is for one credential: of the scope credential it is a SAD. */
  readonly sad?: string
  /** The one credential that such a token is for. */
  readonly credentialId?: string
  /** Thumbprint of the certificate that the token is bound to, and came with. */
  readonly certificate?: string
}

interface Description<Schema extends z.ZodType, Answer extends object> {
  readonly name: string
  readonly open?: boolean
  /** Absent: service. */
  readonly scopes?: readonly Scope[]
  readonly byGet?: boolean
  readonly needs?: Need
  /** A strict object whose messages are the standard's phrases. */
  readonly request: Schema
  /** Absent: 200. */
  readonly status?: (answer: Answer) => number
  /** What the API's document says of it; a test asks for it. */
  readonly described?: Described<Schema>
  answer(ctx: Context, call: Asker & { readonly input: z.output<Schema> }): Promise<Answer> | Answer
}

/** A request is checked before its endpoint sees it. */
export function endpoint<Schema extends z.ZodType, Answer extends object>(
  described: Description<Schema, Answer>,
): Endpoint<Answer> {
  const { name, open = false, scopes = ['service'], byGet = false, needs, request } = described
  const { status = () => 200, described: told } = described
  return {
    name,
    open,
    scopes,
    status: (answer) => status(answer as Answer),
    byGet,
    needs,
    ...(told === undefined ? {} : { described: () => methodOf(request, told) }),
    serve: async (ctx, { body, ...asker }) => {
      const result = request.safeParse(body)
      if (!result.success) throw refusalOf(result.error)
      return described.answer(ctx, { input: result.data, ...asker })
    },
  }
}

function refusalOf(error: z.ZodError): Refusal {
  const [issue] = error.issues
  if (issue?.code === 'unrecognized_keys') return unknownParameter(issue.keys[0] ?? '')
  return new Refusal('invalid_request', issue?.message ?? 'Invalid request')
}
