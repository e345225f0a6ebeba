import { oid } from '../../hsm/der.ts'
import { printableString, sequence, setOf, utf8String } from '../der/write.ts'
import { Refusal } from '../refusal.ts'
import { isCountry } from './countries.ts'
import { organizationIdentifier, personalIdentifier, type Semantics } from './identifiers.ts'

/**
 * TABLE of the attributes that names are made of, in the order in which they are written: C and serialNumber are
 * PrintableString (X.520, 6.2.9 and 6.3.1), all others UTF8String (RFC 5280, 4.1.2.4). `max`: characters, the upper bounds of
 * RFC 5280, A.1; where those are generous or there is none, X.520's older ones, so that everybody can show the name.
 */
export const nameAttributes = {
  countryName: { oid: '2.5.4.6', short: 'C', printable: true, max: 2 },
  organizationName: { oid: '2.5.4.10', short: 'O', printable: false, max: 64 },
  organizationalUnitName: { oid: '2.5.4.11', short: 'OU', printable: false, max: 64 },
  organizationIdentifier: { oid: '2.5.4.97', short: 'organizationIdentifier', printable: false, max: 128 },
  surname: { oid: '2.5.4.4', short: 'SN', printable: false, max: 64 },
  givenName: { oid: '2.5.4.42', short: 'GN', printable: false, max: 64 },
  pseudonym: { oid: '2.5.4.65', short: 'pseudonym', printable: false, max: 128 },
  serialNumber: { oid: '2.5.4.5', short: 'serialNumber', printable: true, max: 64 },
  commonName: { oid: '2.5.4.3', short: 'CN', printable: false, max: 64 },
} as const
export type AttributeName = keyof typeof nameAttributes
export type Attributes = Readonly<Partial<Record<AttributeName, string>>>

/** A name as a certificate has it. */
export interface Name {
  /** DER of the Name. */
  readonly der: Buffer
  /** As people read and search it, the common name first. */
  readonly text: string
  /** Of its identifier, where that follows EN 319 412-1, 5.1: declared in the certificate. */
  readonly semantics?: Semantics
}

export interface NaturalPerson {
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** One of these two, or both, or else a pseudonym. */
  readonly givenName?: string | undefined
  readonly surname?: string | undefined
  readonly pseudonym?: string | undefined
  /** EN 319 412-1, 5.1.3 identifier such as PNOGR-…; or the person's id here, which tells namesakes apart. */
  readonly serialNumber: string
  /** Absent: made of the others. */
  readonly commonName?: string | undefined
}

/** Subject of a natural person (EN 319 412-2, 4.2.4). @throws Refusal invalid_request */
export function personName(person: NaturalPerson): Name {
  const { country: countryName, givenName, surname, pseudonym, serialNumber } = person
  const hasName = givenName !== undefined || surname !== undefined
  // Somebody who goes by a pseudonym does not also show a name (NAT-4.2.4-4).
  if (hasName === (pseudonym !== undefined)) {
    throw refused('givenName', 'givenName, surname or both, or else pseudonym, name a person')
  }
  const commonName = person.commonName ?? pseudonym ?? called({ givenName, surname })
  const judged = personalIdentifier(serialNumber)
  if ('wrong' in judged) throw refused('serialNumber', judged.wrong)
  const attributes = { countryName, surname, givenName, pseudonym, serialNumber, commonName }
  return { ...name(attributes), semantics: judged.semantics }
}

/**
 * Given name and surname; where that is longer than a common name may be, an initial and the surname, cut: a name that the
 * authority prefers is one, too (EN 319 412-2, NAT-4.2.4-14), and the whole stands in the other attributes.
 */
function called({ givenName = '', surname = '' }: Pick<NaturalPerson, 'givenName' | 'surname'>): string {
  const { max } = nameAttributes.commonName
  const [whole, short] = [
    `${givenName} ${surname}`.trim(),
    `${Array.from(givenName)[0] ?? ''} ${surname}`.trim(),
  ]
  return lengthOf(whole) <= max ? whole : Array.from(short.normalize('NFC')).slice(0, max).join('').trim()
}

export interface LegalPerson {
  readonly country: string
  readonly organization: string
  /** EN 319 412-1, 5.1.4, such as NTRNO-987654321, VATEL-…, LEIXG-…. */
  readonly organizationIdentifier: string
  readonly organizationalUnit?: string | undefined
  /** What the organization is commonly called by. */
  readonly name: string
}

/** Subject of a legal person (EN 319 412-3, 4.2.1). @throws Refusal invalid_request */
export const legalName = (legal: LegalPerson): Name => authorityName(legal)

/** Subject of an authority or a service of ours (EN 319 412-2, 4.2.3.1). @throws Refusal invalid_request */
export function authorityName(
  authority: Pick<LegalPerson, 'country' | 'organization' | 'organizationalUnit' | 'name'> & {
    readonly organizationIdentifier?: string | undefined
  },
): Name {
  const { organizationIdentifier: identifier } = authority
  const judged = identifier === undefined ? { semantics: undefined } : organizationIdentifier(identifier)
  if ('wrong' in judged) throw refused('organizationIdentifier', judged.wrong)
  // It tells the organization from others of its name (LEG-4.2.1-6).
  if (identifier === authority.organization) throw refused('organizationIdentifier', 'is not the name')
  const made = name({
    countryName: authority.country,
    organizationName: authority.organization,
    organizationalUnitName: authority.organizationalUnit,
    organizationIdentifier: identifier,
    commonName: authority.name,
  })
  return { ...made, semantics: judged.semantics }
}

/** Subject of somebody's machine or browser, within an organization. @throws Refusal invalid_request */
export function machineName(machine: { readonly organization: string; readonly name: string }): Name {
  return name({ organizationName: machine.organization, commonName: machine.name })
}

type Given = Readonly<Partial<Record<AttributeName, string | undefined>>>

/** In the table's order, one attribute in each RDN. */
function name(given: Given): Name {
  const rows = (Object.keys(nameAttributes) as AttributeName[]).flatMap((attribute) => {
    const text = given[attribute]
    return text === undefined ? [] : [{ ...nameAttributes[attribute], text: checked(attribute, text) }]
  })
  const rdns = rows.map((row) =>
    setOf(sequence(oid(row.oid), row.printable ? printableString(row.text) : utf8String(row.text))),
  )
  // Most specific first, as RFC 4514 writes names.
  const text = rows.map((row) => `${row.short}=${escaped(row.text)}`).reverse()
  return { der: sequence(...rdns), text: text.join(', ') }
}

const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]+$/
/** Controls, what nobody has assigned, and what turns text around: a name must look like what it is. */
const UNSEEMLY = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** Whether a text may stand in a name. */
export const isNameText = (text: string): boolean => !UNSEEMLY.test(text)

/** As the certificate has it: composed (RFC 5280, 7.1 by way of NFC), without spaces around it. */
function checked(attribute: AttributeName, given: string): string {
  const { printable, max } = nameAttributes[attribute]
  const text = given.normalize('NFC').trim()
  if (text === '') throw refused(attribute, 'is empty')
  if (lengthOf(text) > max) throw refused(attribute, `has at most ${max} characters`)
  if (!isNameText(text)) throw refused(attribute, 'holds a character that no name has')
  if (printable && !PRINTABLE.test(text))
    throw refused(attribute, 'holds a character that is not printable ASCII')
  if (attribute === 'countryName' && !isCountry(text)) throw refused('country', 'is a country of ISO 3166-1')
  return text
}

/** How the text of a name begins whose common name begins so: what certificates are searched by. */
export const subjectPrefix = (commonName: string): string =>
  `${nameAttributes.commonName.short}=${escaped(commonName.normalize('NFC'))}`

/** RFC 4514, 2.4. */
export const escaped = (text: string): string => text.replaceAll(/[,+"\\<>;]/g, '\\$&').replace(/^#/, '\\#')

const lengthOf = (text: string): number => Array.from(text.normalize('NFC')).length

const refused = (what: string, why: string): Refusal =>
  new Refusal('invalid_request', `subject.${what}: ${why}`)
