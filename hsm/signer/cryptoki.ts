/** Numbers of PKCS#11 that this folder uses, and how its errors are read. Names are never compared: bindings differ. */

export const CKO = { PUBLIC_KEY: 2, PRIVATE_KEY: 3, SECRET_KEY: 4 } as const

export const CKA = {
  CLASS: 0x000,
  TOKEN: 0x001,
  PRIVATE: 0x002,
  LABEL: 0x003,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  WRAP: 0x106,
  UNWRAP: 0x107,
  SIGN: 0x108,
  SIGN_RECOVER: 0x109,
  VERIFY: 0x10a,
  VERIFY_RECOVER: 0x10b,
  DERIVE: 0x10c,
  MODULUS: 0x120,
  MODULUS_BITS: 0x121,
  PUBLIC_EXPONENT: 0x122,
  VALUE_LEN: 0x161,
  EXTRACTABLE: 0x162,
  LOCAL: 0x163,
  NEVER_EXTRACTABLE: 0x164,
  ALWAYS_SENSITIVE: 0x165,
  MODIFIABLE: 0x170,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
  ALWAYS_AUTHENTICATE: 0x202,
  ALLOWED_MECHANISMS: 0x40000600,
} as const

export const CKF = {
  OS_LOCKING_OK: 0x2,
  USER_PIN_INITIALIZED: 0x8,
  TOKEN_INITIALIZED: 0x400,
  USER_PIN_COUNT_LOW: 0x10000,
  USER_PIN_FINAL_TRY: 0x20000,
  USER_PIN_LOCKED: 0x40000,
} as const

const CKR = {
  HOST_MEMORY: 0x02,
  SLOT_ID_INVALID: 0x03,
  GENERAL_ERROR: 0x05,
  ARGUMENTS_BAD: 0x07,
  ATTRIBUTE_READ_ONLY: 0x10,
  ATTRIBUTE_SENSITIVE: 0x11,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  ATTRIBUTE_VALUE_INVALID: 0x13,
  ACTION_PROHIBITED: 0x1b,
  DATA_INVALID: 0x20,
  DATA_LEN_RANGE: 0x21,
  FUNCTION_NOT_SUPPORTED: 0x54,
  KEY_HANDLE_INVALID: 0x60,
  KEY_SIZE_RANGE: 0x62,
  KEY_TYPE_INCONSISTENT: 0x63,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  MECHANISM_INVALID: 0x70,
  MECHANISM_PARAM_INVALID: 0x71,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_HANDLE_INVALID: 0xb3,
  SIGNATURE_INVALID: 0xc0,
  SIGNATURE_LEN_RANGE: 0xc1,
  TEMPLATE_INCOMPLETE: 0xd0,
  TEMPLATE_INCONSISTENT: 0xd1,
  USER_ALREADY_LOGGED_IN: 0x100,
  CURVE_NOT_SUPPORTED: 0x140,
} as const

/**
 * again: the session or the handle is stale; a new one mends it.
 * final: the token understood and says no; asking again changes nothing.
 * down: everything else, vendors' numbers too: the token or the way to it is in trouble, or the login is gone.
 */
export type ErrorClass = 'again' | 'final' | 'down'

const AGAIN: ReadonlySet<number> = new Set([
  CKR.OBJECT_HANDLE_INVALID,
  CKR.KEY_HANDLE_INVALID,
  CKR.SESSION_CLOSED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.OPERATION_ACTIVE,
])

const FINAL: ReadonlySet<number> = new Set([
  CKR.ARGUMENTS_BAD,
  CKR.ATTRIBUTE_READ_ONLY,
  CKR.ATTRIBUTE_SENSITIVE,
  CKR.ATTRIBUTE_TYPE_INVALID,
  CKR.ATTRIBUTE_VALUE_INVALID,
  CKR.ACTION_PROHIBITED,
  CKR.DATA_INVALID,
  CKR.DATA_LEN_RANGE,
  CKR.FUNCTION_NOT_SUPPORTED,
  CKR.KEY_SIZE_RANGE,
  CKR.KEY_TYPE_INCONSISTENT,
  CKR.KEY_FUNCTION_NOT_PERMITTED,
  CKR.MECHANISM_INVALID,
  CKR.MECHANISM_PARAM_INVALID,
  CKR.TEMPLATE_INCOMPLETE,
  CKR.TEMPLATE_INCONSISTENT,
  CKR.CURVE_NOT_SUPPORTED,
])

const PIN_REJECTED: ReadonlySet<number> = new Set([
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_EXPIRED,
  CKR.PIN_LOCKED,
])

/**
 * The CKR number of what the binding threw. Some of its methods throw plain errors that have it in the message only
 * ("CKR_ATTRIBUTE_READ_ONLY:16"). Undefined: not from the token, such as a TypeError of the binding's own.
 */
export function ckr(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'number' && error.code !== 0) return error.code
  const written = /CKR_\w+:(\d+)/.exec(error.message)
  return written?.[1] === undefined ? undefined : Number(written[1])
}

export function classify(code: number | undefined): ErrorClass {
  if (code === undefined) return 'down'
  if (AGAIN.has(code)) return 'again'
  return FINAL.has(code) ? 'final' : 'down'
}

/** The token judged the PIN and did not take it. */
export const isPinRejected = (code: number | undefined): boolean =>
  code !== undefined && PIN_REJECTED.has(code)

export const isAlreadyLoggedIn = (code: number | undefined): boolean => code === CKR.USER_ALREADY_LOGGED_IN

/** The object has no such attribute, or does not show it. */
export const isNotTold = (code: number | undefined): boolean =>
  code === CKR.ATTRIBUTE_TYPE_INVALID || code === CKR.ATTRIBUTE_SENSITIVE

export const isSignatureInvalid = (code: number | undefined): boolean =>
  code === CKR.SIGNATURE_INVALID || code === CKR.SIGNATURE_LEN_RANGE
