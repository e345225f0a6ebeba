import type { Refusal, RefusalCode } from '../../refusal.ts'
import { BearerRefusal } from './authenticate.ts'
import { challenge } from './challenge.ts'
import type { Render, Rendered } from './errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

interface Row {
  readonly status: number
  /** For programs; absent: the refusal's own. */
  readonly code?: string
  /** Absent: the refusal's message. */
  readonly detail?: string
}

/**
 * TABLE of what this face says to each refusal (RFC 9457). Wrong secrets are 403 and not 401: on 401 clients get themselves
 * another access token and ask again, and that counts as an attempt. A code that is not here is a bug: 500.
 */
const rows: Readonly<Partial<Record<RefusalCode, Row>>> = {
  invalid_request: { status: 400 },
  unauthenticated: { status: 401 },
  forbidden: { status: 403 },
  activation_failed: { status: 403, code: 'wrong_secrets' },
  permit_unknown: { status: 403, code: 'activation_unknown', detail: 'The activation is unknown.' },
  permit_expired: { status: 403, code: 'activation_expired', detail: 'The activation has expired.' },
  digest_not_authorised: { status: 403, code: 'activation_used_up', detail: 'The activation is used up.' },
  credential_locked: { status: 403, code: 'key_locked' },
  not_found: { status: 404 },
  method_not_allowed: { status: 405 },
  not_acceptable: { status: 406 },
  conflict: { status: 409 },
  credential_disabled: { status: 409, code: 'key_not_enabled' },
  too_large: { status: 413 },
  unsupported_media_type: { status: 415 },
  throttled: { status: 429 },
  not_implemented: { status: 501 },
  unavailable: { status: 503 },
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}

const BUG: Rendered = {
  status: 500,
  body: { type: 'about:blank', title: 'Internal Server Error', status: 500, code: 'internal' },
}

/** One shape for every refusal, whatever was asked for. */
export const problem: Render = (refusal) => {
  if (refusal === undefined) return BUG
  const row = rows[refusal.code]
  return row === undefined ? BUG : rendered(refusal, row)
}

function rendered(refusal: Refusal, row: Row): Rendered {
  const { status, code = refusal.code, detail = refusal.message } = row
  const body = { type: 'about:blank', title: titles[status], status, code, detail }
  if (!(refusal instanceof BearerRefusal) || status !== 401) return { status, body }
  return { status, body, headers: { 'WWW-Authenticate': challenge(refusal) } }
}
