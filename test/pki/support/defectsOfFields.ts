import { generateKeyPairSync } from 'node:crypto'
import { integer, oid, tlv } from '../../../hsm/der.ts'
import { TAG } from '../../../src/der/tags.ts'
import {
  certificateTime,
  context,
  derNull,
  generalizedTime,
  primitive,
  printableString,
  sequence,
  smallInteger,
  utf8String,
} from '../../../src/der/write.ts'
import { field, type Defect } from './defects.ts'
import { nameOf } from './sample.ts'

const day = (text: string): Buffer => certificateTime(new Date(`${text}T00:00:00Z`))
const rsa = (bits: number, publicExponent = 65_537): Buffer =>
  generateKeyPairSync('rsa', { modulusLength: bits, publicExponent }).publicKey.export({
    format: 'der',
    type: 'spki',
  })
const C = ['2.5.4.6', printableString('GR')] as const
const CN = ['2.5.4.3', utf8String('Ελένη Παπαδοπούλου')] as const

/** TABLE of seeded defects of fields. */
export const fieldDefects: readonly Defect[] = [
  ['version 1', 'version_is_3', 'ncp-n', field({ version: [] })],
  ['version 2', 'version_is_3', 'ncp-n', field({ version: [context(0, smallInteger(1))] })],
  ['serial 0', 'serial_is_positive', 'ncp-n', field({ serial: smallInteger(0) })],
  [
    'a negative serial',
    'serial_is_positive',
    'ncp-n',
    field({ serial: tlv(TAG.INTEGER, Buffer.alloc(16, 0x80)) }),
  ],
  [
    '21 octets of serial',
    'serial_has_at_most_20_octets',
    'ncp-n',
    field({ serial: integer(Buffer.alloc(21, 0x11)) }),
  ],
  ['a short serial', 'serial_has_64_bits', 'ncp-n', field({ serial: smallInteger(77) })],
  [
    'SHA-1 with RSA',
    'signature_is_strong',
    'ncp-n',
    field({ signature: sequence(oid('1.2.840.113549.1.1.5'), derNull) }),
  ],
  [
    'ECDSA with NULL parameters',
    'signature_is_strong',
    'ncp-n',
    field({ signature: sequence(oid('1.2.840.10045.4.3.2'), derNull) }),
  ],
  ['an empty issuer', 'issuer_is_the_authority', 'ncp-n', field({ issuer: sequence() })],
  ['another issuer', 'issuer_is_the_authority', 'ncp-n', field({ issuer: nameOf(C, CN) })],
  ['a root that another issued', 'issuer_is_the_authority', 'root', field({ issuer: nameOf(C, CN) })],
  [
    "the issuer's own name",
    'subject_is_not_the_issuer',
    'ncp-n',
    (parts) => ({ ...parts, subject: parts.issuer }),
  ],
  [
    'GeneralizedTime before 2050',
    'times_are_encoded_by_year',
    'ncp-n',
    field({ validity: sequence(generalizedTime(new Date('2026-03-01T00:00:00Z')), day('2027-01-01')) }),
  ],
  [
    'an end before the beginning',
    'validity_begins_before_it_ends',
    'ncp-n',
    field({ validity: sequence(day('2027-03-01'), day('2026-03-01')) }),
  ],
  [
    'ten years for a person',
    'validity_is_of_the_profile',
    'ncp-n',
    field({ validity: sequence(day('2019-01-01'), day('2029-01-01')) }),
  ],
  [
    'two days of short term',
    'validity_is_of_the_profile',
    'short-term',
    field({ validity: sequence(day('2026-03-01'), day('2026-03-03')) }),
  ],
  [
    "an end after the issuer's",
    'validity_ends_with_the_issuer',
    'ncp-n',
    field({ validity: sequence(day('2029-06-01'), day('2030-06-01')) }),
  ],
  ['RSA of 1024 bits', 'key_is_strong', 'ncp-n', field({ spki: rsa(1024) })],
  ['RSA of 2048 bits, qualified', 'key_is_strong', 'qcp-n', field({ spki: rsa(2048) })],
  ['an RSA exponent of 3', 'key_is_strong', 'ncp-n', field({ spki: rsa(2048, 3) })],
  [
    'a curve of no table',
    'key_is_strong',
    'ncp-n',
    field({
      spki: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({
        format: 'der',
        type: 'spki',
      }),
    }),
  ],
  [
    'a key of X25519',
    'key_is_strong',
    'ncp-n',
    field({ spki: generateKeyPairSync('x25519').publicKey.export({ format: 'der', type: 'spki' }) }),
  ],
  [
    'a unique identifier',
    'unique_identifiers_are_absent',
    'ncp-n',
    field({ uniqueIds: [primitive(2, Buffer.from([0, 1]))] }),
  ],
]
