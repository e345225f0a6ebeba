import type { Handle } from 'pkcs11js'
import { CKK, keyTypes, type KeyType, type KeyTypeRow } from '../algorithms.ts'
import { curveSpki, rsaSpki } from '../der.ts'
import { keyFlags, type KeyAttributes, type KeyFlag } from '../types.ts'
import { CKA, CKO } from './cryptoki.ts'
import { attribute, find, flag, publicKeys, ulong, ulongs } from './objects.ts'
import type { WorkSession } from './sessions.ts'

const FLAG_TYPE: Readonly<Record<KeyFlag, number>> = {
  token: CKA.TOKEN,
  private: CKA.PRIVATE,
  sensitive: CKA.SENSITIVE,
  extractable: CKA.EXTRACTABLE,
  alwaysSensitive: CKA.ALWAYS_SENSITIVE,
  neverExtractable: CKA.NEVER_EXTRACTABLE,
  local: CKA.LOCAL,
  modifiable: CKA.MODIFIABLE,
  sign: CKA.SIGN,
  signRecover: CKA.SIGN_RECOVER,
  decrypt: CKA.DECRYPT,
  unwrap: CKA.UNWRAP,
  derive: CKA.DERIVE,
  alwaysAuthenticate: CKA.ALWAYS_AUTHENTICATE,
}

/**
 * Everything that the token says of a private or secret key.
 * @param publicHalf where its handle is known; else it is searched by CKA_ID.
 */
export function readKeyAttributes(session: WorkSession, handle: Handle, publicHalf?: Handle): KeyAttributes {
  const ckaId = Buffer.from(attribute(session, handle, CKA.ID) ?? Buffer.alloc(0))
  const isPrivate = ulong(session, handle, CKA.CLASS) === CKO.PRIVATE_KEY
  const found = (): PublicHalf | undefined =>
    publicHalf === undefined ? readPublicHalf(session, ckaId) : readPublic(session, publicHalf)
  const key = isPrivate ? found() : undefined
  return {
    class: isPrivate ? 'private' : 'secret',
    ckaId,
    label: attribute(session, handle, CKA.LABEL)?.toString('utf8') ?? '',
    keyType: key?.row.name,
    spki: key?.spki,
    flags: readFlags(session, handle),
    allowedMechanisms: ulongs(session, handle, CKA.ALLOWED_MECHANISMS),
  }
}

function readFlags(session: WorkSession, handle: Handle): Record<KeyFlag, boolean | undefined> {
  const read = keyFlags.map((name) => [name, flag(session, handle, FLAG_TYPE[name])])
  return Object.fromEntries(read) as Record<KeyFlag, boolean | undefined>
}

export interface PublicHalf {
  readonly row: KeyTypeRow
  readonly spki: Buffer
}

/** The public half under an id; undefined if there is none, or two, or no row of the table fits. */
export function readPublicHalf(session: WorkSession, ckaId: Buffer): PublicHalf | undefined {
  const [handle, second] = find(session, publicKeys(ckaId), 2)
  return handle === undefined || second !== undefined ? undefined : readPublic(session, handle)
}

/** The public key as the token has it; undefined if no row of the table fits. */
export function readPublic(session: WorkSession, handle: Handle): PublicHalf | undefined {
  const ckk = ulong(session, handle, CKA.KEY_TYPE)
  return ckk === CKK.RSA ? readRsa(session, handle) : readCurve(session, handle, ckk)
}

function readRsa(session: WorkSession, handle: Handle): PublicHalf | undefined {
  const modulus = attribute(session, handle, CKA.MODULUS)
  const exponent = attribute(session, handle, CKA.PUBLIC_EXPONENT)
  if (modulus === undefined || exponent === undefined) return undefined
  const bits = BigInt(`0x0${modulus.toString('hex')}`).toString(2).length
  const row = rowOf((candidate) => candidate.ckk === CKK.RSA && candidate.bits === bits)
  return row === undefined ? undefined : { row, spki: rsaSpki(row, modulus, exponent) }
}

function readCurve(session: WorkSession, handle: Handle, ckk: number | undefined): PublicHalf | undefined {
  const params = attribute(session, handle, CKA.EC_PARAMS)
  const point = attribute(session, handle, CKA.EC_POINT)
  const row = rowOf((candidate) =>
    candidate.curve === undefined
      ? candidate.ckk === ckk && ckk === CKK.EC_EDWARDS
      : candidate.ckk === ckk && params !== undefined && candidate.curve.params.equals(params),
  )
  const spki = row === undefined || point === undefined ? undefined : curveSpki(row, point)
  return row === undefined || spki === undefined ? undefined : { row, spki }
}

function rowOf(fits: (row: KeyTypeRow) => boolean): KeyTypeRow | undefined {
  return (Object.keys(keyTypes) as KeyType[]).map((name) => keyTypes[name]).find(fits)
}
