/** Compact JWS (RFC 7515), assembled here: no library signs with a key that it does not have. */
import { X509Certificate } from 'node:crypto'
import {
  isNamed,
  keyTypes,
  namedScheme,
  schemes,
  type KeyType,
  type SchemeName,
} from '../../hsm/algorithms.ts'
import { PublicKeys, verifiesMessage } from '../../hsm/verify.ts'
import { Refusal } from '../refusal.ts'
import { fromBase64url } from './base64url.ts'
import { Flaw } from './flaw.ts'
import { parseObject, type JsonObject } from './strictJson.ts'

export interface Signer {
  readonly keyType: KeyType
  readonly scheme: SchemeName
  /** Octets, hashed on the way as the scheme wants. ECDSA answers r ‖ s. */
  readonly sign: (octets: Buffer) => Promise<Buffer>
}

export interface Verifier {
  readonly keyType: KeyType
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer
  /** The only scheme that the key is for, where it says so. */
  readonly scheme?: SchemeName | undefined
}

export interface Jws {
  readonly header: JsonObject
  readonly payload: Buffer
  readonly signingInput: Buffer
  readonly signature: Buffer
}

/** Longer than any credential with a picture in it; what a face reads is shorter still. */
const LENGTH_MAX = 8 * 1024 * 1024
/** Header parameters by which whoever made a signature says which key it is verified with (RFC 7515, 4.1). */
const KEYS_IN_HEADER = ['jwk', 'jku', 'x5u']

const publicKeys = new PublicKeys()

/**
 * Signs once, over the signing input.
 * @param header without `alg`, which the key decides
 * @throws Refusal; 'algorithm_not_allowed' where JOSE has no name for the key with its scheme
 */
export async function signJws(
  key: Signer,
  header: JsonObject & { readonly alg?: never },
  payload: Buffer | JsonObject,
): Promise<string> {
  const scheme = schemes[key.scheme]
  if (!isNamed(key.keyType, scheme)) {
    throw new Refusal('algorithm_not_allowed', `JOSE has no name for ${key.scheme} with a ${key.keyType} key`)
  }
  const octets = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  const input = `${encoded({ alg: scheme.jose[0], ...header })}.${octets.toString('base64url')}`
  const signature = await key.sign(Buffer.from(input))
  return `${input}.${signature.toString('base64url')}`
}

const encoded = (header: JsonObject): string => Buffer.from(JSON.stringify(header)).toString('base64url')

/**
 * Takes a compact JWS apart; nothing of it is believed yet.
 * @throws Flaw 'malformed', or 'header-not-supported' for what must be understood (`crit`) and is not
 */
export function readJws(text: string): Jws {
  const parts = text.length > LENGTH_MAX ? [] : text.split('.')
  const [header, payload, signature] = parts.map(fromBase64url)
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined)
    throw new Flaw('malformed', 'This is no compact JWS: three parts in base64url without padding')
  const members = parseObject(header, 'The header')
  if (Object.hasOwn(members, 'crit'))
    throw new Flaw('header-not-supported', 'crit: nothing is understood that must be (RFC 7515, 4.1.11)')
  return {
    header: members,
    payload,
    signature,
    signingInput: Buffer.from(text.slice(0, text.lastIndexOf('.'))),
  }
}

/** Whether a key made the signature. @throws Flaw 'algorithm-not-allowed' or 'signature-invalid' */
export function checkJws({ header, signingInput, signature }: Jws, key: Verifier): void {
  const { alg } = header
  checkSignature(key, typeof alg === 'string' ? alg : undefined, { message: signingInput, signature })
}

/**
 * A signature by the algorithm that is the key's own, whatever a header would like.
 * @param name in JOSE or in COSE
 * @throws Flaw 'algorithm-not-allowed' or 'signature-invalid'
 */
export function checkSignature(
  key: Verifier,
  name: string | number | undefined,
  it: { readonly message: Buffer; readonly signature: Buffer },
): void {
  const scheme = name === undefined ? undefined : namedScheme(key.keyType, name)
  if (scheme === undefined || (key.scheme !== undefined && scheme.name !== key.scheme))
    throw new Flaw('algorithm-not-allowed', 'alg: not the algorithm of the key')
  const isGood =
    it.signature.length === keyTypes[key.keyType].signatureLength &&
    verifiesMessage(publicKeys.get(key.spki), scheme, it)
  if (!isGood) throw new Flaw('signature-invalid', 'The signature is not that of the key')
}

/**
 * Keys come from who is known, never with what they sign.
 * @throws Flaw 'key-not-trusted' for a header that brings one
 */
export function refuseKeys(header: JsonObject): void {
  const name = KEYS_IN_HEADER.find((parameter) => Object.hasOwn(header, parameter))
  if (name !== undefined)
    throw new Flaw('key-not-trusted', `${name}: a key that comes with the signature is not believed`)
}

/** A certificate may stand in the header if it is the key's. @throws Flaw 'key-not-trusted' */
export function checkCertificate({ x5c }: JsonObject, { spki }: Verifier): void {
  if (x5c === undefined) return
  const [first] = Array.isArray(x5c) ? (x5c as unknown[]) : []
  if (typeof first !== 'string' || !isCertificateOf(spki, Buffer.from(first, 'base64')))
    throw new Flaw('key-not-trusted', 'x5c: not a certificate of the key')
}

/** Whether a certificate, in DER, is for this key. What is none is for none. */
export function isCertificateOf(spki: Buffer, certificate: Buffer): boolean {
  try {
    return new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' }).equals(spki)
  } catch {
    return false
  }
}

/** `typ` and `cty` as they compare: application/ may be left out, case does not count (RFC 7515, 4.1.9). */
export function mediaType(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const lower = value.toLowerCase()
  const short = lower.replace(/^application\//, '')
  return short.includes('/') ? lower : short
}
