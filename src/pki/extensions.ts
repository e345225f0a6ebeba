import { createHash } from 'node:crypto'
import { oid, tlv } from '../../hsm/der.ts'
import { inside } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import {
  context,
  derNull,
  derTrue,
  extension,
  generalizedTime,
  ia5String,
  namedBits,
  octetString,
  primitive,
  sequence,
  smallInteger,
} from '../der/write.ts'
import { OID } from './oids.ts'

/** TABLE of the bits of keyUsage (RFC 5280, 4.2.1.3). */
export const keyUsages = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyCertSign: 5,
  cRLSign: 6,
} as const
export type KeyUsage = keyof typeof keyUsages

/** TABLE of the extensions that are the same in each certificate that has them. */
export const marks = {
  /** Whoever believes the responder's certificate need not ask about it (RFC 6960, 4.2.2.2.1). */
  ocspNoCheck: extension(OID.ocspNoCheck, derNull),
  /** It ends before anybody could revoke it (EN 319 412-1, 5.2). */
  validityAssured: extension(OID.validityAssured, derNull),
  /** Nowhere is it said whether it was revoked (RFC 9608, 2). */
  noRevAvail: extension(OID.noRevAvail, derNull),
} as const
export type Mark = keyof typeof marks

export const keyUsage = (usages: readonly KeyUsage[]): Buffer =>
  extension(OID.keyUsage, namedBits(usages.map((usage) => keyUsages[usage])), { critical: true })

/** Until when the key signs, where that is before the certificate ends (RFC 3280, 4.2.1.4; EN 319 421, 7.6). */
export function privateKeyUsagePeriod(period: { readonly notBefore: Date; readonly notAfter: Date }): Buffer {
  const contents = (time: Date): Buffer => generalizedTime(time).subarray(2)
  const { notBefore, notAfter } = period
  return extension(
    OID.privateKeyUsagePeriod,
    sequence(primitive(0, contents(notBefore)), primitive(1, contents(notAfter))),
  )
}

/** Of an authority. @param pathLength undefined: any */
export function basicConstraints(pathLength: number | undefined): Buffer {
  const limit = pathLength === undefined ? [] : [smallInteger(pathLength)]
  return extension(OID.basicConstraints, sequence(derTrue, ...limit), { critical: true })
}

export const subjectKeyIdentifier = (spki: Buffer): Buffer =>
  extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(spki)))

export const authorityKeyIdentifier = (spki: Buffer): Buffer =>
  extension(OID.authorityKeyIdentifier, sequence(primitive(0, keyIdentifier(spki))))

/** One purpose. @param options.critical as RFC 3161, 2.3 wants it of a TSU */
export const extKeyUsage = (purpose: string, options: { readonly critical: boolean }): Buffer =>
  extension(OID.extKeyUsage, sequence(oid(purpose)), options)

/** RFC 5280, 4.2.1.4. @param cps address of the certification practice statement, where there is one */
export function certificatePolicies(policies: readonly string[], cps: string | undefined): Buffer {
  const qualifiers = cps === undefined ? [] : [sequence(sequence(oid(OID.cps), ia5String(cps)))]
  // RFC 5280, 4.2.1.4 has qualifiers for anyPolicy, too; there is no statement that it could name.
  const informations = policies.map((policy) =>
    sequence(oid(policy), ...(policy === OID.anyPolicy ? [] : qualifiers)),
  )
  return extension(OID.certificatePolicies, sequence(...informations))
}

/** One list, at one address, of all reasons, by the issuer itself (RFC 5280, 4.2.1.13). */
export const crlDistributionPoint = (url: string): Buffer =>
  extension(OID.cRLDistributionPoints, sequence(sequence(context(0, context(0, uri(url))))))

/** RFC 5280, 4.2.2.1. */
export function authorityInfoAccess(at: { readonly ocsp?: string; readonly caIssuers: string }): Buffer {
  const responder = at.ocsp === undefined ? [] : [sequence(oid(OID.ocsp), uri(at.ocsp))]
  return extension(
    OID.authorityInfoAccess,
    sequence(...responder, sequence(oid(OID.caIssuers), uri(at.caIssuers))),
  )
}

/** GeneralName (RFC 5280, 4.2.1.6). */
const uri = (url: string): Buffer => primitive(6, Buffer.from(url, 'ascii'))

/** Leftmost 160 bits of the SHA-256 of the public key's BIT STRING (RFC 7093, 2, method 1). */
export function keyIdentifier(spki: Buffer): Buffer {
  return createHash('sha256').update(subjectPublicKey(spki)).digest().subarray(0, 20)
}

/** Contents of the BIT STRING, without the octet that counts unused bits: what key hashes are made of (RFC 6960, 4.1.1). */
export function subjectPublicKey(spki: Buffer): Buffer {
  const [, bits] = inside(spki, TAG.SEQUENCE)
  if (bits?.tag !== TAG.BIT_STRING) throw new Error('not a SubjectPublicKeyInfo')
  return bits.value.subarray(1)
}

/** BIT STRING of whole octets around a signature. */
export const signatureBits = (signature: Buffer): Buffer => tlv(TAG.BIT_STRING, Buffer.from([0]), signature)
