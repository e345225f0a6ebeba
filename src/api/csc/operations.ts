import { Refusal } from '../../refusal.ts'
import { BearerRefusal, type BearerProblem } from '../http/authenticate.ts'
import type { Rendered } from '../http/errors.ts'
import type { Operation } from '../http/openapi.ts'
import { onlyMembers, type Method } from './described.ts'
import type { Dialect } from './dialect.ts'
import type { Endpoint } from './endpoint.ts'

/** The methods of an edition as the API's document describes them; one that is not described is not in it. */
export function cscOperations(dialect: Dialect, mountedAt: string): Operation[] {
  return dialect.endpoints.flatMap((endpoint) => {
    const method = endpoint.described?.()
    if (method === undefined) return []
    const posted = operation({ dialect, mountedAt, endpoint, method })
    if (!endpoint.byGet) return [posted]
    return [posted, operation({ dialect, mountedAt, endpoint, method: inQuery(method) }, 'get')]
  })
}

interface Mounted {
  readonly dialect: Dialect
  readonly mountedAt: string
  readonly endpoint: Endpoint
  readonly method: Method
}

function operation(
  { dialect, mountedAt, endpoint, method }: Mounted,
  verb: Operation['method'] = 'post',
): Operation {
  const { summary, clause, request, response, created, accepted, examples } = method
  const done = created ? 201 : 200
  return {
    method: verb,
    path: `${mountedAt}/${endpoint.name}`,
    tag: `CSC API ${dialect.specs}, at ${mountedAt}`,
    summary,
    clause,
    access: endpoint.open ? [] : endpoint.scopes,
    request: { type: 'application/json', schema: request },
    examples,
    answer: {
      status: response === undefined ? 204 : done,
      description: response === undefined ? 'Done' : 'Answered',
      ...(response === undefined ? {} : { schema: response }),
    },
    ...(accepted === undefined
      ? {}
      : { accepted: { status: 202, description: 'Accepted, and not answered yet', schema: accepted } }),
    refusals: rendered(dialect, [...admission(endpoint), ...refusalsOf(method), ...always]),
  }
}

/** A query is text: its other members are for POST. */
function inQuery(method: Method): Method {
  const { properties = {} } = method.request
  const texts = Object.keys(properties).filter((name) => properties[name]?.type === 'string')
  const kept = (members: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(members).filter(([name]) => texts.includes(name)))
  const examples = Object.entries(method.examples).map(([name, members]) => [name, kept(members)] as const)
  return {
    ...method,
    request: onlyMembers(method.request, texts),
    examples: Object.fromEntries(examples),
  }
}

const problems: readonly BearerProblem[] = ['malformed', 'missing', 'invalid', 'expired']

/** Who is not let in. */
function admission({ open, scopes }: Endpoint): Refusal[] {
  if (open) return []
  const wrong = new Refusal('forbidden', `The access token is not of the scope ${scopes[0] ?? ''}`)
  return [...problems.map((problem) => new BearerRefusal(problem)), wrong]
}

function refusalsOf({ phrases, refusals }: Method): Refusal[] {
  return [
    ...phrases.map((phrase) => new Refusal('invalid_request', phrase)),
    // What an edition has no sentence for has none here either.
    ...refusals.map((code) => new Refusal(code, '')),
  ]
}

/** Of every method. */
const always: readonly (Refusal | undefined)[] = [
  new Refusal('invalid_request', 'Unknown parameter …'),
  new Refusal('invalid_request', 'Parameter … is given twice'),
  new Refusal('invalid_request', 'The request body must be application/json'),
  new Refusal('invalid_request', 'The request body must not be compressed'),
  new Refusal('invalid_request', 'The request body is not valid JSON'),
  new Refusal('invalid_request', 'The request body must be a JSON object'),
  new Refusal('method_not_allowed', 'Methods of this API are called by POST'),
  new Refusal('too_large', 'The request body is too large'),
  new Refusal('unavailable', 'The service cannot record anything at the moment'),
  new Refusal('unavailable', 'The token does not answer at the moment'),
  undefined,
]

/** In the edition's own words, each once. */
function rendered({ renderError }: Dialect, refusals: readonly (Refusal | undefined)[]): Rendered[] {
  const answers = refusals.map((refusal) => renderError(refusal))
  return [...new Map(answers.map((one) => [JSON.stringify([one.status, one.body]), one])).values()]
}
