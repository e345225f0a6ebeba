import { createHash } from 'node:crypto'
import { oid, tlv } from '../../hsm/der.ts'
import { inside } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import {
  derNull,
  derTrue,
  extension,
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

export const keyUsage = (usages: readonly KeyUsage[]): Buffer =>
  extension(OID.keyUsage, namedBits(usages.map((usage) => keyUsages[usage])), { critical: true })

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

/** Whoever believes the responder's certificate need not ask about it (RFC 6960, 4.2.2.2.1). */
export const ocspNoCheck: Buffer = extension(OID.ocspNoCheck, derNull)

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
