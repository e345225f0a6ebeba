import { TAG } from '../der/tags.ts'
import { isCountry } from './countries.ts'
import { organizationIdentifier, personalIdentifier } from './identifiers.ts'
import type { Linted, Rule } from './lint.ts'
import type { ReadAttribute } from './lintParse.ts'
import { semanticsOf } from './lintStatements.ts'
import type { SubjectForm } from './profiles.ts'

const AT = {
  commonName: '2.5.4.3',
  surname: '2.5.4.4',
  serialNumber: '2.5.4.5',
  country: '2.5.4.6',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  givenName: '2.5.4.42',
  pseudonym: '2.5.4.65',
  organizationIdentifier: '2.5.4.97',
} as const

/** Characters (RFC 5280, A.1). */
const BOUNDS: ReadonlyMap<string, number> = new Map([
  [AT.commonName, 64],
  [AT.surname, 32_768],
  [AT.serialNumber, 64],
  [AT.country, 2],
  [AT.organization, 64],
  [AT.organizationalUnit, 64],
  [AT.givenName, 32_768],
  [AT.pseudonym, 128],
  [AT.organizationIdentifier, 128],
])
const PRINTABLE: ReadonlySet<string> = new Set([AT.country, AT.serialNumber])

/** What each form must hold (EN 319 412-2, 4.2.3.1 and 4.2.4; EN 319 412-3, 4.2.1). */
const REQUIRED: Readonly<Record<SubjectForm, readonly (keyof typeof AT)[]>> = {
  'natural person': ['country', 'commonName', 'serialNumber'],
  'legal person': ['country', 'organization', 'organizationIdentifier', 'commonName'],
  authority: ['country', 'organization', 'commonName'],
  machine: ['organization', 'commonName'],
}
/** What each form may hold besides. */
const ALLOWED: Readonly<Record<SubjectForm, readonly (keyof typeof AT)[]>> = {
  'natural person': ['givenName', 'surname', 'pseudonym'],
  'legal person': ['organizationalUnit'],
  authority: ['organizationalUnit', 'organizationIdentifier'],
  machine: [],
}

const attributes = ({ tbs }: Linted): readonly ReadAttribute[] => tbs.subject.rdns.flat()
const valuesOf = (on: Linted, name: keyof typeof AT): Buffer[] =>
  attributes(on)
    .filter(({ oid }) => oid === AT[name])
    .map(({ content }) => content)
const nameOf = (oid: string): string => Object.entries(AT).find(([, known]) => known === oid)?.[0] ?? oid

const strict = new TextDecoder('utf-8', { fatal: true })
const PRINTABLE_TEXT = /^[A-Za-z0-9 '()+,\-./:=?]*$/
const SPOILT = /^\s|\s$|[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** TABLE of rules about the subject's name. */
export const nameRules: readonly Rule[] = [
  {
    id: 'subject_is_not_empty',
    clause: 'RFC 5280, 4.1.2.6',
    severity: 'error',
    check: (on) => (attributes(on).length > 0 ? undefined : 'the subject is empty'),
  },
  {
    id: 'name_is_of_single_attributes',
    clause: 'EN 319 412-2, 4.2.3.1 and 4.2.4; EN 319 412-3, 4.2.1',
    severity: 'error',
    check: (on) => {
      if (on.tbs.subject.rdns.some((rdn) => rdn.length !== 1)) return 'an RDN has one attribute'
      const oids = attributes(on).map(({ oid }) => oid)
      return new Set(oids).size === oids.length ? undefined : 'an attribute stands there twice'
    },
  },
  {
    id: 'name_strings_are_of_their_type',
    clause: 'RFC 5280, 4.1.2.4; X.520, 6.2.9 and 6.3.1; EN 319 412-2, 4.2.4',
    severity: 'error',
    check: (on) => firstOf(on, encodingProblem),
  },
  {
    id: 'name_strings_are_within_bounds',
    clause: 'RFC 5280, A.1',
    severity: 'error',
    check: (on) =>
      firstOf(on, ({ oid, content }) => {
        const length = Array.from(content.toString('utf8')).length
        const most = BOUNDS.get(oid) ?? 0
        return length >= 1 && length <= most ? undefined : `${length} characters, of ${most}`
      }),
  },
  {
    id: 'name_strings_look_like_what_they_are',
    clause: 'RFC 5280, 7.1; RFC 4518, 2',
    severity: 'error',
    check: (on) =>
      firstOf(on, ({ content }) => {
        const text = content.toString('utf8')
        if (text.normalize('NFC') !== text) return 'not composed (NFC)'
        return SPOILT.test(text) ? 'a control, or space around it' : undefined
      }),
  },
  {
    id: 'country_is_of_iso_3166',
    clause: 'X.520, 6.3.1; EN 319 412-2, 4.2.4',
    severity: 'error',
    check: (on) =>
      valuesOf(on, 'country').every((code) => isCountry(code.toString('latin1')))
        ? undefined
        : 'not a country of ISO 3166-1',
  },
  {
    id: 'subject_holds_what_its_form_wants',
    clause: 'EN 319 412-2, 4.2.3.1-2 and NAT-4.2.4-1; EN 319 412-3, LEG-4.2.1-2',
    severity: 'error',
    check: (on) => {
      const missing = REQUIRED[on.profile.subject].find((name) => valuesOf(on, name).length === 0)
      return missing === undefined ? undefined : `${missing} is missing`
    },
  },
  {
    id: 'subject_holds_nothing_else',
    clause: 'EN 319 412-2, 4.2.4; EN 319 412-3, 4.2.1',
    severity: 'error',
    check: (on) => {
      const { subject } = on.profile
      const known = new Set<string>([...REQUIRED[subject], ...ALLOWED[subject]].map((name) => AT[name]))
      const odd = attributes(on).find(({ oid }) => !known.has(oid))
      return odd === undefined ? undefined : `${nameOf(odd.oid)} has no place in it`
    },
  },
  {
    id: 'person_has_a_name_or_a_pseudonym',
    clause: 'EN 319 412-2, NAT-4.2.4-1 and NAT-4.2.4-4',
    severity: 'error',
    check: (on) => {
      if (on.profile.subject !== 'natural person') return undefined
      const named = [...valuesOf(on, 'givenName'), ...valuesOf(on, 'surname')].length > 0
      return named === valuesOf(on, 'pseudonym').length > 0 ? 'one of the two, and not both' : undefined
    },
  },
  {
    id: 'organization_is_not_its_identifier',
    clause: 'EN 319 412-3, LEG-4.2.1-6',
    severity: 'error',
    check: (on) => {
      const [name] = valuesOf(on, 'organization')
      return name !== undefined && valuesOf(on, 'organizationIdentifier').some((id) => id.equals(name))
        ? 'the identifier is the name'
        : undefined
    },
  },
  {
    id: 'semantics_are_followed',
    clause: 'EN 319 412-1, 5.1.3 and 5.1.4',
    severity: 'error',
    check: semanticsProblem,
  },
]

function firstOf(on: Linted, problem: (attribute: ReadAttribute) => string | undefined): string | undefined {
  for (const attribute of attributes(on)) {
    const wrong = problem(attribute)
    if (wrong !== undefined) return `${nameOf(attribute.oid)}: ${wrong}`
  }
  return undefined
}

function encodingProblem({ oid, tag, content }: ReadAttribute): string | undefined {
  if (PRINTABLE.has(oid)) {
    if (tag !== TAG.PRINTABLE_STRING) return 'is a PrintableString'
    return PRINTABLE_TEXT.test(content.toString('latin1')) ? undefined : 'not printable'
  }
  if (tag !== TAG.UTF8_STRING) return 'is a UTF8String'
  try {
    strict.decode(content)
    return undefined
  } catch {
    return 'not UTF-8'
  }
}

/** What is declared is so, and what follows a scheme declares it. */
function semanticsProblem(on: Linted): string | undefined {
  const { subject } = on.profile
  const isPerson = subject === 'natural person'
  const [content] = valuesOf(on, isPerson ? 'serialNumber' : 'organizationIdentifier')
  const declared = semanticsOf(on)
  if (content === undefined)
    return declared === undefined ? undefined : 'declared for an identifier that is missing'
  const judged = (isPerson ? personalIdentifier : organizationIdentifier)(content.toString('utf8'))
  if ('wrong' in judged) return 'the identifier is of no scheme'
  return judged.semantics === declared
    ? undefined
    : 'the identifier does not follow what is declared, or the reverse'
}
