import { z } from 'zod'
import { Refusal } from '../../refusal.ts'
import { BearerRefusal, type BearerProblem } from './authenticate.ts'
import { jsonSchema, type JsonSchema } from './jsonSchema.ts'
import type { Operation } from './openapi.ts'
import { problem } from './problem.ts'
import type { Endpoint } from './problemEndpoint.ts'

/** Endpoints of a face as the API's document describes them. */
export function problemOperations(
  endpoints: readonly Endpoint[],
  face: Pick<Operation, 'tag' | 'clause'>,
): Operation[] {
  return endpoints
    .filter(({ described }) => Object.keys(described.examples).length > 0)
    .map((endpoint) => ({ ...operation(endpoint), ...face }))
}

const ID: JsonSchema = { type: 'string', description: "The key's id, encoded for an address" }
/** What is given as it is: a string, octets or an object. */
const BARE = jsonSchema(z.unknown())

function operation({ method, path, produces, described }: Endpoint): Omit<Operation, 'tag' | 'clause'> {
  const { summary, request, examples, answer, refusals } = described
  const isJson = produces.length === 1 && produces[0] === 'application/json'
  const schema = answer.schema === undefined ? (isJson ? undefined : BARE) : jsonSchema(answer.schema)
  return {
    method: method === 'GET' ? 'get' : 'post',
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    summary,
    access: ['service'],
    request: { type: 'application/json', schema: requestSchema(path, jsonSchema(request)) },
    examples,
    answer: {
      status: answer.status,
      description: answer.says,
      ...(schema === undefined ? {} : { schema, mediaTypes: produces }),
    },
    refusals: [...admission, ...refusals.map(([code, says]) => new Refusal(code, says)), ...always].map(
      (one) => problem(one),
    ),
    isProblem: true,
  }
}

function requestSchema(path: string, schema: JsonSchema): JsonSchema {
  if (!path.includes(':id')) return schema
  const { properties = {}, required = [] } = schema
  return { ...schema, properties: { id: ID, ...properties }, required: ['id', ...required] }
}

const problems: readonly BearerProblem[] = ['malformed', 'missing', 'invalid', 'expired']

const admission: readonly Refusal[] = [
  ...problems.map((name) => new BearerRefusal(name)),
  new Refusal('forbidden', "The access token is not the client's own, of the scope service."),
]

/** Of every endpoint. */
const always: readonly Refusal[] = [
  new Refusal('invalid_request', 'The request body is not valid JSON'),
  new Refusal('not_acceptable', 'None of the media types that are accepted can be given.'),
  new Refusal('too_large', 'The request body is too large'),
  new Refusal('unsupported_media_type', 'What is read here is application/json, not compressed.'),
  new Refusal('unavailable', 'The token does not answer at the moment'),
]
