/** Why a request to somebody else's server came to nothing. Never in that server's words. */
export type OutgoingReason =
  | 'not_https'
  | 'host_not_allowed'
  | 'not_resolved'
  | 'address_not_allowed'
  | 'connect_timeout'
  | 'connection_failed'
  | 'tls_failed'
  | 'headers_timeout'
  | 'timeout'
  | 'redirected'
  | 'too_large'
  | 'not_found'
  | 'not_json'
  | 'aborted'

/** Codes by which Node and OpenSSL say that the other side's certificate, or its TLS, is not good. */
const OF_TLS =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_|INVALID_CA|ERROR_IN_)/

export class OutgoingError extends Error {
  readonly reason: OutgoingReason

  constructor(reason: OutgoingReason, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'OutgoingError'
    this.reason = reason
  }

  /** What a socket's error means here. */
  static of(error: unknown): OutgoingError {
    if (error instanceof OutgoingError) return error
    const code = (error as { code?: unknown } | undefined)?.code
    const isTls = typeof code === 'string' && OF_TLS.test(code)
    return new OutgoingError(isTls ? 'tls_failed' : 'connection_failed', error)
  }
}
