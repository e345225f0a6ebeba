import { isObject } from '../../signing/strictJson.ts'
import { Flaw } from '../../signing/flaw.ts'
import type { JsonObject, Verdict, VerifyRequest } from './format.ts'
import type { Problems } from './verifying.ts'

/** Each costs a verification; a presentation of more is work that a stranger asks for. */
const CREDENTIALS_MAX = 100

/** Judges the credentials in a presentation, and names what is wrong with which. */
export async function checkNested(
  problems: Problems,
  { nested }: VerifyRequest,
  presentation: JsonObject,
): Promise<void> {
  const { verifiableCredential: given } = presentation
  if (given === undefined) return
  const credentials: unknown[] = Array.isArray(given) ? given.flat() : [given]
  if (credentials.length > CREDENTIALS_MAX)
    throw new Flaw('too-many', `verifiableCredential: more than ${CREDENTIALS_MAX} of them`)
  for (const [index, credential] of credentials.entries()) {
    const { problems: found } = await judge(credential, nested)
    for (const { name, detail } of found)
      problems.push({ name, detail: `verifiableCredential[${index}]: ${detail}` })
  }
}

async function judge(credential: unknown, nested: VerifyRequest['nested']): Promise<Verdict> {
  if (nested === undefined)
    return { problems: [{ name: 'not-verified', detail: 'Nothing here verifies it' }] }
  if (typeof credential === 'string' || isObject(credential)) return nested(credential)
  return { problems: [{ name: 'malformed', detail: 'Not a secured credential' }] }
}
