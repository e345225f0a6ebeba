import { Fields, elements, inside, smallNumber } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { keyIdentifier, keyUsages } from './extensions.ts'
import type { Linted, Rule } from './lint.ts'
import { dotted } from './lintOid.ts'
import { OID } from './oids.ts'

/** Whether each is critical (the clause of each says so; of extKeyUsage, the profile). */
const CRITICAL: ReadonlyMap<string, boolean> = new Map([
  [OID.keyUsage, true],
  [OID.basicConstraints, true],
  [OID.privateKeyUsagePeriod, false],
  [OID.subjectKeyIdentifier, false],
  [OID.authorityKeyIdentifier, false],
  [OID.certificatePolicies, false],
  [OID.cRLDistributionPoints, false],
  [OID.authorityInfoAccess, false],
  [OID.qcStatements, false],
  [OID.ocspNoCheck, false],
  [OID.noRevAvail, false],
  [OID.validityAssured, false],
])
/** Octets of RFC 7093's and RFC 5280's methods alike. */
const KEY_IDENTIFIER = 20

/** TABLE of rules about extensions that say what a certificate is for. */
export const extensionRules: readonly Rule[] = [
  {
    id: 'extensions_stand_once',
    clause: 'RFC 5280, 4.2',
    severity: 'error',
    check: ({ tbs }) => {
      const oids = tbs.extensions.map(({ oid }) => oid)
      if (oids.length === 0) return 'there is none'
      return new Set(oids).size === oids.length ? undefined : 'one stands there twice'
    },
  },
  {
    id: 'extensions_are_known',
    clause: 'RFC 5280, 4.2; EN 319 412-2, GEN-4.3.4-1 to GEN-4.3.12-1',
    severity: 'error',
    check: ({ tbs, profile }) => {
      const odd = tbs.extensions.find(
        ({ oid }) => !CRITICAL.has(oid) && !(oid === OID.extKeyUsage && profile.extKeyUsage),
      )
      return odd === undefined ? undefined : `${odd.oid} is of no profile`
    },
  },
  {
    id: 'extensions_are_critical_as_written',
    clause: 'RFC 5280, 4.2.1; EN 319 412-2, 4.3; RFC 3161, 2.3; RFC 9608, 2',
    severity: 'error',
    check: ({ tbs, profile }) => {
      const odd = tbs.extensions.find(({ oid, critical }) => {
        const expected = oid === OID.extKeyUsage ? profile.extKeyUsage?.critical : CRITICAL.get(oid)
        return expected !== undefined && expected !== critical
      })
      return odd === undefined ? undefined : `${odd.oid} ${odd.critical ? 'is critical' : 'is not critical'}`
    },
  },
  {
    id: 'authority_key_identifier_is_the_issuers',
    clause: 'RFC 5280, 4.2.1.1; EN 319 412-2, GEN-4.3.1-1',
    severity: 'error',
    check: (on) => {
      const id = authorityKeyId(on)
      if (id === undefined) return 'missing, or without a key identifier'
      const spki = on.profile.issuer === undefined ? on.tbs.spki.der : on.issuer?.spki
      return spki !== undefined && !keyIdentifier(spki).equals(id) ? "not the issuer's" : undefined
    },
  },
  {
    id: 'subject_key_identifier_is_of_the_key',
    clause: 'RFC 5280, 4.2.1.2; RFC 7093, 2',
    severity: 'error',
    check: ({ tbs, extension }) => {
      const [id, ...more] = elements(extension(OID.subjectKeyIdentifier)?.value ?? Buffer.alloc(0))
      if (id?.tag !== TAG.OCTET_STRING || more.length > 0 || id.value.length !== KEY_IDENTIFIER)
        return 'missing'
      return keyIdentifier(tbs.spki.der).equals(id.value) ? undefined : "not that of the certificate's key"
    },
  },
  {
    id: 'basic_constraints_are_of_authorities',
    clause: 'RFC 5280, 4.2.1.9',
    severity: 'error',
    check: basicConstraintsProblem,
  },
  {
    id: 'key_usage_is_of_the_profile',
    clause: 'RFC 5280, 4.2.1.3; EN 319 412-2, NAT-4.3.2-1 to 3; EN 319 412-3, LEG-4.3.1; EN 319 411-1, 6.3.3',
    severity: 'error',
    check: keyUsageProblem,
  },
  {
    id: 'extended_key_usage_is_of_the_profile',
    clause: 'RFC 5280, 4.2.1.12; RFC 6960, 4.2.2.2; RFC 3161, 2.3',
    severity: 'error',
    check: ({ extension, profile }) => {
      const found = extension(OID.extKeyUsage)
      const purposes = found === undefined ? [] : oidsIn(found.value)
      const expected = profile.extKeyUsage === undefined ? [] : [profile.extKeyUsage.purpose]
      return purposes.join() === expected.join() ? undefined : 'not the one purpose that the profile has'
    },
  },
  {
    id: 'policies_are_of_the_profile',
    clause: 'RFC 5280, 4.2.1.4; EN 319 412-2, GEN-4.3.3; EN 319 411-1, 5.3; EN 319 411-2, 5.3',
    severity: 'error',
    check: ({ extension, profile }) => {
      const found = extension(OID.certificatePolicies)
      const policies = found === undefined ? [] : policiesIn(found.value).map(({ policy }) => policy)
      return policies.join() === profile.policies.join() ? undefined : 'not those that the profile has'
    },
  },
  {
    id: 'policy_qualifiers_are_addresses',
    clause: 'RFC 5280, 4.2.1.4',
    severity: 'error',
    check: ({ extension }) => {
      const found = extension(OID.certificatePolicies)
      const odd = found && policiesIn(found.value).some(({ qualifiers }) => !qualifiers.every(isCps))
      return odd === true ? 'a CPS pointer is an address, and nothing else is written' : undefined
    },
  },
]

function authorityKeyId({ extension }: Linted): Buffer | undefined {
  const [id, ...more] = inside(extension(OID.authorityKeyIdentifier)?.value ?? Buffer.alloc(0), TAG.SEQUENCE)
  return id?.tag === TAG.primitive(0) && more.length === 0 ? id.value : undefined
}

function basicConstraintsProblem({ extension, profile }: Linted): string | undefined {
  const found = extension(OID.basicConstraints)
  if (profile.authority === undefined) return found === undefined ? undefined : 'only authorities have them'
  if (found === undefined) return 'missing'
  const fields = new Fields(inside(found.value, TAG.SEQUENCE))
  const isAuthority = fields.optional(TAG.BOOLEAN)?.value[0] === 0xff
  const limit = fields.optional(TAG.INTEGER)
  fields.end()
  if (!isAuthority) return 'not an authority'
  return (limit && smallNumber(limit.value)) === profile.authority.pathLength
    ? undefined
    : 'not the path length of the profile'
}

function keyUsageProblem({ extension, profile }: Linted): string | undefined {
  const [bits, ...more] = elements(extension(OID.keyUsage)?.value ?? Buffer.alloc(0))
  if (bits?.tag !== TAG.BIT_STRING || more.length > 0) return 'missing'
  const [unused = 8, ...octets] = bits.value
  const last = octets.at(-1) ?? 0
  // The last bit that is written is set (X.690, 11.2.2).
  if (unused > 7 || (last & ((1 << (unused + 1)) - 1)) !== 1 << unused) return 'not the named bits of DER'
  const found = octets.flatMap((octet, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => octet & (0x80 >> n)).map((n) => at * 8 + n),
  )
  const expected = profile.keyUsage.map((usage) => keyUsages[usage]).sort((a, b) => a - b)
  return found.join() === expected.join() ? undefined : 'not the usage that the profile has'
}

export const oidsIn = (value: Buffer): string[] =>
  inside(value, TAG.SEQUENCE).map((one) => {
    if (one.tag !== TAG.OID) throw new Error('not an OID')
    return dotted(one.value)
  })

export interface ReadPolicy {
  readonly policy: string
  readonly qualifiers: readonly { readonly id: string; readonly tag: number; readonly content: Buffer }[]
}

/** @param value of certificatePolicies. @throws Error */
export function policiesIn(value: Buffer): ReadPolicy[] {
  return inside(value, TAG.SEQUENCE).map((one) => {
    const fields = new Fields(inside(one.whole, TAG.SEQUENCE))
    const policy = dotted(fields.take(TAG.OID).value)
    const list = fields.optional(TAG.SEQUENCE)
    fields.end()
    const qualifiers = (list === undefined ? [] : elements(list.value)).map((qualifier) => {
      const parts = new Fields(inside(qualifier.whole, TAG.SEQUENCE))
      const id = dotted(parts.take(TAG.OID).value)
      const { tag, value: content } = parts.any()
      parts.end()
      return { id, tag, content }
    })
    return { policy, qualifiers }
  })
}

const isCps = ({ id, tag, content }: ReadPolicy['qualifiers'][number]): boolean =>
  id === OID.cps && tag === TAG.IA5_STRING && /^https?:\/\/[\x21-\x7e]+$/.test(content.toString('latin1'))
