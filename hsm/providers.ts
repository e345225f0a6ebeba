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
  /** A public key's template may say what the key is for, and for what not. */
  readonly publicUses: boolean
  /** Takes a public EC key as a session object, to verify with. Without, the token needs a `verifier` beside it. */
  readonly verifiesCurves: boolean
  /** RSA keys sign by way of the decryption operation, and cannot be made without CKA_DECRYPT. */
  readonly rsaByDecryption: boolean
  /** The token makes generic secrets and HMAC-SHA256 with them. Without, it takes its seals from another token. */
  readonly hmac: boolean
  /** CKU_ that the PIN belongs to: one that may use and make keys. */
  readonly userType: number
  /** A process sees the keys that others made only after it initialised again: the other signers are restarted for each. */
  readonly restartForNewKeys: boolean
  /** Seconds between canaries: shorter than the device bears an idle session. */
  readonly keepAliveSeconds: number
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

const CKU_USER = 1
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
  publicUses: true,
  verifiesCurves: true,
  rsaByDecryption: false,
  hmac: true,
  userType: CKU_USER,
  restartForNewKeys: false,
  keepAliveSeconds: 30,
  sessions: Infinity,
} as const

const rows: readonly ProviderRow[] = [
  { ...plain, name: 'softhsm', verified: '2.6.1', ed25519Params: ED25519_OID, allowedMechanisms: true },
  // Wants libraryParameters. RSA is slow in it: some 40 signatures a second.
  { ...plain, name: 'nss', verified: '3.87', local: false },
  // The soft token has RSA only, and locks after three wrong PINs.
  { ...plain, name: 'opencryptoki', verified: '3.8.1 (soft token)' },
  {
    ...plain,
    name: 'tpm2',
    verified: 'tpm2-pkcs11 1.9.0 on swtpm 0.7.1',
    modifiable: false,
    signRecover: false,
    publicUses: false,
    verifiesCurves: false,
    rsaByDecryption: true,
    hmac: false,
    restartForNewKeys: true,
  },
  // A partition's Crypto Officer: its Crypto User (0x80000001) signs and makes no keys. Not by an HA group's virtual slot
  // alone: what recovers behind it must answer within the deadlines of a signer.
  { ...plain, name: 'luna' },
  // The PIN is user:password. No read-only sessions, and no templates with what it does not know.
  { ...plain, name: 'cloudhsm', modifiable: false, signRecover: false },
  // Keys that other processes made are invisible until C_Initialize (CKNFAST_ASSUME_SINGLE_PROCESS).
  { ...plain, name: 'nshield', restartForNewKeys: true },
  {
    ...plain,
    name: 'yubihsm2',
    idLength: 2,
    keepAliveSeconds: 15,
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
