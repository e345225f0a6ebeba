import { oid } from '../../hsm/der.ts'
import { extension, ia5String, printableString, sequence } from '../der/write.ts'
import type { Semantics } from './identifiers.ts'
import { OID } from './oids.ts'
import type { ProfileRow } from './profiles.ts'

/** A PKI disclosure statement. */
export interface Pds {
  /** https (EN 319 412-5, 4.3.4). */
  readonly url: string
  /** ISO 639-1, lower case. */
  readonly language: string
}

/**
 * What a certificate states of itself (RFC 3739, 3.2.6; EN 319 412-5): semantics of its identifiers, and for a qualified one
 * that it is, of which type, in which device, and where that is explained. QcCClegislation is absent: that means the Union.
 * @returns undefined where there is nothing to state
 */
export function qcStatements(of: {
  readonly qualified: ProfileRow['qualified']
  readonly semantics: Semantics
  readonly pds: readonly Pds[]
}): Buffer | undefined {
  const { qualified, semantics, pds } = of
  const statements: Buffer[] = []
  if (semantics !== undefined) statements.push(statement(OID.qcSyntaxV2, sequence(oid(semantics))))
  if (qualified !== undefined) {
    const locations = pds.map(({ url, language }) => sequence(ia5String(url), printableString(language)))
    statements.push(statement(OID.qcCompliance))
    if (qualified.sscd) statements.push(statement(OID.qcSscd))
    statements.push(statement(OID.qcPds, sequence(...locations)))
    statements.push(statement(OID.qcType, sequence(oid(qualified.type))))
  }
  return statements.length === 0 ? undefined : extension(OID.qcStatements, sequence(...statements))
}

const statement = (id: string, ...info: readonly Buffer[]): Buffer => sequence(oid(id), ...info)
