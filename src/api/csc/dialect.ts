import type { Config } from '../../../config/config.ts'
import { Refusal } from '../../refusal.ts'
import type { Render } from '../http/errors.ts'
import type { Read } from './aliases.ts'
import type { Method } from './described.ts'
import type { Endpoint, Need } from './endpoint.ts'

/** What decides how an edition is spoken, and which of its methods exist. */
export type DialectConfig = Pick<Config, 'csc' | 'messages' | 'tsa'>

/** Whether a method exists under a configuration. */
export function exists({ needs }: Endpoint, config: DialectConfig): boolean {
  return needs === undefined || has[needs](config)
}

/** TABLE of what only some configurations have. */
const has: Readonly<Record<Need, (config: DialectConfig) => boolean>> = {
  sender: ({ messages }) => messages.sender !== 'none',
  timestamps: ({ tsa }) => tsa !== undefined,
}

/** One edition of the CSC API, as it is mounted. */
export interface Dialect {
  /** Its number, as `info` says it. */
  readonly specs: string
  /** The methods that exist, and what `info` advertises. */
  readonly endpoints: readonly Endpoint[]
  /** Methods of this edition that do not: they answer 501, as the standard asks. */
  readonly notBuilt: readonly string[]
  readonly renderError: Render
}

/** How an edition says what a method says in the words of v2.2. */
export interface Manner<Answer extends object> {
  readonly read: Read
  /** Absent: as it is. */
  readonly write?: (answer: Answer) => object
  /** What the core says to a bad request, and what this edition says instead. */
  readonly phrases?: ReadonlyMap<string, string>
  /** What the API's document says of it here. Absent: the same, but for the phrases. */
  readonly describe?: (method: Method) => Method
}

/** A method as an edition speaks it. */
export function spoken<Answer extends object>(
  endpoint: Endpoint<Answer>,
  { read, write = (answer) => answer, phrases = new Map(), describe = (method) => method }: Manner<Answer>,
): Endpoint {
  const { described } = endpoint
  return {
    name: endpoint.name,
    open: endpoint.open,
    scopes: endpoint.scopes,
    status: (answer) => endpoint.status(answer),
    byGet: endpoint.byGet,
    needs: endpoint.needs,
    ...(described === undefined ? {} : { described: () => describe(phrased(described(), phrases)) }),
    serve: async (ctx, { body, ...asker }) => {
      try {
        return write(await endpoint.serve(ctx, { body: read(body), ...asker }))
      } catch (thrown) {
        throw rephrased(thrown, phrases)
      }
    },
  }
}

function rephrased(thrown: unknown, phrases: ReadonlyMap<string, string>): unknown {
  if (!(thrown instanceof Refusal) || thrown.code !== 'invalid_request') return thrown
  const phrase = phrases.get(thrown.message)
  return phrase === undefined ? thrown : new Refusal(thrown.code, phrase, { cause: thrown.cause })
}

function phrased(method: Method, phrases: ReadonlyMap<string, string>): Method {
  return { ...method, phrases: [...new Set(method.phrases.map((phrase) => phrases.get(phrase) ?? phrase))] }
}

/** Some members of an answer. */
export function only(answer: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(answer).filter(([name]) => names.includes(name)))
}

/** All members of an answer but some. */
export function without(answer: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !names.includes(name)))
}
