import type { IncomingMessage } from 'node:http'
import { Refusal } from '../../refusal.ts'
import { Flaw } from '../../signing/flaw.ts'
import { checkMembers, checkNumbers } from '../../signing/strictJson.ts'

export const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The members of a request's JSON object; no body at all is an object without members. `__proto__` comes out as an own
 * member like any other, for the schema to refuse.
 * @param limit octets
 * @throws Refusal too_large, invalid_request
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<Record<string, unknown>> {
  return objectIn(request, await readOctets(request, limit))
}

/**
 * The same of a body that holds what is signed, or was: whoever else reads it must not read another thing in it. No name
 * stands twice in an object, and numbers are those that a double holds.
 * @throws Refusal too_large, invalid_request
 */
export async function readStrictJson(
  request: IncomingMessage,
  limit: number,
): Promise<Record<string, unknown>> {
  const octets = await readOctets(request, limit)
  const members = objectIn(request, octets)
  const text = octets.toString()
  try {
    checkMembers(text, 'The request body')
    checkNumbers(text, 'The request body')
  } catch (error) {
    throw error instanceof Flaw ? new Refusal('invalid_request', error.message) : error
  }
  return members
}

/** @throws Refusal invalid_request */
function objectIn(request: IncomingMessage, octets: Buffer): Record<string, unknown> {
  if (octets.length === 0) return {}
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new Refusal('invalid_request', 'The request body must be application/json')
  }
  const value = parsed(octets)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('invalid_request', 'The request body must be a JSON object')
  }
  return value as Record<string, unknown>
}

function parsed(octets: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(octets))
  } catch {
    throw new Refusal('invalid_request', 'The request body is not valid JSON')
  }
}

/** A request's body as it came. @throws Refusal too_large, invalid_request */
export async function readOctets(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new Refusal('invalid_request', 'The request body must not be compressed')
  }
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let length = 0
    request.on('data', (part: Buffer) => {
      length += part.length
      // What is over the limit is read and dropped, so that the answer arrives; the server's timeout bounds it.
      if (length > limit) reject(new Refusal('too_large', 'The request body is too large'))
      else parts.push(part)
    })
    request.on('end', () => resolve(Buffer.concat(parts)))
    const broken = (): void => {
      // 'close' comes after every body; a refusal, with its stack, is made for those that did not end.
      if (!request.complete) reject(new Refusal('invalid_request', 'The request body did not arrive whole'))
    }
    request.on('error', broken)
    request.on('close', broken)
  })
}
