import type { TestCredential } from '../support/startService.ts'
import { OID, digest, type Mount } from './client.ts'
import { METHODS } from './editions.ts'

type Body = Record<string, unknown>
export type Change = (credential: TestCredential) => Body

const MISSING = 'Missing (or invalid type)'
/** A digest that is written otherwise in the alphabet of the URL, with padding or without. */
export const DIGEST = digest('text 1')
const URL_DIGEST = Buffer.from(DIGEST, 'base64').toString('base64url')

export interface Alias {
  readonly name: string
  readonly mounts: readonly Mount[]
  readonly methods: readonly string[]
  /** Of a good request of that mount: `undefined` leaves a member out. */
  readonly change: Change
  /** What a strict service says. */
  readonly refused: string
}

const BOTH: readonly Mount[] = ['/csc/v1', '/csc/v2']
const V1: readonly Mount[] = ['/csc/v1']
const V2: readonly Mount[] = ['/csc/v2']
/** What an answer has at least; signatures and SADs are as good as any. */
export const ANSWERED: Readonly<Record<string, readonly string[]>> = {
  info: ['specs', 'methods'],
  'credentials/list': ['credentialIDs'],
  'credentials/info': ['key', 'cert'],
  'credentials/authorize': ['SAD', 'expiresIn'],
  'credentials/extendTransaction': ['SAD', 'expiresIn'],
  'signatures/signHash': ['signatures'],
}
/** The methods that take the hashes that a holder approves, and nothing to sign them by. */
const APPROVED = ['credentials/authorize', 'credentials/extendTransaction']
const JUNK = ['auth_info', 'only_valid', 'client_data', 'sign_algo_params']

export const aliases: readonly Alias[] = [
  {
    name: 'null for an absent member',
    mounts: BOTH,
    methods: METHODS,
    change: () => ({ clientData: null }),
    refused: 'Invalid parameter clientData',
  },
  ...JUNK.map((member) => ({
    name: `${member} of the iOS library`,
    mounts: BOTH,
    methods: ['info', 'credentials/list', 'credentials/info'],
    change: () => ({ [member]: true }),
    refused: `Unknown parameter ${member}`,
  })),
  {
    name: 'a member written as null, which is in no table',
    mounts: BOTH,
    methods: ['credentials/list'],
    change: () => ({ user_id: null }),
    refused: 'Unknown parameter user_id',
  },
  {
    name: 'an OTP of null, as pyHanko has it',
    mounts: V1,
    methods: ['credentials/authorize'],
    change: () => ({ OTP: null }),
    refused: 'Invalid parameter OTP',
  },
  {
    name: 'an OTP of null, as pyHanko has it',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: () => ({ OTP: null }),
    refused: 'Unknown parameter OTP',
  },
  {
    name: 'hash for hashes, which implies the hash algorithm',
    mounts: V2,
    methods: APPROVED,
    change: () => ({ hash: [DIGEST], hashes: undefined, hashAlgorithmOID: undefined }),
    refused: 'Unknown parameter hash',
  },
  {
    name: 'hash beside hashes that are the same',
    mounts: V2,
    methods: APPROVED,
    change: () => ({ hash: [DIGEST], hashes: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hashAlgo for hashAlgorithmOID',
    mounts: V2,
    methods: APPROVED,
    change: () => ({ hashAlgo: OID.sha256, hashAlgorithmOID: undefined }),
    refused: 'Unknown parameter hashAlgo',
  },
  {
    name: 'PIN for authData',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: ({ pin }) => ({ PIN: pin, authData: undefined }),
    refused: 'Unknown parameter PIN',
  },
  {
    name: 'PIN beside authData that says the same',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: ({ pin }) => ({ PIN: pin }),
    refused: 'Unknown parameter PIN',
  },
  {
    name: 'hashes in the alphabet of the URL to approve',
    mounts: V2,
    methods: APPROVED,
    change: () => ({ hashes: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hash in the alphabet of the URL to approve',
    mounts: V1,
    methods: APPROVED,
    change: () => ({ hash: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hash and hashAlgo to sign',
    mounts: V2,
    methods: ['signatures/signHash'],
    change: () => ({ hash: [DIGEST], hashes: undefined, hashAlgo: OID.sha256 }),
    refused: `${MISSING} array parameter hash`,
  },
  {
    name: 'hashAlgo for hashAlgorithmOID to sign',
    mounts: V2,
    methods: ['signatures/signHash'],
    change: () => ({ hashAlgo: OID.sha256 }),
    refused: 'Unknown parameter hashAlgo',
  },
  {
    name: 'hashes in the alphabet of the URL to sign',
    mounts: V2,
    methods: ['signatures/signHash'],
    change: () => ({ hashes: [`${URL_DIGEST}=`] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hash in the alphabet of the URL to sign',
    mounts: V1,
    methods: ['signatures/signHash'],
    change: () => ({ hash: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  ...['ECDSA', OID.ecPublicKey].flatMap((signAlgo): Alias[] => [
    {
      name: `${signAlgo} with a hash`,
      mounts: V1,
      methods: ['signatures/signHash'],
      change: () => ({ signAlgo, hashAlgo: OID.sha256 }),
      refused: 'Invalid parameter signAlgo',
    },
    {
      name: `${signAlgo} with a hash`,
      mounts: V2,
      methods: ['signatures/signHash'],
      change: () => ({ signAlgo, hashAlgorithmOID: OID.sha256 }),
      refused: 'Invalid parameter signAlgo',
    },
  ]),
]
