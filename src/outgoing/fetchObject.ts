import { Flaw } from '../signing/flaw.ts'
import { parseObject, type JsonObject } from '../signing/strictJson.ts'
import { OutgoingError } from './errors.ts'
import type { Fetch, OutgoingPurpose } from './fetch.ts'

/**
 * Reads a JSON object from somebody else's server: of status 200, as long as its purpose allows, strictly.
 * @throws OutgoingError; 'not_found' for another status, 'not_json' for another body
 */
export async function fetchObject(
  fetch: Fetch,
  asked: { readonly purpose: OutgoingPurpose; readonly url: URL; readonly signal?: AbortSignal },
): Promise<JsonObject> {
  const { status, body } = await fetch({ ...asked, method: 'GET', headers: { accept: 'application/json' } })
  if (status !== 200) throw new OutgoingError('not_found')
  try {
    return parseObject(body, 'The answer')
  } catch (error) {
    if (error instanceof Flaw) throw new OutgoingError('not_json', error)
    throw error
  }
}
