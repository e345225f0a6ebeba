import { z } from 'zod'
import type { Context } from '../../context.ts'
import { AuthorizationError, invalidRequest } from './authorizationError.ts'
import type { ParameterName, Parameters } from './parameters.ts'
import { detailScopes, typeAliases, type Scope } from './scopes.ts'

/** Null is absent (CSC API v2.2, 7). */
export const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined)

/** Which resource servers: there is one. */
export const locations = optional(z.array(z.string()))

/** What authorization_details say in their own words may not be said twice. */
const saidTwice: readonly ParameterName[] = [
  'credentialID',
  'signatureQualifier',
  'numSignatures',
  'hashes',
  'hashAlgorithmOID',
]

/** In the standard's words, where a client in the field wrote others, and the service is not strict. */
export function readDetails({ config }: Context, parameters: Parameters): Parameters {
  const { authorization_details: text } = parameters
  const list = text === undefined ? undefined : parsed(text)
  if (config.csc.strict || !Array.isArray(list) || !list.some(isAlias)) return parameters
  const canonical = list.map((one: unknown) =>
    isAlias(one) ? { ...(one as object), type: typeAliases.get(typeOf(one) ?? '') } : one,
  )
  return { ...parameters, authorization_details: JSON.stringify(canonical) }
}

/** The scope that the first of the details is for; of a type that there is none of, whichever refuses it. */
export function impliedScope(text: string): Scope {
  const list = parsed(text)
  const type = Array.isArray(list) ? typeOf(list[0]) : undefined
  return Object.entries(detailScopes).find(([name]) => name === type)?.[1] ?? 'credential'
}

const isAlias = (one: unknown): boolean => typeAliases.has(typeOf(one) ?? '')

function typeOf(one: unknown): string | undefined {
  return z.object({ type: z.string() }).safeParse(one).data?.type
}

/**
 * The one member of authorization_details (RFC 9396, 2; CSC API v2.2, 8.2.2): one thing is asked for at a time.
 * @throws AuthorizationError
 */
export function oneDetail<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  parameters: Parameters,
): z.output<Schema> {
  for (const name of saidTwice) {
    if (parameters[name] !== undefined) throw invalidRequest(`Invalid parameter ${name}`)
  }
  const result = z.array(schema).length(1).safeParse(parsed(text))
  if (result.success) return result.data[0] as z.output<Schema>
  const [issue] = result.error.issues
  const ours = issue?.code === 'unrecognized_keys' ? `Unknown parameter ${issue.keys[0]?.slice(0, 64)}` : ''
  const nested =
    issue !== undefined && issue.path.length > 1 ? issue.message : 'Invalid parameter authorization_details'
  throw new AuthorizationError('invalid_authorization_details', ours || nested)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
