/**
 * The sealed records: what a database row must say, to the octet, for the signer to act on it. A seal is an HMAC by a
 * token-held key over `canonical(...)`; whoever can write to the database alone can therefore make no row that signs.
 */
import type { HashName, KeyType } from './algorithms.ts'
import { Writer } from './payload.ts'
import type { Purpose } from './purposes.ts'

/** A key pair in the token. Sealed by the signer at generation, never again. */
export interface KeyRecord {
  readonly keyId: string
  readonly tokenSerial: string
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer
}

/**
 * What proves the holder's secret: HMAC(pepper, spki ‖ secrets ‖ Argon2id(secret, salt)). Made with the key, in the
 * same operation, and bound to its public key, so that no second verifier for a key can ever be sealed.
 */
export interface ActivationRecord {
  readonly keyId: string
  readonly spki: Buffer
  readonly salt: Buffer
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
  /** How many secrets must be given together (a PIN: 1). */
  readonly secrets: number
  readonly verifier: Buffer
}

/** A CSC credential: whose key, certified how, linked to which client. Sealed under the MAC domain 'credential'. */
export interface CredentialRecord {
  readonly credentialId: string
  readonly keyId: string
  readonly personId: string
  readonly clientId: string
  /** SHA-256 of the certificate's DER. */
  readonly certificate: Buffer
  readonly scal: 1 | 2
  readonly mode: 'explicit' | 'oauth2code' | 'oob'
  readonly multisign: number
  /** What the service wants of its holder besides the secret; nothing that a signer reads. Absent: nothing. */
  readonly secondFactor?: string | undefined
}

/** What a holder activated: these digests (or, under SCAL 1, so many) with this key, until then. */
export interface AuthorisationRecord {
  readonly authorisationId: string
  readonly keyId: string
  /** Empty where the key is used without a credential. */
  readonly credentialId: string
  readonly clientId: string
  /** Absent where the octets to sign are the message (Ed25519). */
  readonly hash: HashName | undefined
  /** Every occurrence, in order; undefined under SCAL 1. */
  readonly digests: readonly Buffer[] | undefined
  readonly count: number
  /** Milliseconds since 1970, a whole number, from the database's clock. */
  readonly expiresAt: number
  /** Present where it extends another one, without a new activation. */
  readonly origin?: Origin | undefined
}

/** What a chain of authorisations began with: the one that the holder's secret activated. */
export interface Origin {
  readonly authorisationId: string
  /** Signatures that it was for. */
  readonly count: number
  readonly expiresAt: number
}

/**
 * How long after the expiry of what its holder activated a chain ends, however often it was extended. Long enough to
 * sign a large batch; whoever takes the service over can keep alive until then what is alive, and no longer.
 */
export const MAX_CHAIN_MS = 60 * 60 * 1000

export function originOf({ authorisationId, count, expiresAt, origin }: AuthorisationRecord): Origin {
  return origin ?? { authorisationId, count, expiresAt }
}

export type Sealed<T> = T & { readonly seal: Buffer }

type Field = string | number | Buffer | undefined | readonly Buffer[]

function put(w: Writer, field: Field): void {
  if (field === undefined) w.u8(0)
  else if (typeof field === 'string') w.u8(1).text(field)
  else if (Buffer.isBuffer(field)) w.u8(2).bytes(field)
  else if (typeof field === 'number') w.u8(3).u32(8).integer(field)
  else {
    const list = field as readonly Buffer[]
    w.u8(4).u32(list.length)
    for (const item of list) w.u8(2).bytes(item)
  }
}

/** Injective: each field carries its type and length, and the kind comes first with its version. */
function canonical(kind: string, fields: readonly Field[]): Buffer {
  const w = new Writer(1024)
  put(w, kind)
  for (const field of fields) put(w, field)
  return w.end()
}

export const canonicalKey = (r: KeyRecord): Buffer =>
  canonical('intaglio key v1', [r.keyId, r.tokenSerial, r.ckaId, r.keyType, r.purpose, r.spki])

export const canonicalActivation = (r: ActivationRecord): Buffer =>
  canonical('intaglio activation v1', [
    r.keyId,
    r.spki,
    r.salt,
    r.memoryKiB,
    r.passes,
    r.lanes,
    r.secrets,
    r.verifier,
  ])

/** Of another kind where there is a second factor: no record without one has the same octets. */
export function canonicalCredential(r: CredentialRecord): Buffer {
  const { credentialId, keyId, personId, clientId, certificate, scal, mode, multisign, secondFactor } = r
  const fields = [credentialId, keyId, personId, clientId, certificate, scal, mode, multisign]
  if (secondFactor === undefined) return canonical('intaglio credential v1', fields)
  return canonical('intaglio credential v2', [...fields, secondFactor])
}

/**
 * Bound to the public key of the key it authorises, beside its id: ids are chosen by the service, and whoever took it
 * over could have a key of his own made under another key's id, activate it, and sign with the other.
 */
export function canonicalAuthorisation(r: AuthorisationRecord, spki: Buffer): Buffer {
  const { origin } = r
  const fields = [
    spki,
    r.authorisationId,
    r.keyId,
    r.credentialId,
    r.clientId,
    r.hash,
    r.digests,
    r.count,
    r.expiresAt,
  ]
  if (origin === undefined) return canonical('intaglio authorisation v1', fields)
  const { authorisationId, count, expiresAt } = origin
  return canonical('intaglio extension v1', [...fields, authorisationId, count, expiresAt])
}

/** What the pepper authenticates: see ActivationRecord. */
export const canonicalVerifier = (spki: Buffer, secrets: number, stretched: Buffer): Buffer =>
  canonical('intaglio verifier v1', [spki, secrets, stretched])

/** What a MAC for the service authenticates. */
export const canonicalMac = (domain: string, data: Buffer): Buffer =>
  canonical(`intaglio mac v1`, [domain, data])
