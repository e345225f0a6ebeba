import { extensionRules } from './lintExtensions.ts'
import { fieldRules } from './lintFields.ts'
import { nameRules } from './lintNames.ts'
import { readTbs, type ReadExtension, type ReadTbs } from './lintParse.ts'
import { statementRules } from './lintStatements.ts'
import { statusRules } from './lintStatus.ts'
import type { ProfileRow } from './profiles.ts'

export type Severity = 'error' | 'warning'

/** What the issuer's own certificate says; absent where a certificate issues itself. */
export interface LintIssuer {
  /** DER of its Name. */
  readonly name: Buffer
  /** DER of its SubjectPublicKeyInfo. */
  readonly spki: Buffer
  readonly notAfter?: Date | undefined
}

/** What a rule looks at. */
export interface Linted {
  readonly tbs: ReadTbs
  readonly profile: ProfileRow
  readonly issuer?: LintIssuer | undefined
  /** The first extension with this OID. */
  readonly extension: (oid: string) => ReadExtension | undefined
}

/** One clause. Its id is stable: findings are counted and looked up by it. */
export interface Rule {
  readonly id: string
  readonly clause: string
  readonly severity: Severity
  /** @returns what is wrong; undefined: nothing, or the rule is about others. May throw where its part cannot be read. */
  check(on: Linted): string | undefined
}

export interface Finding {
  readonly rule: string
  readonly clause: string
  readonly severity: Severity
  /** Never holds what the certificate says of a person. */
  readonly says: string
}

const UNREADABLE = { rule: 'tbs_is_der', clause: 'X.690, 10; RFC 5280, 4.1', severity: 'error' } as const

/** TABLE of all rules. */
export const rules: readonly Rule[] = [
  ...fieldRules,
  ...nameRules,
  ...extensionRules,
  ...statusRules,
  ...statementRules,
]

/**
 * Judges what is about to be signed by what it is, not by what it was made from: the octets are read by themselves, and each
 * rule of the table looks at what they say.
 * @param tbs DER of a TBSCertificate
 * @returns empty: nothing is wrong
 */
export function lint(tbs: Buffer, profile: ProfileRow, issuer?: LintIssuer): Finding[] {
  let read: ReadTbs
  try {
    read = readTbs(tbs)
  } catch (error) {
    return [{ ...UNREADABLE, says: (error as Error).message }]
  }
  const extension = (oid: string): ReadExtension | undefined => read.extensions.find((one) => one.oid === oid)
  const on: Linted = { tbs: read, profile, issuer, extension }
  return rules.flatMap((rule) => {
    const says = verdict(rule, on)
    return says === undefined ? [] : [{ rule: rule.id, clause: rule.clause, severity: rule.severity, says }]
  })
}

function verdict(rule: Rule, on: Linted): string | undefined {
  try {
    return rule.check(on)
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`
  }
}
