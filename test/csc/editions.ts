import type { TestCredential } from '../support/startService.ts'
import { OID, type Mount } from './client.ts'
import {
  authorizeRows,
  commonRows,
  extendRows,
  idRows,
  listRows,
  shownRows,
  signRows,
  type Row,
} from './rows.ts'
import { authorizeRows1, extendRows1, infoRows1, listRows1, signRows1 } from './rows1.ts'

/** Methods of both mounts that need nothing but a credential with a PIN. */
export const METHODS = [
  'info',
  'credentials/list',
  'credentials/info',
  'credentials/authorize',
  'credentials/extendTransaction',
  'signatures/signHash',
] as const

/** What info names at the mount of version 1. */
export const METHODS_1 = [
  'info',
  'credentials/list',
  'credentials/info',
  'credentials/authorize',
  'credentials/extendTransaction',
  'credentials/sendOTP',
  'signatures/signHash',
  'signatures/timestamp',
] as const

/** What info names at the mount of version 2. */
export const METHODS_2 = [
  'info',
  'credentials/list',
  'credentials/info',
  'credentials/authorize',
  'credentials/authorizeCheck',
  'credentials/getChallenge',
  'credentials/sendOTP',
  'credentials/extendTransaction',
  'signatures/signHash',
  'signatures/signPolling',
  'credentials/create',
  'credentials/delete',
  'credentials/revoke',
  'credentials/revocationlist',
  'signatures/timestamp',
] as const

type Body = Record<string, unknown>

/** How an edition of the CSC API is spoken to, and what it refuses. */
export interface Edition {
  readonly mount: Mount
  /** Good requests. */
  readonly authorize: (credential: TestCredential, hashes: readonly string[]) => Body
  readonly extend: (credential: TestCredential, hashes: readonly string[], SAD: string) => Body
  readonly sign: (credential: TestCredential, hashes: readonly string[], SAD: string) => Body
  /** What takes the place of the right PIN, and what is said to it. */
  readonly wrongPin: Body
  readonly pinRefusal: { readonly description: string; readonly error: string }
  readonly rows: Readonly<Record<'list' | 'info' | 'authorize' | 'extend' | 'sign', readonly Row[]>>
}

const version1: Edition = {
  mount: '/csc/v1',
  authorize: ({ id, pin }, hash) => ({ credentialID: id, numSignatures: hash.length, hash, PIN: pin }),
  extend: ({ id }, hash, SAD) => ({ credentialID: id, SAD, hash }),
  sign: ({ id }, hash, SAD) => ({ credentialID: id, SAD, hash, signAlgo: OID.ecdsa256 }),
  wrongPin: { PIN: 'wrong' },
  pinRefusal: { description: 'The PIN is invalid', error: 'invalid_pin' },
  rows: {
    list: listRows1,
    info: infoRows1,
    authorize: authorizeRows1,
    extend: extendRows1,
    sign: signRows1,
  },
}

const version2: Edition = {
  mount: '/csc/v2',
  authorize: ({ id, pin }, hashes) => ({
    credentialID: id,
    numSignatures: hashes.length,
    hashes,
    hashAlgorithmOID: OID.sha256,
    authData: [{ id: 'PIN', value: pin }],
  }),
  extend: ({ id }, hashes, SAD) => ({ credentialID: id, SAD, hashes, hashAlgorithmOID: OID.sha256 }),
  sign: ({ id }, hashes, SAD) => ({ credentialID: id, SAD, hashes, signAlgo: OID.ecdsa256 }),
  wrongPin: { authData: [{ id: 'PIN', value: 'wrong' }] },
  pinRefusal: { description: 'The authentication data is invalid', error: 'invalid_authentication_data' },
  rows: {
    list: listRows,
    info: [...idRows, ...shownRows, ...commonRows],
    authorize: authorizeRows,
    extend: extendRows,
    sign: signRows,
  },
}

export const editions: readonly Edition[] = [version1, version2]
