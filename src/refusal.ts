/**
 * A deliberate no. Anything else that is thrown is a bug: the face answers it bare with 500 and logs it whole.
 * The code is neutral; each face decides the HTTP status and its protocol's own words.
 */
export type RefusalCode =
  | 'invalid_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'too_large'
  // Of media types: none that the caller takes can be given; the one that came is not read.
  | 'not_acceptable'
  | 'unsupported_media_type'
  | 'not_implemented'
  | 'throttled'
  | 'unavailable'
  // Signing: what a permit, a credential or its holder's secret says no to.
  | 'permit_unknown'
  | 'permit_expired'
  | 'digest_not_authorised'
  | 'credential_unknown'
  | 'credential_disabled'
  | 'credential_locked'
  | 'certificate_expired'
  | 'certificate_revoked'
  | 'certificate_suspended'
  | 'activation_failed'
  // What a handle of an approval out of band says no to.
  | 'handle_unknown'
  | 'pin_missing'
  // A one-time password: wrong or used; wanted and not there; not wanted, or none at all.
  | 'otp_failed'
  | 'otp_missing'
  | 'otp_invalid'
  | 'algorithm_not_allowed'
  // Of an asynchronous request: not yet; and never, where the reason is none of the caller's.
  | 'pending'
  | 'operation_failed'

export interface RefusalDetail {
  /** Seconds after which trying again makes sense: Retry-After. */
  readonly retryAfter?: number
  /** For the log only; never leaves the service. */
  readonly detail?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

export class Refusal extends Error {
  readonly code: RefusalCode
  readonly retryAfter: number | undefined
  readonly detail: Readonly<Record<string, unknown>> | undefined

  /** @param message public: it reaches the caller as it stands. */
  constructor(code: RefusalCode, message: string, more: RefusalDetail = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'Refusal'
    this.code = code
    this.retryAfter = more.retryAfter
    this.detail = more.detail
  }
}

/** Seconds that callers wait when the token or Postgres is away: both heal themselves within about that. */
const RETRY_AFTER_S = 2

/** Nothing was signed, nothing is lost, and trying again makes sense. */
export function unavailable(message: string, cause?: unknown): Refusal {
  return new Refusal('unavailable', message, { retryAfter: RETRY_AFTER_S, cause })
}
