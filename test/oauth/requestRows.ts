import { OID, digest } from '../csc/client.ts'

const MISSING = 'Missing (or invalid type)'
export const HASH = digest('a document')
export const url = Buffer.from(HASH, 'base64').toString('base64url')
type Change = Record<string, string | undefined>

/** A change to a good request, and what is said to it. `undefined` leaves the parameter out. */
type Row = readonly [name: string, change: Change, description: string, error?: string]

export const rows: readonly Row[] = [
  ['no response_type', { response_type: undefined }, 'Missing parameter response_type'],
  ['an empty response_type', { response_type: '' }, 'Missing parameter response_type'],
  [
    'response_type token',
    { response_type: 'token' },
    'Invalid parameter response_type',
    'unsupported_response_type',
  ],
  ['response_mode fragment', { response_mode: 'fragment' }, 'Invalid parameter response_mode'],
  ['a request object', { request: 'e30.e30.' }, 'Invalid parameter request', 'request_not_supported'],
  ['no code_challenge', { code_challenge: undefined }, 'Missing parameter code_challenge'],
  ['a code_challenge that is no SHA-256', { code_challenge: 'abc' }, 'Invalid parameter code_challenge'],
  [
    'no code_challenge_method',
    { code_challenge_method: undefined },
    'Invalid parameter code_challenge_method',
  ],
  [
    'code_challenge_method plain',
    { code_challenge_method: 'plain' },
    'Invalid parameter code_challenge_method',
  ],
  ['another scope', { scope: 'openid' }, 'Invalid parameter scope', 'invalid_scope'],
  [
    'scope credential-creation, which nobody let it ask for',
    { scope: 'credential-creation' },
    'The client may not create credentials',
    'unauthorized_client',
  ],
  [
    'scope credential-creation in other letters',
    { scope: 'credential_creation' },
    'Invalid parameter scope',
    'invalid_scope',
  ],
  ['two scopes', { scope: 'service credential' }, 'Invalid parameter scope', 'invalid_scope'],
  ['an endless state', { state: 'x'.repeat(2049) }, 'Invalid parameter state'],
  ['an endless description', { description: 'x'.repeat(501) }, 'Invalid parameter description'],
  ['endless clientData', { clientData: 'x'.repeat(2049) }, 'Invalid parameter clientData'],
  ['an account_token of nothing', { account_token: 'e30.e30.x' }, 'Invalid parameter account_token'],
  ['no credentialID', { credentialID: undefined }, `${MISSING} string parameter credentialID`],
  ['an unknown credentialID', { credentialID: 'f'.repeat(32) }, 'Invalid parameter credentialID'],
  ['a credentialID with SQL in it', { credentialID: `' or '1'='1` }, 'Invalid parameter credentialID'],
  [
    'a signatureQualifier',
    { credentialID: undefined, signatureQualifier: 'eu_eidas_qes' },
    'Invalid parameter signatureQualifier',
  ],
  ['numSignatures in words', { numSignatures: 'two' }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures of zero', { numSignatures: '0' }, 'Invalid value for parameter numSignatures'],
  [
    'fewer numSignatures than hashes',
    { hashes: `${url},${url}` },
    'Invalid value for parameter numSignatures',
  ],
  ['numSignatures above multisign', { numSignatures: '11' }, 'Numbers of signatures is too high'],
  [
    'numSignatures above what the service allows',
    { numSignatures: '1001' },
    'Numbers of signatures is too high',
  ],
  ['no hashes under SCAL 2', { hashes: undefined }, `${MISSING} string parameter hashes`],
  [
    'neither hashes nor their number',
    { hashes: undefined, numSignatures: undefined },
    `${MISSING} integer parameter numSignatures`,
  ],
  ['a hash that is no base64', { hashes: `${url.slice(0, -1)}*` }, 'Invalid Base64 hash string parameter'],
  ['a hash of no length', { hashes: `${url},`, numSignatures: '2' }, 'Invalid Base64 hash string parameter'],
  ['a hash of another length', { hashes: 'AAAA' }, 'Invalid digest value length'],
  ['no hashAlgorithmOID', { hashAlgorithmOID: undefined }, `${MISSING} string parameter hashAlgorithmOID`],
  ['SHA-1', { hashAlgorithmOID: '1.3.14.3.2.26' }, 'Invalid parameter hashAlgorithmOID'],
]

export const good = {
  type: 'credential',
  numSignatures: 1,
  documentDigests: [{ hash: HASH }],
  hashAlgorithmOID: OID.sha256,
}
type Detail = Record<string, unknown>
export const detailRows: readonly (readonly [string, Detail | string, string, string?])[] = [
  ['authorization_details that are no JSON', '[', 'Invalid parameter authorization_details'],
  ['authorization_details without a member', '[]', 'Invalid parameter authorization_details'],
  ['another type', { type: 'payment' }, 'Invalid parameter type'],
  [
    'the type that creates credentials, which nobody let it ask for',
    { type: 'https://cloudsignatureconsortium.org/2025/credential-creation' },
    'The client may not create credentials',
    'unauthorized_client',
  ],
  [
    'members of the type that signs, in the one that deletes',
    { type: 'https://cloudsignatureconsortium.org/2025/credential-deletion' },
    'Unknown parameter numSignatures',
  ],
  ['no numSignatures', { numSignatures: undefined }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures as a text', { numSignatures: '1' }, `${MISSING} integer parameter numSignatures`],
  ['no credentialID', { credentialID: undefined }, `${MISSING} string parameter credentialID`],
  ['an unknown member', { constructor: 1 }, 'Unknown parameter constructor'],
  ['an unknown member of a document', { documentDigests: [{ hash: HASH, x: 1 }] }, 'Unknown parameter x'],
  [
    'hashes of documents',
    { documentDigests: [{ hash: HASH, hashType: 'SODR' }] },
    'Invalid parameter hashType',
  ],
  ['no document in documentDigests', { documentDigests: [] }, 'Empty hash array'],
  [
    'an endless label',
    { documentDigests: [{ hash: HASH, label: 'x'.repeat(256) }] },
    'Invalid parameter label',
  ],
  ['a NUL in a label', { documentDigests: [{ hash: HASH, label: 'a\0b' }] }, 'Invalid parameter label'],
  [
    'half a character in a label',
    { documentDigests: [{ hash: HASH, label: '\ud800' }] },
    'Invalid parameter label',
  ],
  [
    'a label that turns around',
    { documentDigests: [{ hash: HASH, label: 'a\u202efdp' }] },
    'Invalid parameter label',
  ],
  [
    'a hash that is no base64',
    { documentDigests: [{ hash: '*' }] },
    'Invalid Base64 hash string parameter',
    'invalid_request',
  ],
  [
    'a credential of nobody',
    { credentialID: 'f'.repeat(32) },
    'Invalid parameter credentialID',
    'invalid_request',
  ],
]
