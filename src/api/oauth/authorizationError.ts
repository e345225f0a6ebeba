/** The codes of RFC 6749, 4.1.2.1, RFC 9396, 5 and OpenID Connect Core, 3.1.2.6. */
export type AuthorizationErrorCode =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'invalid_authorization_details'
  | 'request_not_supported'
  | 'temporarily_unavailable'

/** A refusal that the client is told at its redirect_uri, or at once where it pushed its request. */
export class AuthorizationError extends Error {
  readonly code: AuthorizationErrorCode

  constructor(code: AuthorizationErrorCode, description: string) {
    super(description)
    this.name = 'AuthorizationError'
    this.code = code
  }
}

export function invalidRequest(description: string): AuthorizationError {
  return new AuthorizationError('invalid_request', description)
}
