import { Fields, dottedOid, elements, inside, magnitude, smallNumber, type Element } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import type { CertIdHash } from '../db/ocsp.ts'
import { OID } from './oids.ts'

/** Octets of a request: room for a signature with its certificates, which nobody needs. */
export const MAX_OCSP_REQUEST = 16 * 1024
/** Certificates that one request asks about. RFC 5019, 2.1.1 has clients ask about one. */
export const MAX_OCSP_CERTIFICATES = 8
/** Octets of a nonce (RFC 9654, 2.1). */
const MAX_NONCE = 128
/** Octets of a serial number (RFC 5280, 4.1.2.2). */
const MAX_SERIAL = 20
const MAX_EXTENSIONS = 16

/** Which certificate is asked about (RFC 6960, 4.1.1). */
export interface CertId {
  /** Undefined: one that is not computed here. */
  readonly hash: CertIdHash | undefined
  readonly issuerNameHash: Buffer
  readonly issuerKeyHash: Buffer
  /** Magnitude, without leading zeros. */
  readonly serial: Buffer
  /** DER, as it was asked. */
  readonly whole: Buffer
}

export interface OcspRequest {
  readonly certIds: readonly [CertId, ...CertId[]]
  /** DER of the value of the nonce's extension, which the answer repeats. */
  readonly nonce: Buffer | undefined
}

/** Extensions of requests that are known here; critical or not, they change nothing but the nonce. */
const KNOWN: ReadonlySet<string> = new Set([
  OID.ocspNonce,
  OID.ocspResponse,
  OID.ocspServiceLocator,
  OID.ocspPreferredSignature,
])

/**
 * Reads an OCSPRequest (RFC 6960, 4.1.1). Who asks, and the signature, must be well-formed and are not looked at: answers
 * are for everyone.
 * @throws Error where it is malformed
 */
export function readOcspRequest(der: Buffer): OcspRequest {
  if (der.length > MAX_OCSP_REQUEST) throw new Error('too long')
  const request = new Fields(inside(der, TAG.SEQUENCE))
  const tbs = new Fields(elements(request.take(TAG.SEQUENCE).value))
  checkSignature(request.optional(TAG.context(0)))
  request.end()

  // DER leaves the default out; some clients write it.
  const version = tbs.optional(TAG.context(0))
  if (version !== undefined && smallNumber(only(version.value, TAG.INTEGER).value) !== 0)
    throw new Error('a version that there is not')
  const requestor = tbs.optional(TAG.context(1))
  if (requestor !== undefined && elements(requestor.value).length !== 1) throw new Error('not a GeneralName')
  const [first, ...more] = elements(tbs.take(TAG.SEQUENCE).value).map(certIdOf)
  const extensions = extensionsOf(tbs.optional(TAG.context(2)))
  tbs.end()

  if (first === undefined || more.length >= MAX_OCSP_CERTIFICATES)
    throw new Error('no certificate is asked about, or too many')
  return { certIds: [first, ...more], nonce: nonceOf(extensions.get(OID.ocspNonce)) }
}

/** Signature ::= SEQUENCE { signatureAlgorithm, signature, certs [0] OPTIONAL } */
function checkSignature(signed: Element | undefined): void {
  if (signed === undefined) return
  const signature = new Fields(elements(only(signed.value, TAG.SEQUENCE).value))
  algorithmOf(signature.take(TAG.SEQUENCE))
  signature.take(TAG.BIT_STRING)
  const certificates = signature.optional(TAG.context(0))
  if (certificates !== undefined) elements(only(certificates.value, TAG.SEQUENCE).value)
  signature.end()
}

function certIdOf(single: Element): CertId {
  if (single.tag !== TAG.SEQUENCE) throw new Error('not a Request')
  const request = new Fields(elements(single.value))
  const { value, whole } = request.take(TAG.SEQUENCE)
  extensionsOf(request.optional(TAG.context(0)))
  request.end()

  const fields = new Fields(elements(value))
  const hash = HASHES.get(algorithmOf(fields.take(TAG.SEQUENCE)))
  const { value: issuerNameHash } = fields.take(TAG.OCTET_STRING)
  const { value: issuerKeyHash } = fields.take(TAG.OCTET_STRING)
  const serial = magnitude(fields.take(TAG.INTEGER).value)
  fields.end()
  if (serial.length > MAX_SERIAL) throw new Error('no serial number is so long')
  if (hash !== undefined && [issuerNameHash, issuerKeyHash].some(({ length }) => length !== hash.length))
    throw new Error('not a hash of its algorithm')
  return { hash: hash?.name, issuerNameHash, issuerKeyHash, serial, whole }
}

const HASHES: ReadonlyMap<string, { readonly name: CertIdHash; readonly length: number }> = new Map([
  [OID.sha1, { name: 'SHA-1', length: 20 }],
  [OID.sha256, { name: 'SHA-256', length: 32 }],
])

/** Its OID. Parameters are NULL, absent, or something else's business. */
function algorithmOf({ value }: Element): string {
  const [algorithm, , ...more] = elements(value)
  if (algorithm?.tag !== TAG.OID || more.length > 0) throw new Error('not an AlgorithmIdentifier')
  return dottedOid(algorithm.value)
}

/** Values by OID. One that is critical and unknown makes the request one that is not understood (RFC 6960, 4.4). */
function extensionsOf(explicit: Element | undefined): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  if (explicit === undefined) return found
  const all = elements(only(explicit.value, TAG.SEQUENCE).value)
  if (all.length === 0 || all.length > MAX_EXTENSIONS) throw new Error('no extensions, or too many')
  for (const { tag, value } of all) {
    if (tag !== TAG.SEQUENCE) throw new Error('not an Extension')
    const extension = new Fields(elements(value))
    const id = dottedOid(extension.take(TAG.OID).value)
    const critical = extension.optional(TAG.BOOLEAN)
    const { value: held } = extension.take(TAG.OCTET_STRING)
    extension.end()
    if (found.has(id)) throw new Error('an extension stands twice')
    if (isTrue(critical) && !KNOWN.has(id)) throw new Error('a critical extension that is not understood')
    found.set(id, held)
  }
  return found
}

/** FALSE is a default that DER leaves out; some clients write it. */
function isTrue(critical: Element | undefined): boolean {
  if (critical === undefined) return false
  const [octet] = critical.value
  if (critical.value.length !== 1 || (octet !== 0 && octet !== 0xff)) throw new Error('not a BOOLEAN')
  return octet === 0xff
}

/** Nonce ::= OCTET STRING (SIZE(1..128)) (RFC 9654, 2.1); anything else is malformed there. */
function nonceOf(held: Buffer | undefined): Buffer | undefined {
  if (held === undefined) return undefined
  const { length } = only(held, TAG.OCTET_STRING).value
  if (length < 1 || length > MAX_NONCE) throw new Error('not a nonce')
  return held
}

/** The one element that these octets are. */
function only(octets: Buffer, tag: number): Element {
  const [element, ...rest] = elements(octets)
  if (element?.tag !== tag || rest.length > 0) throw new Error('not the expected element')
  return element
}
