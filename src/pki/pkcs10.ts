import { keyTypes, type KeyType } from '../../hsm/algorithms.ts'
import { publicParts } from '../../hsm/der.ts'
import { Fields, inside, smallNumber } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { Refusal } from '../refusal.ts'
import type { OutsideKey } from './issue.ts'
import { isSignedBy, schemeByIdentifier } from './signedBy.ts'
import { rsaWeakness } from './weakKeys.ts'

/** The largest that we certify takes less than 2 KiB, its extensions aside. */
const MAX_OCTETS = 16_384

/**
 * The public key of a PKCS#10 (RFC 2986), whose holder has shown to have the private one. Nothing else in it counts: the
 * subject is what was verified, and the extensions are the profile's.
 * @param request DER
 * @throws Refusal invalid_request
 */
export function keyOfPkcs10(request: Buffer): OutsideKey {
  const { info, algorithm, signature, spki } = parts(request)
  const keyType = keyTypeOf(spki)
  if (keyType === undefined) throw refused('its key is of a kind, a size or a form that is not certified')
  const scheme = schemeByIdentifier(algorithm)
  if (scheme === undefined) throw refused('it is signed by an algorithm that is not taken')
  if (scheme.family !== keyTypes[keyType].family)
    throw refused('its signature is of another kind than its key')
  if (!isSignedBy(spki, { message: info, scheme, signature }))
    throw refused('its signature is not by its key')
  const weakness = scheme.family === 'RSA' ? rsaWeakness(spki) : undefined
  if (weakness !== undefined) throw refused(`its key is weak: ${weakness}`)
  return { keyType, spki }
}

/** Which key type of ours a public key is of; undefined: of none. @param spki DER */
export const keyTypeOf = (spki: Buffer): KeyType | undefined =>
  (Object.keys(keyTypes) as KeyType[]).find((name) => publicParts(spki, name) !== undefined)

/** DER of the Name that a PKCS#10 asks for: for people to compare; nobody has verified it. @throws Refusal invalid_request */
export const subjectOfPkcs10 = (request: Buffer): Buffer => parts(request).subject

/** DER of a PKCS#10 in PEM (RFC 7468, 7; "NEW CERTIFICATE REQUEST" is as old tools write it). @throws Refusal invalid_request */
export function pkcs10OfPem(pem: string): Buffer {
  const [, name, body = '', end] = PEM.exec(pem) ?? []
  if (name === undefined || name !== end) throw refused('it is not in PEM')
  return Buffer.from(body, 'base64')
}

const PEM =
  /^\s*-----BEGIN ((?:NEW )?CERTIFICATE REQUEST)-----\r?\n([A-Za-z0-9+/=\r\n]{1,32768})-----END ((?:NEW )?CERTIFICATE REQUEST)-----\s*$/

interface Parts {
  /** DER of the CertificationRequestInfo: what is signed. */
  readonly info: Buffer
  readonly spki: Buffer
  /** DER of the Name. */
  readonly subject: Buffer
  /** DER of the AlgorithmIdentifier. */
  readonly algorithm: Buffer
  readonly signature: Buffer
}

function parts(request: Buffer): Parts {
  if (request.length > MAX_OCTETS) throw refused('it is too long')
  try {
    const outer = new Fields(inside(request, TAG.SEQUENCE))
    const info = outer.take(TAG.SEQUENCE).whole
    const algorithm = outer.take(TAG.SEQUENCE).whole
    const bits = outer.take(TAG.BIT_STRING).value
    outer.end()
    const inner = new Fields(inside(info, TAG.SEQUENCE))
    const version = smallNumber(inner.take(TAG.INTEGER).value)
    const subject = inner.take(TAG.SEQUENCE).whole
    const spki = inner.take(TAG.SEQUENCE).whole
    // Attributes: a must, and often empty (RFC 2986, 4.1). Their contents are nobody's.
    inner.take(TAG.context(0))
    inner.end()
    if (version !== 0 || bits[0] !== 0) throw new Error('not version 1')
    return { info, spki, subject, algorithm, signature: bits.subarray(1) }
  } catch {
    throw refused('it is not DER of that form')
  }
}

const refused = (why: string): Refusal => new Refusal('invalid_request', `The PKCS#10 is refused: ${why}.`)
