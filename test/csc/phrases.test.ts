import { expect } from 'chai'
import { editions } from './editions.ts'
import type { Row } from './rows.ts'

const MISSING = 'Missing (or invalid type)'
const ID = [`${MISSING} string parameter credentialID`, 'Invalid parameter credentialID']
const SAD = [
  `${MISSING} string parameter SAD`,
  'Invalid parameter SAD',
  `${MISSING} array parameter hash`,
  'Empty hash array',
  'Invalid Base64 hash string parameter',
  'Hash is not authorized by the SAD',
  'Invalid digest value length',
]

/** What the standard's tables say to bad requests of each method (v2.0.0.2, 11.4, 11.5, 11.6, 11.9 and 11.11). */
const tables = {
  list: ['Invalid parameter userID'],
  info: [...ID, 'Invalid parameter certificates'],
  authorize: [
    ...ID,
    `${MISSING} integer parameter numSignatures`,
    'Invalid value for parameter numSignatures',
    'Numbers of signatures is too high',
  ],
  extend: [...ID, ...SAD],
  sign: [
    ...ID,
    ...SAD,
    `${MISSING} string parameter signAlgo`,
    `${MISSING} string parameter signAlgoParams`,
    'Invalid parameter signAlgo',
  ],
} as const

/** Phrases of one edition alone. */
const own: Readonly<Record<string, readonly [keyof typeof tables, string][]>> = {
  '/csc/v1': [
    ['authorize', 'The PIN is invalid'],
    ['extend', 'Invalid parameter hashAlgo'],
    ['sign', `${MISSING} string parameter hashAlgo`],
    ['sign', 'Invalid parameter hashAlgo'],
  ],
  '/csc/v2': [
    ['list', 'Invalid parameter certificates'],
    ['authorize', 'The authentication data is invalid'],
    ['extend', `${MISSING} string parameter hashAlgorithmOID`],
    ['extend', 'Invalid parameter hashAlgorithmOID'],
    ['sign', `${MISSING} string parameter hashAlgorithmOID`],
    ['sign', 'Invalid parameter hashAlgorithmOID'],
    ['sign', 'Invalid parameter operationMode'],
    ['sign', 'Invalid parameter validity_period'],
    ['sign', 'Out of bounds parameter validity_period'],
    ['sign', 'Invalid parameter response_uri'],
  ],
}

/*
 * Not here, since a good request and a change to it do not lead there, but refused in their own tests: 'Malformed
 * authorization header', 'The credential identified by credentialID is disabled', 'Credential locked', 'SAD expired',
 * 'Signing certificate is expired', 'userID parameter MUST be null' (to a user's token), and those of signPolling. 'The OTP is
 * invalid' is version 1's, in test/secondFactors.
 */
describe('the rows of what is refused', () => {
  for (const { mount, rows } of editions) {
    it(`hold every phrase that the standard has for ${mount}`, () => {
      const said = (method: keyof typeof tables): string[] =>
        rows[method].map(([, , description]: Row) => description)
      for (const method of Object.keys(tables) as (keyof typeof tables)[]) {
        expect(said(method), method).to.include.members([...tables[method]])
      }
      for (const [method, phrase] of own[mount] ?? []) expect(said(method), method).to.include(phrase)
    })
  }
})
