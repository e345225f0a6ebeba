import { OID, digest } from './client.ts'
import { HASH, UNKNOWN_ID, commonRows, shownRows, type Row } from './rows.ts'

/** What version 1 calls otherwise, or does not have: a change to a good request of it, and what it says. */
const MISSING = 'Missing (or invalid type)'

/** One for each phrase: the rest is the core's, and the rows of version 2 ask for it. */
const idRows1: readonly Row[] = [
  ['no credentialID', { credentialID: undefined }, `${MISSING} string parameter credentialID`],
  ['an unknown credentialID', { credentialID: UNKNOWN_ID }, 'Invalid parameter credentialID'],
]

export const listRows1: readonly Row[] = [
  ['a userID that is no id', { userID: 'kari' }, 'Invalid parameter userID'],
  ['a userID of another type', { userID: 5 }, 'Invalid parameter userID'],
  ['maxResults of zero', { maxResults: 0 }, 'Invalid parameter maxResults'],
  ['maxResults as a string', { maxResults: '5' }, 'Invalid parameter maxResults'],
  ['a pageToken that was never given', { pageToken: '*' }, 'Invalid parameter pageToken'],
  ['a pageToken of another type', { pageToken: 1 }, 'Invalid parameter pageToken'],
  ['credentialInfo, which is of version 2', { credentialInfo: true }, 'Unknown parameter credentialInfo'],
  ['onlyValid, which is of version 2', { onlyValid: true }, 'Unknown parameter onlyValid'],
  ['certificates, which is of version 2', { certificates: 'chain' }, 'Unknown parameter certificates'],
  ...commonRows,
]

export const infoRows1: readonly Row[] = [...idRows1, ...shownRows]

export const authorizeRows1: readonly Row[] = [
  ...idRows1,
  ['no numSignatures', { numSignatures: undefined }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures as a string', { numSignatures: '1' }, `${MISSING} integer parameter numSignatures`],
  ['numSignatures of zero', { numSignatures: 0 }, 'Invalid value for parameter numSignatures'],
  ['fewer signatures than hashes', { hash: [HASH, HASH] }, 'Invalid value for parameter numSignatures'],
  ['numSignatures above multisign', { numSignatures: 11 }, 'Numbers of signatures is too high'],
  ['numSignatures above what is allowed', { numSignatures: 1001 }, 'Numbers of signatures is too high'],
  ['no hash under SCAL 2', { hash: undefined }, `${MISSING} array parameter hash`],
  ['hash as a string', { hash: HASH }, `${MISSING} array parameter hash`],
  ['an empty hash', { hash: [] }, 'Empty hash array'],
  ['a hash that is no base64', { hash: ['*'] }, 'Invalid Base64 hash string parameter'],
  ['a hash that is no string', { hash: [5] }, 'Invalid Base64 hash string parameter'],
  ['a hash of a length that no hash has', { hash: ['AAAA'] }, 'Invalid digest value length'],
  [
    'hashes of two lengths',
    { hash: [HASH, digest('x', 'sha384')], numSignatures: 2 },
    'Invalid digest value length',
  ],
  ['a hash of another length than hashAlgo', { hashAlgo: OID.sha384 }, 'Invalid digest value length'],
  ['an unknown hashAlgo', { hashAlgo: '1.2.3' }, 'Invalid parameter hashAlgo'],
  ['no PIN', { PIN: undefined }, `${MISSING} string parameter PIN`],
  ['a PIN that is a number', { PIN: 1234 }, 'Invalid parameter PIN'],
  ['an empty PIN', { PIN: '' }, 'Invalid parameter PIN'],
  ['an endless PIN', { PIN: 'x'.repeat(300) }, 'Invalid parameter PIN'],
  ['an OTP that nobody asked for', { OTP: '123456' }, 'Invalid parameter OTP'],
  ['an OTP that is a number', { OTP: 123456 }, 'Invalid parameter OTP'],
  ['a wrong PIN', { PIN: 'not the PIN' }, 'The PIN is invalid', 'invalid_pin'],
  ['a description of 501 characters', { description: 'x'.repeat(501) }, 'Invalid parameter description'],
  ['hashes, which is of version 2', { hashes: [HASH] }, 'Unknown parameter hashes'],
  ['authData, which is of version 2', { authData: [] }, 'Unknown parameter authData'],
  [
    'hashAlgorithmOID, which is of version 2',
    { hashAlgorithmOID: OID.sha256 },
    'Unknown parameter hashAlgorithmOID',
  ],
]

/** Of the methods that take a SAD. */
const sadRows1: readonly Row[] = [
  ['no SAD', { SAD: undefined }, `${MISSING} string parameter SAD`],
  ['a SAD that is a number', { SAD: 5 }, `${MISSING} string parameter SAD`],
  ['an unknown SAD', { SAD: 'A'.repeat(43) }, 'Invalid parameter SAD'],
  ['no hash', { hash: undefined }, `${MISSING} array parameter hash`],
  ['hash as a string', { hash: HASH }, `${MISSING} array parameter hash`],
  ['an empty hash', { hash: [] }, 'Empty hash array'],
  ['a hash that is no base64', { hash: [HASH, 'a b'] }, 'Invalid Base64 hash string parameter'],
  ['a hash of a length that no hash has', { hash: ['AAAA'] }, 'Invalid digest value length'],
  ['a hash that the SAD is not for', { hash: [digest('another')] }, 'Hash is not authorized by the SAD'],
  [
    'more hashes than the service allows',
    { hash: Array.from({ length: 1001 }, () => HASH) },
    'Numbers of signatures is too high',
  ],
  ['an unknown hashAlgo', { hashAlgo: '1.2.3' }, 'Invalid parameter hashAlgo'],
  ['hashes, which is of version 2', { hashes: [HASH] }, 'Unknown parameter hashes'],
]

export const extendRows1: readonly Row[] = [
  ...idRows1,
  ...sadRows1,
  ['a hash of another length than hashAlgo', { hashAlgo: OID.sha384 }, 'Invalid digest value length'],
  [
    'hashAlgorithmOID, which is of version 2',
    { hashAlgorithmOID: OID.sha256 },
    'Unknown parameter hashAlgorithmOID',
  ],
]

export const signRows1: readonly Row[] = [
  ...idRows1,
  ...sadRows1,
  ['no signAlgo', { signAlgo: undefined }, `${MISSING} string parameter signAlgo`],
  ['an unknown signAlgo', { signAlgo: '1.2.3' }, 'Invalid parameter signAlgo'],
  ["another key's signAlgo", { signAlgo: OID.rsa256 }, 'Invalid parameter signAlgo'],
  ['the RSA OID without a hash', { signAlgo: OID.rsa }, `${MISSING} string parameter hashAlgo`],
  ['a key named for its hash, without it', { signAlgo: 'ECDSA' }, `${MISSING} string parameter hashAlgo`],
  ['hashAlgo as a number', { hashAlgo: 5 }, `${MISSING} string parameter hashAlgo`],
  [
    'a hash that signAlgo contradicts',
    { hashAlgo: OID.sha384 },
    'String parameter hashAlgo contradicts with signAlgo parameter',
  ],
  ['PSS without parameters', { signAlgo: OID.pss }, `${MISSING} string parameter signAlgoParams`],
  ['parameters where there are none', { signAlgoParams: 'BQA=' }, 'Invalid parameter signAlgoParams'],
  ['operationMode, which is of version 2', { operationMode: 'S' }, 'Unknown parameter operationMode'],
  ['asynchronous operation, as well', { operationMode: 'A' }, 'Unknown parameter operationMode'],
  [
    'a response_uri, which is of version 2',
    { response_uri: 'https://x.example' },
    'Unknown parameter response_uri',
  ],
]
