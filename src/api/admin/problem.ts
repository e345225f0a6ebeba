import type { RefusalCode } from '../../refusal.ts'
import type { Render } from '../http/errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** What the admin face says to each refusal (RFC 9457). A code that is not here is a bug: 500. */
const statuses: Readonly<Partial<Record<RefusalCode, readonly [number, string]>>> = {
  invalid_request: [400, 'Bad Request'],
  unauthenticated: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  not_found: [404, 'Not Found'],
  conflict: [409, 'Conflict'],
  too_large: [413, 'Content Too Large'],
  unavailable: [503, 'Service Unavailable'],
}

export const problem: Render = (refusal) => {
  const known = refusal && statuses[refusal.code]
  if (refusal === undefined || known === undefined) {
    return { status: 500, body: { type: 'about:blank', title: 'Internal Server Error', status: 500 } }
  }
  const [status, title] = known
  return {
    status,
    body: { type: 'about:blank', title, status, detail: refusal.message },
    ...(status === 401 ? { headers: { 'WWW-Authenticate': 'Bearer' } } : {}),
  }
}
