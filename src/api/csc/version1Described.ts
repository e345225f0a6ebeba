import { z } from 'zod'
import { jsonSchema, type JsonSchema } from '../http/jsonSchema.ts'
import { onlyMembers, withTexts, type Method } from './described.ts'

/** What version 1 calls members of version 2. */
const names: ReadonlyMap<string, string> = new Map([
  ['hashes', 'hash'],
  ['hashAlgorithmOID', 'hashAlgo'],
])
const nameHere = (name: string): string => names.get(name) ?? name

/**
 * A method in the words of version 1.
 * @param here.members those of its request
 * @param here.response where the answer is another one, too
 */
export function inVersion1(here: {
  readonly members: readonly string[]
  readonly response?: (response: JsonSchema) => JsonSchema
}) {
  const { members, response: reworded = (response: JsonSchema) => response } = here
  return (method: Method): Method => ({
    ...method,
    phrases: method.phrases.filter((phrase) => isSaidHere(phrase, method.request, members)),
    clause: method.clause.replace(/^CSC API v2.2/, 'CSC API v1.0.4.0; in v2.2:'),
    request: withTexts(requestHere(method.request, members)),
    ...(method.response === undefined ? {} : { response: withTexts(reworded(method.response)) }),
    examples: examplesHere(method.examples, members),
  })
}

/** A phrase that ends in the name of a member which this edition does not have is never said in it. */
function isSaidHere(phrase: string, { properties = {} }: JsonSchema, members: readonly string[]): boolean {
  const name = / parameter "?(\w+)"?$/.exec(phrase)?.[1] ?? ''
  return !(name in properties) || members.includes(nameHere(name)) || names.has(name)
}

function requestHere(request: JsonSchema, members: readonly string[]): JsonSchema {
  const { properties = {}, required = [] } = request
  const renamed = Object.entries(properties).map(([name, schema]) => [nameHere(name), schema] as const)
  const known = new Map([...renamed, ...secretsOf(properties['authData'])])
  const present = members.flatMap((name) => {
    const schema = known.get(name)
    return schema === undefined ? [] : [[name, schema] as const]
  })
  return {
    ...request,
    properties: Object.fromEntries(present),
    required: required.map(nameHere).filter((name) => members.includes(name)),
  }
}

/** Version 2 has a list of secrets by id, version 1 a member for each. */
function secretsOf(authData: JsonSchema | undefined): (readonly [string, JsonSchema])[] {
  const { id, value } = authData?.items?.properties ?? {}
  if (id === undefined || value === undefined) return []
  const ids = (id['enum'] ?? [id['const']]) as readonly string[]
  return ids.map((one) => [one, value] as const)
}

function examplesHere(examples: Method['examples'], members: readonly string[]): Method['examples'] {
  const kept = new Map<string, readonly [string, Readonly<Record<string, unknown>>]>()
  for (const [name, request] of Object.entries(examples)) {
    const { authData = [], ...others } = request as { authData?: readonly { id: string; value: string }[] }
    const all = [...Object.entries(others), ...authData.map(({ id, value }) => [id, value] as const)]
    const here = all.map(([member, value]) => [nameHere(member), value] as const)
    const body = Object.fromEntries(here.filter(([member]) => members.includes(member)))
    // Two that differ in what version 1 does not have are one.
    const key = JSON.stringify(body)
    if (!kept.has(key)) kept.set(key, [name, body])
  }
  return Object.fromEntries(kept.values())
}

const secret = z.object({
  presence: z.enum(['true', 'false', 'optional']),
  format: z.enum(['A', 'N']).optional(),
  label: z.string().optional(),
  description: z.string().optional(),
})
const authorising = jsonSchema(
  z.object({
    authMode: z.enum(['explicit', 'oauth2code']),
    PIN: secret.optional(),
    OTP: secret
      .extend({ type: z.enum(['offline', 'online']).optional(), ID: z.string().optional() })
      .optional(),
  }),
)

/** credentials/info: what authorises stands beside the rest. */
export function flatCredential(response: JsonSchema, members: readonly string[]): JsonSchema {
  const { properties, required = [], ...rest } = onlyMembers(response, members)
  return {
    ...rest,
    properties: { ...properties, ...authorising.properties },
    required: [...required, ...(authorising.required ?? [])],
  }
}
