import type { Refusal, RefusalCode } from '../../refusal.ts'
import { BearerRefusal, type BearerProblem } from '../http/authenticate.ts'
import { challenge } from '../http/challenge.ts'
import type { Render, Rendered } from '../http/errors.ts'

export interface CscError {
  readonly status: number
  readonly error: string
  /** The standard's phrase; absent: the refusal's own message, which the endpoint worded. */
  readonly description?: string
}

/** TABLE of the CSC API's errors (v2.2, 10.1 and the tables of each method). */
const errors: Readonly<Record<RefusalCode, CscError>> = {
  invalid_request: { status: 400, error: 'invalid_request' },
  unauthenticated: { status: 401, error: 'invalid_token' },
  forbidden: { status: 403, error: 'access_denied' },
  not_found: { status: 404, error: 'invalid_request' },
  method_not_allowed: { status: 405, error: 'invalid_request' },
  conflict: { status: 400, error: 'invalid_request' },
  too_large: { status: 413, error: 'invalid_request' },
  not_acceptable: { status: 406, error: 'invalid_request' },
  unsupported_media_type: { status: 415, error: 'invalid_request' },
  // The standard asks for the status and has no code of its own for it.
  not_implemented: { status: 501, error: 'invalid_request' },
  throttled: { status: 429, error: 'temporarily_unavailable' },
  unavailable: { status: 503, error: 'temporarily_unavailable' },
  permit_unknown: { status: 400, error: 'invalid_request', description: 'Invalid parameter SAD' },
  permit_expired: { status: 400, error: 'invalid_request', description: 'SAD expired' },
  digest_not_authorised: {
    status: 400,
    error: 'invalid_request',
    description: 'Hash is not authorized by the SAD',
  },
  credential_unknown: {
    status: 400,
    error: 'invalid_request',
    description: 'Invalid parameter credentialID',
  },
  credential_disabled: {
    status: 400,
    error: 'invalid_request',
    description: 'The credential identified by credentialID is disabled',
  },
  credential_locked: { status: 400, error: 'invalid_request', description: 'Credential locked' },
  certificate_expired: {
    status: 400,
    error: 'invalid_request',
    description: 'Signing certificate is expired',
  },
  certificate_revoked: {
    status: 400,
    error: 'invalid_request',
    description: 'Signing certificate is revoked',
  },
  certificate_suspended: {
    status: 400,
    error: 'invalid_request',
    description: 'Signing certificate is suspended',
  },
  activation_failed: {
    status: 400,
    error: 'invalid_authentication_data',
    description: 'The authentication data is invalid',
  },
  handle_unknown: { status: 400, error: 'invalid_request', description: 'Invalid parameter handle' },
  pin_missing: { status: 400, error: 'invalid_request' },
  otp_failed: {
    status: 400,
    error: 'invalid_authentication_data',
    description: 'The authentication data is invalid',
  },
  otp_missing: { status: 400, error: 'invalid_request' },
  otp_invalid: { status: 400, error: 'invalid_request' },
  algorithm_not_allowed: { status: 400, error: 'invalid_request', description: 'Invalid parameter signAlgo' },
  pending: {
    status: 202,
    error: 'accepted_request',
    description: 'The previous async request has been accepted but not yet completed',
  },
  operation_failed: { status: 500, error: 'server_error', description: 'The request could not be completed' },
}

const BUG: Rendered = { status: 500, body: { error: 'server_error' } }

/** Refusals in the words of the CSC API. @param own what an edition says instead of the table */
export function renderingErrors(own: Readonly<Partial<Record<RefusalCode, CscError>>> = {}): Render {
  const table = { ...errors, ...own }
  return (refusal) => (refusal === undefined ? BUG : rendered(refusal, table[refusal.code]))
}

function rendered(refusal: Refusal, row: CscError): Rendered {
  const { status, error, description = refusal.message } = row
  if (!(refusal instanceof BearerRefusal) || status !== 401) {
    return { status, body: { error, error_description: description } }
  }
  const code = codes.get(refusal.problem) ?? error
  return {
    status,
    body: { error: code, error_description: description },
    headers: { 'WWW-Authenticate': challenge(refusal) },
  }
}

/** Of 401; RFC 9449, 7.1, for the second. */
const codes: ReadonlyMap<BearerProblem, string> = new Map([
  ['expired', 'expired_token'],
  ['unproven', 'invalid_dpop_proof'],
])
