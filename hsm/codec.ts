/** Records on the wire: how each is put into a payload and read back, both sides. */
import { hashes, keyTypes } from './algorithms.ts'
import { purposes } from './purposes.ts'
import type { ActivationRecord, AuthorisationRecord, CredentialRecord, KeyRecord, Sealed } from './records.ts'
import { keyFlags, type KeyAttributes, type KeyFlag, type MechanismInfo, type TokenInfo } from './types.ts'
import { Reader, WireError, Writer } from './payload.ts'
import { MAX_AUTHORISED, MAX_DIGESTS } from './wire.ts'

/** HMAC-SHA256. */
export const SEAL_LENGTH = 32
const MAX_ID = 256
const MAX_CKA_ID = 64
/** RSA-4096 takes 550. */
export const MAX_SPKI = 1024
const MAX_MECHANISMS = 4096

/** Reads a payload that holds one thing and nothing after it. */
export function whole<T>(payload: Buffer, read: (reader: Reader) => T): T {
  const reader = new Reader(payload)
  const value = read(reader)
  reader.end()
  return value
}

export function encodeKey(r: Sealed<KeyRecord>): Buffer {
  const w = new Writer(512).text(r.keyId).text(r.tokenSerial).bytes(r.ckaId).text(r.keyType).text(r.purpose)
  return w.bytes(r.spki).bytes(r.seal).end()
}

export function decodeKey(payload: Buffer): Sealed<KeyRecord> {
  return whole(payload, (r) => ({
    keyId: r.text(MAX_ID),
    tokenSerial: r.text(MAX_ID),
    ckaId: r.bytes(MAX_CKA_ID),
    keyType: r.name(keyTypes),
    purpose: r.name(purposes),
    spki: r.bytes(MAX_SPKI),
    seal: r.exactly(SEAL_LENGTH),
  }))
}

export function encodeActivation(r: Sealed<ActivationRecord>): Buffer {
  const w = new Writer(512).text(r.keyId).bytes(r.spki).bytes(r.salt)
  w.u32(r.memoryKiB).u32(r.passes).u32(r.lanes).u32(r.secrets)
  return w.bytes(r.verifier).bytes(r.seal).end()
}

export function decodeActivation(payload: Buffer): Sealed<ActivationRecord> {
  return whole(payload, (r) => ({
    keyId: r.text(MAX_ID),
    spki: r.bytes(MAX_SPKI),
    salt: r.bytes(64),
    memoryKiB: r.u32(),
    passes: r.u32(),
    lanes: r.u32(),
    secrets: r.u32(),
    verifier: r.exactly(32),
    seal: r.exactly(SEAL_LENGTH),
  }))
}

export function encodeCredential(r: Sealed<CredentialRecord>): Buffer {
  const w = new Writer(512).text(r.credentialId).text(r.keyId).text(r.personId).text(r.clientId)
  w.bytes(r.certificate).u8(r.scal).text(r.mode).u32(r.multisign)
  w.optional(r.secondFactor, (secondFactor) => w.text(secondFactor))
  return w.bytes(r.seal).end()
}

export function decodeCredential(payload: Buffer): Sealed<CredentialRecord> {
  return whole(payload, (r) => ({
    credentialId: r.text(MAX_ID),
    keyId: r.text(MAX_ID),
    personId: r.text(MAX_ID),
    clientId: r.text(MAX_ID),
    certificate: r.exactly(32),
    scal: scal(r.u8()),
    mode: r.name({ explicit: 0, oauth2code: 0, oob: 0 }),
    multisign: r.u32(),
    secondFactor: r.optional(() => r.text(MAX_ID)),
    seal: r.exactly(SEAL_LENGTH),
  }))
}

function scal(value: number): 1 | 2 {
  if (value !== 1 && value !== 2) throw new WireError('no such SCAL')
  return value
}

export function encodeAuthorisation(r: AuthorisationRecord): Buffer {
  const w = new Writer(1024).text(r.authorisationId).text(r.keyId).text(r.credentialId).text(r.clientId)
  w.optional(r.hash, (name) => w.text(name))
  w.optional(r.digests, (digests) => w.list(digests))
  w.u32(r.count).integer(r.expiresAt)
  w.optional(r.origin, (origin) => w.text(origin.authorisationId).u32(origin.count).integer(origin.expiresAt))
  return w.end()
}

export function decodeAuthorisation(payload: Buffer): AuthorisationRecord {
  return whole(payload, (r) => {
    const record = {
      authorisationId: r.text(MAX_ID),
      keyId: r.text(MAX_ID),
      credentialId: r.text(MAX_ID),
      clientId: r.text(MAX_ID),
      hash: r.optional(() => r.name(hashes)),
      digests: r.optional(() => r.list(MAX_DIGESTS, MAX_AUTHORISED)),
      count: r.u32(),
      expiresAt: r.integer(),
    }
    const origin = r.optional(() => ({
      authorisationId: r.text(MAX_ID),
      count: r.u32(),
      expiresAt: r.integer(),
    }))
    return origin === undefined ? record : { ...record, origin }
  })
}

export const encodeSealedAuthorisation = (r: Sealed<AuthorisationRecord>): Buffer =>
  new Writer(1024).bytes(encodeAuthorisation(r)).bytes(r.seal).end()

export const decodeSealedAuthorisation = (payload: Buffer): Sealed<AuthorisationRecord> =>
  whole(payload, (r) => {
    const record = decodeAuthorisation(r.bytes(MAX_AUTHORISED * 2))
    return { seal: r.exactly(SEAL_LENGTH), ...record }
  })

/** A flag on the wire: false, true, or the token does not tell. */
const FLAGS = [false, true, undefined] as const

export function writeAttributes(w: Writer, a: KeyAttributes): void {
  w.u8(a.class === 'private' ? 0 : 1)
    .bytes(a.ckaId)
    .text(a.label)
  w.optional(a.keyType, (name) => w.text(name)).optional(a.spki, (spki) => w.bytes(spki))
  for (const flag of keyFlags) w.u8(FLAGS.indexOf(a.flags[flag]))
  w.optional(a.allowedMechanisms, (list) => {
    w.u32(list.length)
    for (const mechanism of list) w.u32(mechanism)
  })
}

export function readAttributes(r: Reader): KeyAttributes {
  return {
    class: r.u8() === 0 ? 'private' : 'secret',
    ckaId: Buffer.from(r.bytes(MAX_ID)),
    label: r.text(),
    keyType: r.optional(() => r.name(keyTypes)),
    spki: r.optional(() => Buffer.from(r.bytes(MAX_SPKI))),
    flags: readFlags(r),
    allowedMechanisms: r.optional(() => many(r, () => r.u32())),
  }
}

function readFlags(r: Reader): Record<KeyFlag, boolean | undefined> {
  return Object.fromEntries(keyFlags.map((flag) => [flag, FLAGS[r.u8()]])) as Record<
    KeyFlag,
    boolean | undefined
  >
}

export function many<T>(r: Reader, read: () => T): T[] {
  const length = r.u32()
  if (length > MAX_MECHANISMS) throw new WireError(`a list of ${length}`)
  return Array.from({ length }, read)
}

/** What a signer says of itself before it is let log in. */
export interface Hello {
  readonly info: TokenInfo
  /** CKF_ flags of the token. */
  readonly flags: number
  readonly mechanisms: readonly MechanismInfo[]
}

const INFO = [
  'serial',
  'label',
  'manufacturer',
  'model',
  'firmware',
  'modulePath',
  'moduleSha256',
  'libraryVersion',
  'libraryDescription',
] as const satisfies readonly (keyof TokenInfo)[]

export function encodeHello(hello: Hello): Buffer {
  const w = new Writer(2048)
  for (const name of INFO) w.text(hello.info[name])
  w.u32(hello.flags).u32(hello.mechanisms.length)
  for (const m of hello.mechanisms) w.u32(m.mechanism).u32(m.minBits).u32(m.maxBits).u32(m.flags)
  return w.end()
}

export function decodeHello(payload: Buffer): Hello {
  return whole(payload, (r) => ({
    info: Object.fromEntries(INFO.map((name) => [name, r.text()])) as unknown as TokenInfo,
    flags: r.u32(),
    mechanisms: many(r, () => ({
      mechanism: r.u32(),
      minBits: r.u32(),
      maxBits: r.u32(),
      flags: r.u32(),
    })),
  }))
}
