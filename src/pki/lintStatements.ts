import { Fields, elements, inside, type Element } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import type { Linted, Rule } from './lint.ts'
import { dotted } from './lintOid.ts'
import type { ReadExtension } from './lintParse.ts'
import { OID } from './oids.ts'

const HTTPS = /^https:\/\/[\x21-\x7e]+$/
const LANGUAGE = /^[a-z]{2}$/

/** TABLE of rules about QCStatements. */
export const statementRules: readonly Rule[] = [
  {
    id: 'statements_stand_once',
    clause: 'RFC 3739, 3.2.6',
    severity: 'error',
    check: (on) => {
      if (on.extension(OID.qcStatements) === undefined) return undefined
      const ids = statements(on).map(({ id }) => id)
      if (ids.length === 0) return 'an empty list of statements'
      return new Set(ids).size === ids.length ? undefined : 'one stands there twice'
    },
  },
  {
    id: 'statements_are_known',
    clause: 'EN 319 412-5, 4.2 and 4.3',
    severity: 'error',
    check: (on) => {
      const known: readonly string[] = [OID.qcSyntaxV2, OID.qcCompliance, OID.qcSscd, OID.qcPds, OID.qcType]
      const odd = statements(on).find(({ id }) => !known.includes(id))
      return odd === undefined ? undefined : `${odd.id} is of no profile`
    },
  },
  {
    id: 'qualified_is_what_the_profile_says',
    clause: 'EN 319 412-5, 4.2.1; EN 319 412-2, QCS-5.1',
    severity: 'error',
    check: (on) => asProfile(on, OID.qcCompliance, on.profile.qualified !== undefined),
  },
  {
    id: 'device_is_what_the_profile_says',
    clause: 'EN 319 412-5, 4.2.2',
    severity: 'error',
    check: (on) => asProfile(on, OID.qcSscd, on.profile.qualified?.sscd === true),
  },
  {
    id: 'type_is_the_one_of_the_profile',
    clause: 'EN 319 412-5, 4.2.3',
    severity: 'error',
    check: (on) => {
      const info = find(on, OID.qcType)?.info
      const types = info === undefined ? [] : oids(info)
      const expected = on.profile.qualified === undefined ? [] : [on.profile.qualified.type]
      return types.join() === expected.join() ? undefined : 'not exactly the type of the profile'
    },
  },
  {
    id: 'disclosure_statements_are_https_and_english',
    clause: 'EN 319 412-5, 4.3.4',
    severity: 'error',
    check: pdsProblem,
  },
  {
    id: 'semantics_name_a_scheme',
    clause: 'RFC 3739, 3.2.6.1; EN 319 412-1, 5.1',
    severity: 'error',
    check: (on) => {
      const semantics = semanticsOf(on)
      const known: readonly string[] = [OID.semanticsNatural, OID.semanticsLegal]
      return semantics === undefined || known.includes(semantics) ? undefined : 'of no scheme'
    },
  },
]

export interface Statement {
  readonly id: string
  readonly info: Element | undefined
}

/** Taken apart once, however many rules ask. */
const taken = new WeakMap<ReadExtension, readonly Statement[]>()

function statements({ extension }: Linted): readonly Statement[] {
  const found = extension(OID.qcStatements)
  if (found === undefined) return []
  const known = taken.get(found) ?? statementsIn(found)
  taken.set(found, known)
  return known
}

/** @throws Error */
export function statementsIn({ value }: ReadExtension): Statement[] {
  return inside(value, TAG.SEQUENCE).map((one) => {
    const fields = new Fields(inside(one.whole, TAG.SEQUENCE))
    const id = dotted(fields.take(TAG.OID).value)
    const info = fields.optional(TAG.SEQUENCE)
    fields.end()
    return { id, info }
  })
}

const find = (on: Linted, id: string): Statement | undefined => statements(on).find((one) => one.id === id)

/** A statement that says all by being there. */
function asProfile(on: Linted, id: string, expected: boolean): string | undefined {
  const found = find(on, id)
  if (found?.info !== undefined) return 'it holds something'
  return (found !== undefined) === expected ? undefined : 'missing, or there although the profile has none'
}

export const oids = ({ value }: Element): string[] =>
  elements(value).map((one) => {
    if (one.tag !== TAG.OID) throw new Error('not an OID')
    return dotted(one.value)
  })

function pdsProblem(on: Linted): string | undefined {
  const info = find(on, OID.qcPds)?.info
  const isWanted = on.profile.qualified !== undefined
  if (info === undefined || !isWanted) {
    return (info !== undefined) === isWanted ? undefined : 'missing, or there although the profile has none'
  }
  const locations = disclosures(info)
  if (!locations.every(({ url }) => HTTPS.test(url))) return 'reached by https'
  if (!locations.every(({ language }) => LANGUAGE.test(language))) return 'a language is two small letters'
  return locations.some(({ language }) => language === 'en') ? undefined : 'one is in English'
}

/** Where PKI disclosure statements are. @throws Error */
export const disclosures = (info: Element): { readonly url: string; readonly language: string }[] =>
  inside(info.whole, TAG.SEQUENCE).map((one) => {
    const fields = new Fields(inside(one.whole, TAG.SEQUENCE))
    const url = fields.take(TAG.IA5_STRING).value.toString('latin1')
    const language = fields.take(TAG.PRINTABLE_STRING).value.toString('latin1')
    fields.end()
    return { url, language }
  })

/** The OID of the semantics that are declared for the subject's identifier. */
export function semanticsOf(on: Linted): string | undefined {
  const info = find(on, OID.qcSyntaxV2)?.info
  return info && oids(info)[0]
}
