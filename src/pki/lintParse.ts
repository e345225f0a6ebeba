import { Fields, elements, inside, timeOf, type Element } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { dotted } from './lintOid.ts'

/** Of a name, one attribute. */
export interface ReadAttribute {
  readonly oid: string
  readonly tag: number
  readonly content: Buffer
}

export interface ReadExtension {
  readonly oid: string
  readonly critical: boolean
  /** What the OCTET STRING holds. */
  readonly value: Buffer
}

/** A TBSCertificate (RFC 5280, 4.1.2) as it was read: what follows no rule is in here, for the rules to find. */
export interface ReadTbs {
  /** Contents of the INTEGER; undefined: version 1. */
  readonly version: number | undefined
  /** Contents of the INTEGER. */
  readonly serial: Buffer
  /** DER of the AlgorithmIdentifier. */
  readonly signature: Buffer
  /** DER of the Names, and what they hold, RDN by RDN. */
  readonly issuer: { readonly der: Buffer; readonly rdns: readonly (readonly ReadAttribute[])[] }
  readonly subject: { readonly der: Buffer; readonly rdns: readonly (readonly ReadAttribute[])[] }
  readonly notBefore: Element
  readonly notAfter: Element
  readonly from: Date
  readonly to: Date
  readonly spki: { readonly der: Buffer; readonly algorithm: readonly Element[]; readonly key: Buffer }
  readonly uniqueIds: boolean
  readonly extensions: readonly ReadExtension[]
}

/** Reads a TBSCertificate; knows nothing of how ours are written. @throws Error on anything but DER of that form */
export function readTbs(tbs: Buffer): ReadTbs {
  const fields = new Fields(inside(tbs, TAG.SEQUENCE))
  const version = fields.optional(TAG.context(0))
  const serial = fields.take(TAG.INTEGER).value
  const signature = fields.take(TAG.SEQUENCE).whole
  const issuer = fields.take(TAG.SEQUENCE)
  const [notBefore, notAfter, ...more] = elements(fields.take(TAG.SEQUENCE).value)
  if (notBefore === undefined || notAfter === undefined || more.length > 0) throw new Error('not a Validity')
  const subject = fields.take(TAG.SEQUENCE)
  const spki = fields.take(TAG.SEQUENCE)
  const issuerId = fields.optional(TAG.primitive(1))
  const subjectId = fields.optional(TAG.primitive(2))
  const extensions = fields.optional(TAG.context(3))
  fields.end()
  return {
    version: version && versionOf(version),
    serial,
    signature,
    issuer: { der: issuer.whole, rdns: readName(issuer) },
    subject: { der: subject.whole, rdns: readName(subject) },
    notBefore,
    notAfter,
    from: timeOf(notBefore),
    to: timeOf(notAfter),
    spki: readSpki(spki),
    uniqueIds: issuerId !== undefined || subjectId !== undefined,
    extensions: extensions === undefined ? [] : readExtensions(extensions),
  }
}

function versionOf({ value }: Element): number {
  const [version, ...more] = elements(value)
  if (version?.tag !== TAG.INTEGER || more.length > 0) throw new Error('not a Version')
  return version.value.readIntBE(0, Math.min(version.value.length, 6))
}

function readName({ value }: Element): ReadAttribute[][] {
  return elements(value).map((rdn) => {
    if (rdn.tag !== TAG.SET) throw new Error('not a RelativeDistinguishedName')
    return elements(rdn.value).map((attribute) => {
      const fields = new Fields(inside(attribute.whole, TAG.SEQUENCE))
      const oid = dotted(fields.take(TAG.OID).value)
      const { tag, value: content } = fields.any()
      fields.end()
      return { oid, tag, content }
    })
  })
}

function readSpki(spki: Element): ReadTbs['spki'] {
  const fields = new Fields(elements(spki.value))
  const algorithm = elements(fields.take(TAG.SEQUENCE).value)
  const bits = fields.take(TAG.BIT_STRING).value
  fields.end()
  if (bits[0] !== 0) throw new Error('a key of unused bits')
  return { der: spki.whole, algorithm, key: bits.subarray(1) }
}

function readExtensions(explicit: Element): ReadExtension[] {
  return inside(explicit.value, TAG.SEQUENCE).map((one) => {
    const fields = new Fields(inside(one.whole, TAG.SEQUENCE))
    const oid = dotted(fields.take(TAG.OID).value)
    const critical = fields.optional(TAG.BOOLEAN)
    const { value } = fields.take(TAG.OCTET_STRING)
    fields.end()
    // DEFAULT FALSE is not written, and TRUE is all ones (X.690, 11.1 and 11.5).
    if (critical !== undefined && !critical.value.equals(TRUE)) throw new Error('not a BOOLEAN of DER')
    return { oid, critical: critical !== undefined, value }
  })
}

const TRUE = Buffer.from([0xff])
