import type { Rendered } from '../http/errors.ts'

/** For the API's document: what the endpoints of the authorisation server answer in JSON. */
const refused = (error: string, ...phrases: readonly string[]): Rendered[] =>
  phrases.map((error_description) => ({
    status: error === 'invalid_client' ? 401 : 400,
    body: { error, error_description },
  }))
const MISSING = 'Missing (or invalid type)'

/** Who is not let in, and what is always wrong. */
export const refusedClient: readonly Rendered[] = [
  ...refused('invalid_request', 'Missing parameter client_id', 'client_id mismatch'),
  ...refused('invalid_client', 'client authentication failed'),
  { status: 413, body: { error: 'invalid_request', error_description: 'The request body is too large' } },
  { status: 500, body: { error: 'server_error' } },
  {
    status: 503,
    body: {
      error: 'temporarily_unavailable',
      error_description: 'The service cannot record anything at the moment',
    },
  },
]

export const refusedToken: readonly Rendered[] = [
  ...refused(
    'invalid_request',
    'Missing parameter grant_type',
    'Missing parameter code',
    'Missing parameter code_verifier',
    'Invalid parameter code_verifier',
    'Missing parameter refresh_token',
    'requested grant type is not allowed for this client',
  ),
  ...refused('unsupported_grant_type', 'unsupported grant_type requested'),
  ...refused('invalid_scope', 'Invalid parameter scope', 'the only scope is "service"'),
  ...refused(
    'invalid_grant',
    'Invalid parameter code',
    'Authorization code is invalid or expired',
    'redirect_uri parameter does not match',
    'Invalid parameter code_verifier',
    'Invalid parameter refresh_token',
    'Refresh token expired',
  ),
]

/** A request whose client, or whose way back, is not known. */
export const refusedCode: readonly Rendered[] = [
  ...refused(
    'invalid_request',
    'Missing parameter client_id',
    'Invalid parameter client_id',
    'Missing parameter redirect_uri',
    'Invalid parameter redirect_uri',
    'Invalid parameter request_uri',
    'Parameter … is given twice',
    'Parameter … is not what was pushed',
  ),
]

/** What is said to a pushed request, and at the redirect_uri to one that the browser brought. */
export const refusedRequest: readonly Rendered[] = [
  ...refused(
    'invalid_request',
    'Missing parameter response_type',
    'Invalid parameter response_mode',
    'Missing parameter code_challenge',
    'Invalid parameter code_challenge',
    'Invalid parameter code_challenge_method',
    'Invalid parameter state',
    'Invalid parameter description',
    'Invalid parameter clientData',
    'Invalid parameter lang',
    'Invalid parameter account_token',
    `${MISSING} string parameter credentialID`,
    'Invalid parameter credentialID',
    'Invalid parameter signatureQualifier',
    `${MISSING} integer parameter numSignatures`,
    'Invalid value for parameter numSignatures',
    'Numbers of signatures is too high',
    `${MISSING} string parameter hashes`,
    'Invalid Base64 hash string parameter',
    'Invalid digest value length',
    `${MISSING} string parameter hashAlgorithmOID`,
    'Invalid parameter hashAlgorithmOID',
    'The credential identified by credentialID is disabled',
    'Signing certificate is expired',
    'Signing certificate is revoked',
  ),
  ...refused('unauthorized_client', 'The client may not create credentials'),
  ...refused('unsupported_response_type', 'Invalid parameter response_type'),
  ...refused('request_not_supported', 'Invalid parameter request'),
  ...refused('invalid_scope', 'Invalid parameter scope'),
  ...refused(
    'invalid_authorization_details',
    'Invalid parameter authorization_details',
    'Invalid parameter type',
    `${MISSING} integer parameter numSignatures`,
    `${MISSING} string parameter credentialID`,
    'Invalid parameter documentDigests',
    `${MISSING} object parameter credentialCreationRequest`,
    'Invalid parameter certificatePolicy',
    'Invalid parameter subjectData',
    'Invalid parameter acr_values',
    'Empty hash array',
    'Invalid parameter hashType',
    'Invalid parameter label',
    'Unknown parameter …',
  ),
]

export const refusedRevocation: readonly Rendered[] = refused(
  'invalid_request',
  `${MISSING} string parameter token`,
  'Invalid string parameter token_type_hint',
)
