import { generateKeyPairSync } from 'node:crypto'
import { oid, tlv } from '../../../hsm/der.ts'
import { TAG } from '../../../src/der/tags.ts'
import { derNull, namedBits, octetString, sequence } from '../../../src/der/write.ts'
import {
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  extKeyUsage,
  keyUsage,
  privateKeyUsagePeriod,
  subjectKeyIdentifier,
} from '../../../src/pki/extensions.ts'
import { OID } from '../../../src/pki/oids.ts'
import { add, ext, field, put, type Defect } from './defects.ts'
import { FROM, replaced } from './sample.ts'

const rsa = (bits: number, publicExponent = 65_537): Buffer =>
  generateKeyPairSync('rsa', { modulusLength: bits, publicExponent }).publicKey.export({
    format: 'der',
    type: 'spki',
  })
const bits = (value: string): Buffer => tlv(TAG.BIT_STRING, Buffer.from(value, 'hex'))
const policy = (...all: Buffer[]): Buffer => ext(OID.certificatePolicies, sequence(...all))

/** TABLE of seeded defects of extensions. */
export const extensionDefects: readonly Defect[] = [
  ['no extension at all', 'extensions_stand_once', 'ncp-n', field({ extensions: [] })],
  ['one extension twice', 'extensions_stand_once', 'ncp-n', add(keyUsage(['nonRepudiation']))],
  ['nameConstraints', 'extensions_are_known', 'ncp-n', add(ext('2.5.29.30', sequence()))],
  [
    'an extKeyUsage of nobody',
    'extensions_are_known',
    'ncp-n',
    add(extKeyUsage(OID.clientAuth, { critical: false })),
  ],
  [
    'a keyUsage that is not critical',
    'extensions_are_critical_as_written',
    'ncp-n',
    put(OID.keyUsage, ext(OID.keyUsage, namedBits([1]))),
  ],
  [
    'critical policies',
    'extensions_are_critical_as_written',
    'ncp-n',
    put(OID.certificatePolicies, ext(OID.certificatePolicies, sequence(sequence(oid(OID.ncp))), true)),
  ],
  [
    'a time-stamping unit whose purpose is not critical',
    'extensions_are_critical_as_written',
    'tsu',
    put(OID.extKeyUsage, extKeyUsage(OID.timeStamping, { critical: false })),
  ],
  [
    'a time-stamping unit whose key signs to its certificate’s end',
    'key_period_is_of_the_profile',
    'tsu',
    put(OID.privateKeyUsagePeriod),
  ],
  [
    'a time-stamping unit whose key signs for another year',
    'key_period_is_of_the_profile',
    'tsu',
    put(
      OID.privateKeyUsagePeriod,
      privateKeyUsagePeriod({ notBefore: FROM, notAfter: new Date(FROM.getTime() + 731 * 86_400_000) }),
    ),
  ],
  [
    'a period for the key of a person',
    'key_period_is_of_the_profile',
    'ncp-n',
    add(privateKeyUsagePeriod({ notBefore: FROM, notAfter: new Date(FROM.getTime() + 86_400_000) })),
  ],
  [
    'no authority key identifier',
    'authority_key_identifier_is_the_issuers',
    'ncp-n',
    put(OID.authorityKeyIdentifier),
  ],
  [
    "another issuer's key identifier",
    'authority_key_identifier_is_the_issuers',
    'ncp-n',
    (parts) => replaced(parts, OID.authorityKeyIdentifier, authorityKeyIdentifier(parts.spki)),
  ],
  [
    'no subject key identifier',
    'subject_key_identifier_is_of_the_key',
    'ncp-n',
    put(OID.subjectKeyIdentifier),
  ],
  [
    "another key's identifier",
    'subject_key_identifier_is_of_the_key',
    'ncp-n',
    put(OID.subjectKeyIdentifier, subjectKeyIdentifier(rsa(2048))),
  ],
  ['a person who is an authority', 'basic_constraints_are_of_authorities', 'ncp-n', add(basicConstraints(0))],
  [
    'an authority without constraints',
    'basic_constraints_are_of_authorities',
    'issuing',
    put(OID.basicConstraints),
  ],
  [
    'an issuing authority of any depth',
    'basic_constraints_are_of_authorities',
    'issuing',
    put(OID.basicConstraints, basicConstraints(undefined)),
  ],
  [
    'a FALSE that is written',
    'tbs_is_der',
    'ncp-n',
    add(sequence(oid(OID.noRevAvail), tlv(TAG.BOOLEAN, Buffer.from([0])), octetString(derNull))),
  ],
  [
    'a TRUE that is 1',
    'tbs_is_der',
    'ncp-n',
    put(
      OID.keyUsage,
      sequence(oid(OID.keyUsage), tlv(TAG.BOOLEAN, Buffer.from([1])), octetString(namedBits([1]))),
    ),
  ],
  ['no keyUsage', 'key_usage_is_of_the_profile', 'ncp-n', put(OID.keyUsage)],
  [
    'a person who signs certificates',
    'key_usage_is_of_the_profile',
    'ncp-n',
    put(OID.keyUsage, keyUsage(['nonRepudiation', 'keyCertSign'])),
  ],
  [
    'zeros after the last bit',
    'key_usage_is_of_the_profile',
    'ncp-n',
    put(OID.keyUsage, ext(OID.keyUsage, bits('0040'), true)),
  ],
  [
    'no bit at all',
    'key_usage_is_of_the_profile',
    'ncp-n',
    put(OID.keyUsage, ext(OID.keyUsage, bits('00'), true)),
  ],
  [
    'a responder that stamps time',
    'extended_key_usage_is_of_the_profile',
    'ocsp',
    put(OID.extKeyUsage, extKeyUsage(OID.timeStamping, { critical: false })),
  ],
  [
    'a time-stamping unit with two purposes',
    'extended_key_usage_is_of_the_profile',
    'tsu',
    put(OID.extKeyUsage, ext(OID.extKeyUsage, sequence(oid(OID.timeStamping), oid(OID.clientAuth)), true)),
  ],
  ['no policy', 'policies_are_of_the_profile', 'ncp-n', put(OID.certificatePolicies)],
  [
    'a qualified policy for another',
    'policies_are_of_the_profile',
    'ncp-n',
    put(OID.certificatePolicies, certificatePolicies([OID.qcpNQscd], undefined)),
  ],
  [
    'a user notice',
    'policy_qualifiers_are_addresses',
    'ncp-n',
    put(
      OID.certificatePolicies,
      policy(sequence(oid(OID.ncp), sequence(sequence(oid('1.3.6.1.5.5.7.2.2'), sequence())))),
    ),
  ],
  [
    'a CPS that is no address',
    'policy_qualifiers_are_addresses',
    'ncp-n',
    put(OID.certificatePolicies, certificatePolicies([OID.ncp], 'ftp://example.org')),
  ],
]
