/** Revocation lists as they are read, by octets alone: one of a million entries is never a million objects. */
import { elements, Fields, inside, magnitude, smallNumber, timeOf, type Element } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { dotted } from './lintOid.ts'
import type { ReadExtension } from './lintParse.ts'
import { OID } from './oids.ts'

export interface ReadList {
  /** DER of what is signed, of its AlgorithmIdentifier, and the signature. */
  readonly tbs: Buffer
  readonly algorithm: Buffer
  readonly signature: Buffer
  /** DER of the Name. */
  readonly issuer: Buffer
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  readonly number: number
  /** The address in its issuingDistributionPoint, which is critical; undefined: it has none. */
  readonly uri: string | undefined
  /** Octets of the entries, one after the other. */
  readonly entries: Buffer
}

export interface ReadEntry {
  /** A magnitude, in hexadecimal digits. */
  readonly serial: string
  /** Since 1970. */
  readonly seconds: number
  /** CRLReason (RFC 5280, 5.3.1). */
  readonly reason: number
}

/** A CertificateList of version 2 (RFC 5280, 5.1). @throws Error on anything but DER of that form */
export function readList(der: Buffer): ReadList {
  const [outer, ...more] = parts(der)
  if (outer?.tag !== TAG.SEQUENCE || more.length > 0) throw new Error('not a list')
  const [tbs, algorithm, bits, ...rest] = parts(outer.value)
  if (tbs?.tag !== TAG.SEQUENCE || algorithm === undefined || bits?.tag !== TAG.BIT_STRING || rest.length > 0)
    throw new Error('not a list')
  const fields = new Fields(parts(tbs.value))
  const version = smallNumber(fields.take(TAG.INTEGER).value)
  const inner = fields.take(TAG.SEQUENCE)
  const issuer = fields.take(TAG.SEQUENCE)
  const thisUpdate = timeOf(fields.any())
  const next = fields.optional(TAG.UTC_TIME) ?? fields.optional(TAG.GENERALIZED_TIME)
  const entries = fields.optional(TAG.SEQUENCE)
  const extensions = extensionsIn(fields.take(TAG.context(0)))
  fields.end()
  if (version !== 1 || bits.value[0] !== 0 || !inner.whole.equals(algorithm.whole))
    throw new Error('not a list of version 2')
  return {
    tbs: tbs.whole,
    algorithm: algorithm.whole,
    signature: bits.value.subarray(1),
    issuer: issuer.whole,
    thisUpdate,
    nextUpdate: next && timeOf(next),
    number: numberIn(extensions),
    uri: uriIn(extensions),
    entries: entries?.value ?? Buffer.alloc(0),
  }
}

/** Its entries, one at a time. @throws Error */
export function* entriesOf({ entries }: ReadList): Generator<ReadEntry> {
  for (let at = 0; at < entries.length;) {
    // Ours are below 128 octets, and so is each that has a serial, a time and a reason.
    const end = at + 2 + (entries[at + 1] ?? 0)
    const [serial, time, extensions, ...more] = inside(entries.subarray(at, end), TAG.SEQUENCE)
    if (serial?.tag !== TAG.INTEGER || time === undefined || more.length > 0) throw new Error('not an entry')
    yield {
      serial: magnitude(serial.value).toString('hex'),
      seconds: timeOf(time).getTime() / 1000,
      reason: extensions === undefined ? 0 : reasonIn(extensions),
    }
    at = end
  }
}

function reasonIn(list: Element): number {
  const [one, ...more] = elements(list.value)
  const [oid, octets, ...rest] = one === undefined ? [] : elements(one.value)
  if (oid?.tag !== TAG.OID || octets?.tag !== TAG.OCTET_STRING || more.length + rest.length > 0)
    throw new Error('not a reason')
  const [code] = elements(octets.value)
  if (dotted(oid.value) !== OID.cRLReason || code?.tag !== TAG.ENUMERATED) throw new Error('not a reason')
  return smallNumber(code.value)
}

/** As elements() does, of what may be longer than anything that strangers send. */
function parts(octets: Buffer): Element[] {
  const found: Element[] = []
  for (let start = 0; start < octets.length;) {
    const first = octets[start + 1] ?? 0x80
    const long = first < 0x80 ? 0 : first & 0x7f
    const from = start + 2 + long
    if (first === 0x80 || long > 4 || octets.length < from) throw new Error('not DER')
    const end = from + (long === 0 ? first : octets.readUIntBE(start + 2, long))
    if (end > octets.length) throw new Error('not DER')
    found.push({
      tag: octets[start] ?? 0,
      value: octets.subarray(from, end),
      whole: octets.subarray(start, end),
    })
    start = end
  }
  return found
}

function extensionsIn(explicit: Element): ReadExtension[] {
  return inside(explicit.value, TAG.SEQUENCE).map((one) => {
    const fields = new Fields(inside(one.whole, TAG.SEQUENCE))
    const oid = dotted(fields.take(TAG.OID).value)
    const critical = fields.optional(TAG.BOOLEAN) !== undefined
    const { value } = fields.take(TAG.OCTET_STRING)
    fields.end()
    return { oid, critical, value }
  })
}

function numberIn(extensions: readonly ReadExtension[]): number {
  const [number] = elements(extensions.find(({ oid }) => oid === OID.cRLNumber)?.value ?? Buffer.alloc(0))
  if (number?.tag !== TAG.INTEGER) throw new Error('a list without a number')
  return smallNumber(number.value)
}

/** IssuingDistributionPoint: one address, and nothing else (RFC 5280, 5.2.5). */
function uriIn(extensions: readonly ReadExtension[]): string | undefined {
  const found = extensions.find(({ oid }) => oid === OID.issuingDistributionPoint)
  if (found === undefined) return undefined
  const [point, ...more] = inside(found.value, TAG.SEQUENCE)
  const [fullName] = point === undefined ? [] : inside(point.whole, TAG.context(0))
  const [uri, ...others] = fullName === undefined ? [] : inside(fullName.whole, TAG.context(0))
  if (uri?.tag !== TAG.primitive(6) || !found.critical || more.length + others.length > 0)
    throw new Error('an issuingDistributionPoint that is not critical, or not one address')
  return uri.value.toString('latin1')
}
