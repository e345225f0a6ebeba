import { OID, digest } from './client.ts'

const MISSING = 'Missing (or invalid type)'
export const UNKNOWN_ID = 'f'.repeat(32)
export const HASH = digest('a document')

/** A change to a good request, and what the standard says to it. `undefined` leaves the member out. */
export type Row = readonly [
  name: string,
  change: Record<string, unknown>,
  description: string,
  error?: string,
]

export const commonRows: readonly Row[] = [
  ['lang of another type', { lang: 5 }, 'Invalid parameter lang'],
  ['clientData of another type', { clientData: {} }, 'Invalid parameter clientData'],
  ['an unknown member', { certificate: 'chain' }, 'Unknown parameter certificate'],
  ['an unknown member that every object inherits', { constructor: 1 }, 'Unknown parameter constructor'],
]

export const idRows: readonly Row[] = [
  ['no credentialID', { credentialID: undefined }, `${MISSING} string parameter credentialID`],
  ['a null credentialID', { credentialID: null }, `${MISSING} string parameter credentialID`],
  ['a credentialID that is a number', { credentialID: 7 }, `${MISSING} string parameter credentialID`],
  [
    'a credentialID that is a list',
    { credentialID: [UNKNOWN_ID] },
    `${MISSING} string parameter credentialID`,
  ],
  ['an empty credentialID', { credentialID: '' }, 'Invalid parameter credentialID'],
  ['an unknown credentialID', { credentialID: UNKNOWN_ID }, 'Invalid parameter credentialID'],
  ['a credentialID with a NUL', { credentialID: 'a\u0000b' }, 'Invalid parameter credentialID'],
  ['a credentialID of any length', { credentialID: 'x'.repeat(5000) }, 'Invalid parameter credentialID'],
  ['a credentialID with SQL in it', { credentialID: `' or '1'='1` }, 'Invalid parameter credentialID'],
]

export const shownRows: readonly Row[] = [
  ['certificates of another word', { certificates: 'all' }, 'Invalid parameter certificates'],
  ['certificates of another type', { certificates: true }, 'Invalid parameter certificates'],
  ['certInfo as a string', { certInfo: 'true' }, 'Invalid parameter certInfo'],
  ['authInfo as a number', { authInfo: 1 }, 'Invalid parameter authInfo'],
]

export const listRows: readonly Row[] = [
  ['a userID that is no id', { userID: 'kari' }, 'Invalid parameter userID'],
  ['a userID of another type', { userID: 5 }, 'Invalid parameter userID'],
  ['credentialInfo as a string', { credentialInfo: 'yes' }, 'Invalid parameter credentialInfo'],
  ['onlyValid as a string', { onlyValid: 'yes' }, 'Invalid parameter onlyValid'],
  ['maxResults of zero', { maxResults: 0 }, 'Invalid parameter maxResults'],
  ['maxResults of a half', { maxResults: 1.5 }, 'Invalid parameter maxResults'],
  ['a pageToken that was never given', { pageToken: '*' }, 'Invalid parameter pageToken'],
  ['a pageToken with a NUL', { pageToken: 'AAAA' }, 'Invalid parameter pageToken'],
  ...shownRows,
  ...commonRows,
]

const COUNT = 'numSignatures'
export const authorizeRows: readonly Row[] = [
  ...idRows,
  ['no numSignatures', { [COUNT]: undefined }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures as a string', { [COUNT]: '1' }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures of a half', { [COUNT]: 1.5 }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures of zero', { [COUNT]: 0 }, 'Invalid value for parameter numSignatures'],
  ['numSignatures below zero', { [COUNT]: -1 }, 'Invalid value for parameter numSignatures'],
  [
    'numSignatures below the number of hashes',
    { hashes: [HASH, HASH] },
    'Invalid value for parameter numSignatures',
  ],
  ['numSignatures above multisign', { [COUNT]: 11 }, 'Numbers of signatures is too high'],
  ['numSignatures above what the service allows', { [COUNT]: 1001 }, 'Numbers of signatures is too high'],
  ['numSignatures beyond integers', { [COUNT]: 1e300 }, `${MISSING} integer parameter numSignatures`],
  ['no hashes under SCAL 2', { hashes: undefined }, `${MISSING} array parameter hash`],
  ['hashes as a string', { hashes: HASH }, `${MISSING} array parameter hash`],
  ['no hash in hashes', { hashes: [] }, 'Empty hash array'],
  ['a hash that is no base64', { hashes: ['*'] }, 'Invalid Base64 hash string parameter'],
  ['a hash that is no string', { hashes: [5] }, 'Invalid Base64 hash string parameter'],
  ['a hash with a line break', { hashes: [`${HASH}\n`] }, 'Invalid Base64 hash string parameter'],
  ['a hash of another length', { hashes: [digest('x', 'sha384')] }, 'Invalid digest value length'],
  ['a hash of no length', { hashes: [''] }, 'Invalid digest value length'],
  ['no hashAlgorithmOID', { hashAlgorithmOID: undefined }, `${MISSING} string parameter hashAlgorithmOID`],
  ['hashAlgorithmOID as a number', { hashAlgorithmOID: 5 }, `${MISSING} string parameter hashAlgorithmOID`],
  ['SHA-1', { hashAlgorithmOID: '1.3.14.3.2.26' }, 'Invalid parameter hashAlgorithmOID'],
  [
    'SHA3-256, which no key here is used with',
    { hashAlgorithmOID: '2.16.840.1.101.3.4.2.8' },
    'Invalid parameter hashAlgorithmOID',
  ],
  ['hash and hashes that differ', { hash: [digest('other')] }, 'Parameter hashes is given twice'],
  ['no authData', { authData: undefined }, `${MISSING} array parameter authData`],
  ['authData as an object', { authData: { id: 'PIN', value: 'x' } }, 'Invalid parameter authData'],
  ['no object in authData', { authData: [] }, 'Invalid parameter authData'],
  ['an object of another id', { authData: [{ id: 'pin', value: 'x' }] }, 'Invalid parameter authData'],
  ['an object without PIN', { authData: [{ id: 'OTP', value: '123456' }] }, 'Invalid parameter authData'],
  ['an object without a value', { authData: [{ id: 'PIN' }] }, 'Invalid parameter authData'],
  ['an empty PIN', { authData: [{ id: 'PIN', value: '' }] }, 'Invalid parameter authData'],
  ['an endless PIN', { authData: [{ id: 'PIN', value: 'x'.repeat(300) }] }, 'Invalid parameter authData'],
  ['an unknown member in authData', { authData: [{ id: 'PIN', value: 'x', x: 1 }] }, 'Unknown parameter x'],
  ['two PINs', { PIN: '1' }, 'Parameter authData is given twice'],
  ['an OTP of one digit', { OTP: '1' }, 'Invalid parameter OTP'],
  ['an OTP beside authData', { OTP: '123456' }, 'Parameter authData is given twice'],
  ['a description of 501 characters', { description: 'x'.repeat(501) }, 'Invalid parameter description'],
  [
    'a wrong PIN',
    { authData: [{ id: 'PIN', value: 'not the PIN' }] },
    'The authentication data is invalid',
    'invalid_authentication_data',
  ],
  ...commonRows,
]

/** Of the methods that take a SAD. */
const sadRows: readonly Row[] = [
  ['no SAD', { SAD: undefined }, `${MISSING} string parameter SAD`],
  ['a SAD that is a number', { SAD: 5 }, `${MISSING} string parameter SAD`],
  ['an empty SAD', { SAD: '' }, 'Invalid parameter SAD'],
  ['an unknown SAD', { SAD: 'A'.repeat(43) }, 'Invalid parameter SAD'],
  ['no hashes', { hashes: undefined }, `${MISSING} array parameter hash`],
  ['null hashes', { hashes: null }, `${MISSING} array parameter hash`],
  ['hashes as a string', { hashes: HASH }, `${MISSING} array parameter hash`],
  ['no hash in hashes', { hashes: [] }, 'Empty hash array'],
  ['a hash that is no base64', { hashes: [HASH, 'a b'] }, 'Invalid Base64 hash string parameter'],
  ['a hash that is no string', { hashes: [{}] }, 'Invalid Base64 hash string parameter'],
  ['a hash too short', { hashes: ['AAAA'] }, 'Invalid digest value length'],
  ['a hash of no length', { hashes: [''] }, 'Invalid digest value length'],
  ['a hash too long', { hashes: [digest('x', 'sha512')] }, 'Invalid digest value length'],
  ['a hash that the SAD is not for', { hashes: [digest('another')] }, 'Hash is not authorized by the SAD'],
  [
    'more hashes than the service allows',
    { hashes: Array.from({ length: 1001 }, () => HASH) },
    'Numbers of signatures is too high',
  ],
  ['hashAlgorithmOID as a number', { hashAlgorithmOID: 5 }, `${MISSING} string parameter hashAlgorithmOID`],
  ['hash and hashes that differ', { hash: [digest('other')] }, 'Parameter hashes is given twice'],
]

/** Under SCAL 2. */
export const extendRows: readonly Row[] = [
  ...idRows,
  ...sadRows,
  ['a hash more often than approved', { hashes: [HASH, HASH] }, 'Hash is not authorized by the SAD'],
  [
    'the hash of another algorithm',
    { hashes: [digest('x', 'sha384')], hashAlgorithmOID: OID.sha384 },
    'Hash is not authorized by the SAD',
  ],
  ['no hashAlgorithmOID', { hashAlgorithmOID: undefined }, `${MISSING} string parameter hashAlgorithmOID`],
  ['SHA-1', { hashAlgorithmOID: '1.3.14.3.2.26' }, 'Invalid parameter hashAlgorithmOID'],
  ...commonRows,
]

const PERIOD = 'validity_period'
const URI = 'response_uri'
/** The service keeps results for a day at most. */
const asynchronousRows: readonly Row[] = (
  [
    ['validity_period as a string', { [PERIOD]: '60000' }, 'Invalid parameter validity_period'],
    ['validity_period of a half', { [PERIOD]: 60_000.5 }, 'Invalid parameter validity_period'],
    ['validity_period beyond integers', { [PERIOD]: 1e300 }, 'Invalid parameter validity_period'],
    ['a validity_period of nothing', { [PERIOD]: 0 }, 'Out of bounds parameter validity_period'],
    ['a validity_period in the past', { [PERIOD]: -60_000 }, 'Out of bounds parameter validity_period'],
    ['too short a validity_period', { [PERIOD]: 9_999 }, 'Out of bounds parameter validity_period'],
    ['too long a validity_period', { [PERIOD]: 86_400_001 }, 'Out of bounds parameter validity_period'],
    ['response_uri as a list', { [URI]: ['https://x.example/'] }, 'Invalid parameter response_uri'],
    ['response_uri that is no URI', { [URI]: 'x' }, 'Invalid parameter response_uri'],
    ['response_uri without TLS', { [URI]: 'http://x.example/' }, 'Invalid parameter response_uri'],
    [
      'a response_uri that the client has not registered',
      { [URI]: 'https://x.example/' },
      'Invalid parameter response_uri',
    ],
  ] as const
).map(([name, change, description]): Row => [name, { operationMode: 'A', ...change }, description])

export const signRows: readonly Row[] = [
  ...idRows,
  ...sadRows,
  ['no signAlgo', { signAlgo: undefined }, `${MISSING} string parameter signAlgo`],
  ['signAlgo as a number', { signAlgo: 5 }, `${MISSING} string parameter signAlgo`],
  ['an unknown signAlgo', { signAlgo: '1.2.3' }, 'Invalid parameter signAlgo'],
  ['ECDSA with SHA-1', { signAlgo: '1.2.840.10045.4.1' }, 'Invalid parameter signAlgo'],
  ["another key's signAlgo", { signAlgo: OID.rsa256 }, 'Invalid parameter signAlgo'],
  ['the bare RSA OID without a hash', { signAlgo: OID.rsa }, `${MISSING} string parameter hashAlgorithmOID`],
  ['an unknown hashAlgorithmOID', { hashAlgorithmOID: '1.2.3' }, 'Invalid parameter hashAlgorithmOID'],
  [
    'a hash that signAlgo contradicts',
    { hashAlgorithmOID: OID.sha384 },
    'String parameter hashAlgorithmOID contradicts with signAlgo parameter',
  ],
  ['PSS without parameters', { signAlgo: OID.pss }, `${MISSING} string parameter signAlgoParams`],
  [
    'PSS with its defaults, which are SHA-1',
    { signAlgo: OID.pss, signAlgoParams: 'MAA=' },
    'Invalid parameter signAlgoParams',
  ],
  ['signAlgoParams as an object', { signAlgoParams: {} }, `${MISSING} string parameter signAlgoParams`],
  ['parameters where there are none', { signAlgoParams: 'BQA=' }, 'Invalid parameter signAlgoParams'],
  ['operationMode of another word', { operationMode: 'B' }, 'Invalid parameter operationMode'],
  ['operationMode of another case', { operationMode: 'a' }, 'Invalid parameter operationMode'],
  ['operationMode of another type', { operationMode: 1 }, 'Invalid parameter operationMode'],
  [
    'a validity_period, which is for asynchronous operation',
    { validity_period: 1000 },
    'Invalid parameter validity_period',
  ],
  [
    'a response_uri, which is for asynchronous operation',
    { response_uri: 'https://x.example' },
    'Invalid parameter response_uri',
  ],
  ...asynchronousRows,
  [
    'hashAlgo and hashAlgorithmOID that differ',
    { hashAlgo: OID.sha384, hashAlgorithmOID: OID.sha256 },
    'Parameter hashAlgorithmOID is given twice',
  ],
  [
    'a key named for its hash, without the hash',
    { signAlgo: OID.ecPublicKey },
    `${MISSING} string parameter hashAlgorithmOID`,
  ],
  [
    'a word for a key, and a hash of other digests',
    { signAlgo: 'ECDSA', hashAlgorithmOID: OID.sha384 },
    'Invalid digest value length',
  ],
  ...commonRows,
]
