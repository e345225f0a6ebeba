import { keyTypes, schemes, type KeyTypeRow } from '../../hsm/algorithms.ts'
import { inside, magnitude, timeOf, type Element } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import type { Linted, Rule } from './lint.ts'
import { dotted } from './lintOid.ts'
import { OID } from './oids.ts'

const VERSION_3 = 2
/** RFC 5280, 4.1.2.2. */
const SERIAL_MAX = 20
/** Below this, a serial could be guessed, and a certificate's prefix with it. */
const SERIAL_MIN = 8
const DAY_MS = 86_400_000
/** 2050-01-01: from then on times are GeneralizedTime (RFC 5280, 4.1.2.5). */
const GENERALIZED_FROM = Date.UTC(2050, 0)

const strong = new Set(Object.values(schemes).map((row) => row.algorithmIdentifier.toString('latin1')))
const curves = Object.values(keyTypes).flatMap(({ curve }) => (curve === undefined ? [] : [curve]))

/** TABLE of rules about the fields of a TBSCertificate. */
export const fieldRules: readonly Rule[] = [
  {
    id: 'version_is_3',
    clause: 'RFC 5280, 4.1.2.1',
    severity: 'error',
    check: ({ tbs }) =>
      tbs.version === VERSION_3 ? undefined : 'a certificate with extensions is of version 3',
  },
  {
    id: 'serial_is_positive',
    clause: 'RFC 5280, 4.1.2.2',
    severity: 'error',
    check: ({ tbs }) => (magnitude(tbs.serial).length > 0 ? undefined : 'the serial number is zero'),
  },
  {
    id: 'serial_has_at_most_20_octets',
    clause: 'RFC 5280, 4.1.2.2',
    severity: 'error',
    check: ({ tbs }) => (tbs.serial.length <= SERIAL_MAX ? undefined : `${tbs.serial.length} octets`),
  },
  {
    id: 'serial_has_64_bits',
    clause: 'EN 319 411-1, 6.6.1; CA/Browser Forum BR, 7.1',
    severity: 'error',
    check: ({ tbs }) => (tbs.serial.length >= SERIAL_MIN ? undefined : 'no room for 64 random bits'),
  },
  {
    id: 'signature_is_strong',
    clause: 'TS 119 312, 6 and 7; RFC 5280, 4.1.1.2',
    severity: 'error',
    check: ({ tbs }) =>
      strong.has(tbs.signature.toString('latin1'))
        ? undefined
        : 'an algorithm, or parameters, that are not ours',
  },
  {
    id: 'issuer_is_the_authority',
    clause: 'RFC 5280, 4.1.2.4',
    severity: 'error',
    check: ({ tbs, profile, issuer }) => {
      if (tbs.issuer.rdns.length === 0) return 'the issuer is empty'
      const expected = profile.issuer === undefined ? tbs.subject.der : issuer?.name
      return expected?.equals(tbs.issuer.der) === false
        ? 'not the name in the certificate of the issuer'
        : undefined
    },
  },
  {
    id: 'subject_is_not_the_issuer',
    clause: 'RFC 5280, 3.2 and 6.1',
    severity: 'error',
    check: ({ tbs, profile }) =>
      profile.issuer !== undefined && tbs.issuer.der.equals(tbs.subject.der)
        ? 'what others issue does not bear their name'
        : undefined,
  },
  {
    id: 'times_are_encoded_by_year',
    clause: 'RFC 5280, 4.1.2.5',
    severity: 'error',
    check: ({ tbs }) =>
      [tbs.notBefore, tbs.notAfter].every((one, index) => isByYear(one, index === 0 ? tbs.from : tbs.to))
        ? undefined
        : 'UTCTime until 2049, GeneralizedTime from 2050',
  },
  {
    id: 'validity_begins_before_it_ends',
    clause: 'RFC 5280, 4.1.2.5',
    severity: 'error',
    check: ({ tbs }) => (tbs.from < tbs.to ? undefined : 'it ends before it begins'),
  },
  {
    id: 'validity_is_of_the_profile',
    clause: 'EN 319 411-1, 6.3.3; EN 319 412-1, 5.2',
    severity: 'error',
    // The last second is part of it.
    check: ({ tbs, profile }) =>
      tbs.to.getTime() + 1_000 - tbs.from.getTime() <= profile.days * DAY_MS
        ? undefined
        : `longer than ${profile.days} days`,
  },
  {
    id: 'validity_ends_with_the_issuer',
    clause: 'EN 319 411-1, 6.3.3',
    severity: 'error',
    check: ({ tbs, issuer }) =>
      issuer?.notAfter !== undefined && tbs.to > issuer.notAfter ? 'it outlives its issuer' : undefined,
  },
  {
    id: 'key_period_is_of_the_profile',
    clause: 'X.509, 9.2.2.5; EN 319 421, 7.6.3',
    severity: 'error',
    check: keyPeriodProblem,
  },
  {
    id: 'key_is_strong',
    clause: 'TS 119 312, 6.2 and 8.4; RFC 3279, 2.3; RFC 5480, 2; RFC 8410, 4',
    severity: 'error',
    check: keyProblem,
  },
  {
    id: 'unique_identifiers_are_absent',
    clause: 'RFC 5280, 4.1.2.8',
    severity: 'error',
    check: ({ tbs }) => (tbs.uniqueIds ? 'conforming authorities write none' : undefined),
  },
]

const isByYear = ({ tag }: Element, time: Date): boolean =>
  (tag === TAG.GENERALIZED_TIME) === time.getTime() >= GENERALIZED_FROM

function keyProblem({ tbs, profile }: Linted): string | undefined {
  const [id, parameters, ...more] = tbs.spki.algorithm
  if (id?.tag !== TAG.OID || more.length > 0) return 'not an AlgorithmIdentifier'
  const oid = dotted(id.value)
  const row = Object.values(keyTypes).find((one) => one.oid === oid)
  if (row === undefined) return 'an algorithm that is none of ours'
  return KEY_PROBLEMS[row.family](tbs.spki.key, { parameters, profile })
}

type KeyProblem = (
  key: Buffer,
  of: { readonly parameters: Element | undefined; readonly profile: Linted['profile'] },
) => string | undefined

const KEY_PROBLEMS: Readonly<Record<KeyTypeRow['family'], KeyProblem>> = {
  RSA: (key, { parameters, profile }) => {
    if (parameters?.tag !== TAG.NULL) return 'rsaEncryption without NULL'
    const [n, e, ...more] = inside(key, TAG.SEQUENCE)
    if (n?.tag !== TAG.INTEGER || e?.tag !== TAG.INTEGER || more.length > 0) return 'not an RSAPublicKey'
    const [modulus, exponent] = [magnitude(n.value), magnitude(e.value)]
    const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
    if (bits < profile.rsaBits) return `an RSA key of ${bits} bits, ${profile.rsaBits} are the least`
    // 2^16 < e < 2^256, and odd (TS 119 312, 6.2.2.1).
    const isOdd = ((exponent.at(-1) ?? 0) & (modulus.at(-1) ?? 0) & 1) === 1
    return exponent.length >= 3 && exponent.length <= 32 && isOdd ? undefined : 'an RSA exponent out of range'
  },
  EC: (key, { parameters }) => {
    const curve = curves.find(({ params }) => parameters?.whole.equals(params) === true)
    if (curve === undefined) return 'a curve that is none of ours'
    return key[0] === 0x04 && key.length === 1 + 2 * curve.size
      ? undefined
      : 'not an uncompressed point of the curve'
  },
  Ed25519: (key, { parameters }) =>
    parameters === undefined && key.length === 32 ? undefined : 'not a key of Ed25519',
}

/** The key signs for so many days from the first one on, and the certificate is there to verify it by for longer. */
function keyPeriodProblem({ tbs, profile, extension }: Linted): string | undefined {
  const found = extension(OID.privateKeyUsagePeriod)
  if (found === undefined) return profile.keyDays === undefined ? undefined : 'missing'
  if (profile.keyDays === undefined) return 'the key signs as long as its certificate lives'
  const [from, to, ...more] = inside(found.value, TAG.SEQUENCE)
  if (from?.tag !== TAG.primitive(0) || to?.tag !== TAG.primitive(1) || more.length > 0) return 'not a period'
  const [first, last] = [from, to].map(({ value }) => timeOf({ ...from, tag: TAG.GENERALIZED_TIME, value }))
  const end = tbs.from.getTime() + profile.keyDays * DAY_MS - 1_000
  return first?.getTime() === tbs.from.getTime() && last?.getTime() === end ? undefined : 'another period'
}
