/**
 * TABLE of token makes: how each differs from the letter of PKCS#11. The code asks the row, never the name. Sessions are
 * read-write throughout, since some makes have no read-only ones.
 */
export interface ProviderRow {
  readonly name: ProviderName
  /** The release that this row was run against, every test passing. Undefined: written from documentation. */
  readonly verified: string | undefined
  /** Why this make cannot be opened yet: what it needs and the code here does not do. */
  readonly blocked?: string
  /** Octets of CKA_ID at most. */
  readonly idLength: number
  /** CKA_EC_PARAMS that asks for Ed25519. Undefined: the make has no such keys. */
  readonly ed25519Params: Buffer | undefined
  /** CKA_LOCAL is true for a key that the token made. */
  readonly local: boolean
  /** CKA_ALLOWED_MECHANISMS can be set, and is enforced. */
  readonly allowedMechanisms: boolean
  /** CKA_MODIFIABLE may stand in a template. */
  readonly modifiable: boolean
  /** CKA_SIGN_RECOVER may stand in a template. */
  readonly signRecover: boolean
  /** Sessions that the device has for everybody together. Each signer takes three. */
  readonly sessions: number
}

export type ProviderName =
  | 'softhsm'
  | 'nss'
  | 'opencryptoki'
  | 'tpm2'
  | 'luna'
  | 'cloudhsm'
  | 'nshield'
  | 'yubihsm2'
  | 'libkmsp11'
  | 'generic'

/** RFC 8410: OID 1.3.101.112, the form of PKCS#11 v3.1. */
const ED25519_OID = Buffer.from('06032b6570', 'hex')

/** What a token that keeps to PKCS#11 v2.40 does. */
const plain = {
  verified: undefined,
  idLength: 32,
  ed25519Params: undefined,
  local: true,
  allowedMechanisms: false,
  modifiable: true,
  signRecover: true,
  sessions: Infinity,
} as const

const rows: readonly ProviderRow[] = [
  { ...plain, name: 'softhsm', verified: '2.6.1', ed25519Params: ED25519_OID, allowedMechanisms: true },
  {
    ...plain,
    name: 'nss',
    local: false,
    blocked:
      'NSS wants library parameters (configdir) at C_Initialize, which a configuration cannot give yet.',
  },
  { ...plain, name: 'opencryptoki' },
  {
    ...plain,
    name: 'tpm2',
    blocked:
      'A TPM makes no HMAC keys, so it needs a second token for the seals; one token can be configured.',
  },
  { ...plain, name: 'luna' },
  { ...plain, name: 'cloudhsm', modifiable: false, signRecover: false },
  {
    ...plain,
    name: 'nshield',
    blocked: 'By default an nShield shows a new key to other processes only after they initialise again.',
  },
  {
    ...plain,
    name: 'yubihsm2',
    idLength: 2,
    sessions: 16,
    blocked: 'A YubiHSM 2 has CKA_IDs of two octets: too few to be drawn at random.',
  },
  {
    ...plain,
    name: 'libkmsp11',
    blocked: 'libkmsp11 takes no attributes in templates, so no key of ours could be made as it must be.',
  },
  { ...plain, name: 'generic' },
]

export const providers: Readonly<Record<ProviderName, ProviderRow>> = Object.freeze(
  Object.assign(
    Object.create(null) as Record<ProviderName, ProviderRow>,
    Object.fromEntries(rows.map((row) => [row.name, Object.freeze(row)])),
  ),
)

/**
 * The row of a configured make.
 * @throws Error with a sentence for the operator, if there is none or it cannot be opened.
 */
export function provider(name: string): ProviderRow {
  if (!(name in providers)) {
    throw new Error(`There is no provider '${name}'; there are: ${Object.keys(providers).join(', ')}.`)
  }
  const row = providers[name as ProviderName]
  if (row.blocked !== undefined) throw new Error(`The provider '${name}' is not supported. ${row.blocked}`)
  return row
}
