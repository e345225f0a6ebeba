import { dottedOid, elements, inside, type Element } from '../../der/read.ts'
import { TAG } from '../../der/tags.ts'

/**
 * Keywords that RFC 4514 and Java's X500Principal both read, or that only Java reads but reads well (SURNAME,
 * GIVENNAME, SERIALNUMBER). Short forms such as SN=, G= and E= break Java clients. Everything else, among it
 * organizationIdentifier, is written with its OID and in hex.
 */
const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.4', 'SURNAME'],
  ['2.5.4.5', 'SERIALNUMBER'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.42', 'GIVENNAME'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
])

/** A Name (RFC 5280, 4.1.2.4), DER, as a string by RFC 4514: the most specific part first. @throws Error on other DER. */
export function distinguishedName(name: Buffer): string {
  return inside(name, TAG.SEQUENCE)
    .map((rdn) => inside(rdn.whole, TAG.SET).map(attribute).join('+'))
    .reverse()
    .join(',')
}

function attribute(element: Element): string {
  const [type, value, ...rest] = inside(element.whole, TAG.SEQUENCE)
  if (type?.tag !== TAG.OID || value === undefined || rest.length > 0) throw new Error('not an attribute')
  const oid = dottedOid(type.value)
  const keyword = KEYWORDS.get(oid)
  const text = keyword === undefined ? undefined : stringOf(value)
  if (keyword === undefined || text === undefined) return `${oid}=#${value.whole.toString('hex')}`
  return `${keyword}=${escaped(text)}`
}

/** The text of a string type; undefined for what is no string. */
function stringOf({ tag, value }: Element): string | undefined {
  if (tag === TAG.UTF8_STRING) return value.toString('utf8')
  if (tag === TAG.PRINTABLE_STRING || tag === TAG.IA5_STRING) return value.toString('latin1')
  if (tag === TAG.TELETEX_STRING) return value.toString('latin1')
  if (tag === TAG.BMP_STRING && value.length % 2 === 0) return Buffer.from(value).swap16().toString('utf16le')
  return undefined
}

/** RFC 4514, 2.4; control characters as hex pairs. */
function escaped(text: string): string {
  return text
    .replaceAll(/["+,;<>\\]/g, '\\$&')
    .replaceAll(/^[ #]| $/g, '\\$&')
    .replaceAll(/\p{Cc}/gu, (character) => {
      const octets = Buffer.from(character, 'utf8').toString('hex').toUpperCase()
      return octets.replaceAll(/../g, '\\$&')
    })
}

/** What the CSC API shows of a certificate. */
export interface CertificateNames {
  readonly issuerDN: string
  readonly subjectDN: string
  /** Hex, upper case, without leading zeros beyond whole octets. */
  readonly serialNumber: string
}

/** @param der an X.509 certificate. @throws Error on other DER */
export function certificateNames(der: Buffer): CertificateNames {
  const [tbs] = inside(der, TAG.SEQUENCE)
  const fields = elements(tbs?.value ?? Buffer.alloc(0))
  // A version 1 certificate has no [0] in front.
  const [serial, , issuer, , subject] = fields[0]?.tag === TAG.context(0) ? fields.slice(1) : fields
  if (!serial || !issuer || !subject) throw new Error('not a certificate')
  // The sign octet of a large INTEGER is no part of the number.
  const { value } = serial
  const number = value.length > 1 && value[0] === 0 ? value.subarray(1) : value
  return {
    issuerDN: distinguishedName(issuer.whole),
    subjectDN: distinguishedName(subject.whole),
    serialNumber: number.toString('hex').toUpperCase(),
  }
}
