import { oid, tlv } from '../../../hsm/der.ts'
import { TAG } from '../../../src/der/tags.ts'
import { ia5String, printableString, sequence, setOf, utf8String } from '../../../src/der/write.ts'
import { OID } from '../../../src/pki/oids.ts'
import { field, named, put, type Defect } from './defects.ts'

const C = ['2.5.4.6', printableString('GR')] as const
const SN = ['2.5.4.4', utf8String('Παπαδοπούλου')] as const
const SERIAL = ['2.5.4.5', printableString('PNOGR-12345678')] as const
const CN = ['2.5.4.3', utf8String('Ελένη Παπαδοπούλου')] as const

/** TABLE of seeded defects of names. */
export const nameDefects: readonly Defect[] = [
  ['an empty subject', 'subject_is_not_empty', 'ncp-n', named()],
  ['two common names', 'name_is_of_single_attributes', 'ncp-n', named(C, SN, SERIAL, CN, CN)],
  [
    'two attributes in one RDN',
    'name_is_of_single_attributes',
    'ncp-n',
    field({
      subject: sequence(
        ...[C, SERIAL, CN].map(([id, value]) => setOf(sequence(oid(id), value))),
        setOf(sequence(oid(SN[0]), SN[1]), sequence(oid('2.5.4.42'), utf8String('Ελένη'))),
      ),
    }),
  ],
  [
    'a country in UTF-8',
    'name_strings_are_of_their_type',
    'ncp-n',
    named(['2.5.4.6', utf8String('GR')], SN, SERIAL, CN),
  ],
  [
    'a surname in TeletexString',
    'name_strings_are_of_their_type',
    'ncp-n',
    named(C, ['2.5.4.4', tlv(TAG.TELETEX_STRING, Buffer.from('Berg'))], SERIAL, CN),
  ],
  [
    'octets that are not UTF-8',
    'name_strings_are_of_their_type',
    'ncp-n',
    named(C, ['2.5.4.4', tlv(TAG.UTF8_STRING, Buffer.from([0xc3, 0x28]))], SERIAL, CN),
  ],
  [
    'a common name of 65 characters',
    'name_strings_are_within_bounds',
    'ncp-n',
    named(C, SN, SERIAL, ['2.5.4.3', utf8String('x'.repeat(65))]),
  ],
  [
    'an empty surname',
    'name_strings_are_within_bounds',
    'ncp-n',
    named(C, ['2.5.4.4', utf8String('')], SERIAL, CN),
  ],
  [
    'a text that turns around',
    'name_strings_look_like_what_they_are',
    'ncp-n',
    named(C, SN, SERIAL, ['2.5.4.3', utf8String('a\u202eb')]),
  ],
  [
    'a NUL in a name',
    'name_strings_look_like_what_they_are',
    'ncp-n',
    named(C, SN, SERIAL, ['2.5.4.3', utf8String('a\0b')]),
  ],
  [
    'a space before a name',
    'name_strings_look_like_what_they_are',
    'ncp-n',
    named(C, SN, SERIAL, ['2.5.4.3', utf8String(' a')]),
  ],
  [
    'a name that is not composed',
    'name_strings_look_like_what_they_are',
    'ncp-n',
    named(C, SN, SERIAL, ['2.5.4.3', utf8String('A\u030a')]),
  ],
  [
    'a country that is none',
    'country_is_of_iso_3166',
    'ncp-n',
    named(['2.5.4.6', printableString('XX')], SN, SERIAL, CN),
  ],
  ['a person of no country', 'subject_holds_what_its_form_wants', 'ncp-n', named(SN, SERIAL, CN)],
  ['a person of no serial number', 'subject_holds_what_its_form_wants', 'ncp-n', named(C, SN, CN)],
  [
    'a seal without an identifier',
    'subject_holds_what_its_form_wants',
    'qcp-l',
    named(C, ['2.5.4.10', utf8String('Fjord')], CN),
  ],
  [
    'an e-mail address',
    'subject_holds_nothing_else',
    'ncp-n',
    named(C, SN, SERIAL, CN, ['1.2.840.113549.1.9.1', ia5String('a@b.no')]),
  ],
  ['neither name nor pseudonym', 'person_has_a_name_or_a_pseudonym', 'ncp-n', named(C, SERIAL, CN)],
  [
    'both name and pseudonym',
    'person_has_a_name_or_a_pseudonym',
    'ncp-n',
    named(C, SN, ['2.5.4.65', utf8String('ada')], SERIAL, CN),
  ],
  [
    'an identifier that is the name',
    'organization_is_not_its_identifier',
    'qcp-l',
    named(C, ['2.5.4.10', utf8String('NTRNO-1')], ['2.5.4.97', utf8String('NTRNO-1')], CN),
  ],
  [
    'a serial number of no scheme',
    'semantics_are_followed',
    'ncp-n',
    named(C, SN, ['2.5.4.5', printableString('XYZGR-1')], CN),
  ],
  ['a scheme that is not declared', 'semantics_are_followed', 'ncp-n', put(OID.qcStatements)],
  [
    'a LEI whose check digits are wrong',
    'semantics_are_followed',
    'qcp-l',
    named(C, ['2.5.4.10', utf8String('Fjord')], ['2.5.4.97', utf8String('LEIXG-5493001KJTIIGC8Y1R13')], CN),
  ],
]
