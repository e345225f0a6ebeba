import { oid } from '../../../hsm/der.ts'
import { ia5String, printableString, sequence } from '../../../src/der/write.ts'
import { OID } from '../../../src/pki/oids.ts'
import { ext, put, statement, type Defect } from './defects.ts'
import { type Parts } from './sample.ts'

const statements = (...all: Buffer[]): ((parts: Parts) => Parts) =>
  put(OID.qcStatements, ext(OID.qcStatements, sequence(...all)))
const PDS = statement(
  OID.qcPds,
  sequence(sequence(ia5String('https://example.org/en'), printableString('en'))),
)
const TYPE = statement(OID.qcType, sequence(oid(OID.qctEsign)))
const NATURAL = statement(OID.qcSyntaxV2, sequence(oid(OID.semanticsNatural)))
const COMPLIANCE = statement(OID.qcCompliance)
const SSCD = statement(OID.qcSscd)
const pds = (url: string, language: string): Buffer =>
  statement(OID.qcPds, sequence(sequence(ia5String(url), printableString(language))))

/** TABLE of seeded defects of QCStatements. */
export const statementDefects: readonly Defect[] = [
  ['no statement', 'statements_stand_once', 'ncp-n', statements()],
  [
    'a statement twice',
    'statements_stand_once',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, COMPLIANCE, PDS, TYPE),
  ],
  [
    'legislation of a third country',
    'statements_are_known',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, PDS, TYPE, statement('0.4.0.1862.1.7', sequence(printableString('CH')))),
  ],
  [
    'a person who is said to be qualified',
    'qualified_is_what_the_profile_says',
    'ncp-n',
    statements(NATURAL, COMPLIANCE),
  ],
  [
    'qualified, and not said so',
    'qualified_is_what_the_profile_says',
    'qcp-n',
    statements(NATURAL, PDS, TYPE),
  ],
  [
    'a QSCD that is none',
    'device_is_what_the_profile_says',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, SSCD, PDS, TYPE),
  ],
  [
    'a QSCD that is not said',
    'device_is_what_the_profile_says',
    'qcp-n-qscd',
    statements(NATURAL, COMPLIANCE, PDS, TYPE),
  ],
  [
    'a seal for a person',
    'type_is_the_one_of_the_profile',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, PDS, statement(OID.qcType, sequence(oid(OID.qctEseal)))),
  ],
  [
    'two types',
    'type_is_the_one_of_the_profile',
    'qcp-n',
    statements(
      NATURAL,
      COMPLIANCE,
      PDS,
      statement(OID.qcType, sequence(oid(OID.qctEsign), oid(OID.qctEseal))),
    ),
  ],
  [
    'a disclosure statement by http',
    'disclosure_statements_are_https_and_english',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, pds('http://example.org', 'en'), TYPE),
  ],
  [
    'none in English',
    'disclosure_statements_are_https_and_english',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, pds('https://example.org', 'el'), TYPE),
  ],
  [
    'a language in capitals',
    'disclosure_statements_are_https_and_english',
    'qcp-n',
    statements(NATURAL, COMPLIANCE, pds('https://example.org', 'EN'), TYPE),
  ],
  [
    'semantics of nobody',
    'semantics_name_a_scheme',
    'ncp-n',
    statements(statement(OID.qcSyntaxV2, sequence(oid('0.4.0.194121.1.9')))),
  ],
]
