import type { IncomingMessage } from 'node:http'
import { Refusal } from '../../refusal.ts'
import { readOctets } from '../http/body.ts'

const FORM_TYPE = /^application\/x-www-form-urlencoded *(?:; *charset="?utf-8"? *)?$/i

/** @param limit octets. @throws Refusal too_large, invalid_request */
export async function readForm(request: IncomingMessage, limit: number): Promise<URLSearchParams> {
  const octets = await readOctets(request, limit)
  if (octets.length > 0 && !FORM_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new Refusal('invalid_request', 'The request body must be application/x-www-form-urlencoded')
  }
  return new URLSearchParams(octets.toString('utf8'))
}
