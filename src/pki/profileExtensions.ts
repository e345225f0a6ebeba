import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoint,
  extKeyUsage,
  keyUsage,
  marks,
  privateKeyUsagePeriod,
  subjectKeyIdentifier,
} from './extensions.ts'
import type { Semantics } from './identifiers.ts'
import { keyEnd, type ProfileRow } from './profiles.ts'
import { shardOf, type Publication } from './publication.ts'
import { qcStatements, type Pds } from './qcStatements.ts'

export interface Particulars {
  readonly serial: Buffer
  readonly notBefore: Date
  /** DER of the SubjectPublicKeyInfos. */
  readonly spki: Buffer
  readonly issuerSpki: Buffer
  /** The issuer's certificate; null: it issues itself. */
  readonly issuerId: string | null
  readonly semantics: Semantics
}

/** What the operator says in all certificates. */
export interface Statements {
  readonly cps?: string | undefined
  readonly pds: readonly Pds[]
  readonly publication: Publication
}

/** The extensions of a certificate of this profile, in one order, always. */
export function extensionsOf(profile: ProfileRow, of: Particulars, says: Statements): Buffer[] {
  const { authority, policies, extKeyUsage: eku } = profile
  const keyNotAfter = keyEnd(profile, of.notBefore)
  const period = keyNotAfter && { notBefore: of.notBefore, notAfter: keyNotAfter }
  const statements = qcStatements({ ...of, ...says, qualified: profile.qualified })
  return [
    authorityKeyIdentifier(of.issuerSpki),
    subjectKeyIdentifier(of.spki),
    ...(authority ? [basicConstraints(authority.pathLength)] : []),
    keyUsage(profile.keyUsage),
    ...(period ? [privateKeyUsagePeriod(period)] : []),
    ...(eku ? [extKeyUsage(eku.purpose, eku)] : []),
    ...(policies.length > 0 ? [certificatePolicies(policies, says.cps)] : []),
    ...statusExtensions(profile, of, says.publication),
    ...(statements ? [statements] : []),
    ...profile.marks.map((mark) => marks[mark]),
  ]
}

/** The list that its serial belongs to, for good, and where the issuer's certificate is. */
function statusExtensions(
  { status }: ProfileRow,
  { serial, issuerId }: Particulars,
  publication: Publication,
): Buffer[] {
  if (issuerId === null) return []
  const caIssuers = publication.ca(issuerId)
  if (status === 'none') return [authorityInfoAccess({ caIssuers })]
  const list = crlDistributionPoint(publication.crl(issuerId, shardOf(serial)))
  const responder = status === 'list and responder' ? { ocsp: publication.ocsp } : {}
  return [list, authorityInfoAccess({ ...responder, caIssuers })]
}
