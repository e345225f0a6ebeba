import { isCountry } from './countries.ts'
import { OID } from './oids.ts'

/** What an identifier says of itself: the semantics that a certificate may declare for it; undefined: it follows none. */
export type Semantics = typeof OID.semanticsNatural | typeof OID.semanticsLegal | undefined

/** Passport, identity card, national personal number, tax number (EN 319 412-1, 5.1.3). */
const PERSONAL = new Set(['PAS', 'IDC', 'PNO', 'TIN'])
/** Of an older edition, and still in use: no semantics are declared for it. */
const PERSONAL_OLD = new Set(['TAX'])
/** Value added tax, trade register, payment service's licence, legal entity identifier (EN 319 412-1, 5.1.4). */
const OF_ORGANIZATIONS = new Set(['VAT', 'NTR', 'PSD', 'LEI'])
/** LEIs are of no country (EN 319 412-1, 5.1.4). */
const GLOBAL = 'XG'
/** What tax authorities call Greece and Northern Ireland. */
const TAX_COUNTRIES = new Set(['EL', 'XI'])

/** Its characters are those of a PrintableString. */
const IDENTIFIER = /^([A-Z]{3}|[A-Z]{2}:)([A-Z]{2})-([A-Za-z0-9'()+,\-./:=?]+)$/
/** The pseudonymous one that a person without an identifier gets: its id here. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * A natural person's identifier (EN 319 412-1, 5.1.3): three letters that say what it is, a country, a hyphen, the number.
 * @returns the semantics; or the sentence that says what is wrong
 */
export function personalIdentifier(text: string): { semantics: Semantics } | { wrong: string } {
  if (UUID.test(text)) return { semantics: undefined }
  const [, type, country = ''] = IDENTIFIER.exec(text) ?? []
  if (type === undefined) return { wrong: 'is an identifier such as PNONO-12345678901' }
  if (!isCountry(country)) return { wrong: `names a country that is none: ${country}` }
  if (type.endsWith(':') || PERSONAL_OLD.has(type)) return { semantics: undefined }
  if (!PERSONAL.has(type)) return { wrong: `begins with PAS, IDC, PNO or TIN, not with ${type}` }
  return { semantics: OID.semanticsNatural }
}

/**
 * An organization's identifier (EN 319 412-1, 5.1.4).
 * @returns as personalIdentifier
 */
export function organizationIdentifier(text: string): { semantics: Semantics } | { wrong: string } {
  const [, type, country = '', reference = ''] = IDENTIFIER.exec(text) ?? []
  if (type === undefined) return { wrong: 'is an identifier such as NTRNO-987654321' }
  if (type === 'LEI') {
    return country === GLOBAL && isLei(reference)
      ? { semantics: OID.semanticsLegal }
      : { wrong: 'is LEIXG- and a legal entity identifier with its check digits (ISO 17442)' }
  }
  if (!isCountry(country) && !(type === 'VAT' && TAX_COUNTRIES.has(country)))
    return { wrong: `names a country that is none: ${country}` }
  if (type.endsWith(':')) return { semantics: undefined }
  if (!OF_ORGANIZATIONS.has(type)) return { wrong: `begins with VAT, NTR, PSD or LEI, not with ${type}` }
  return { semantics: OID.semanticsLegal }
}

/** ISO 17442: 18 letters and digits, two check digits by ISO 7064, MOD 97-10. */
function isLei(text: string): boolean {
  if (!/^[A-Z0-9]{18}[0-9]{2}$/.test(text)) return false
  const digits = Array.from(text, (character) => Number.parseInt(character, 36)).join('')
  return BigInt(digits) % 97n === 1n
}
