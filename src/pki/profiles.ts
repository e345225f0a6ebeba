import type { Purpose } from '../../hsm/purposes.ts'
import type { KeyUsage, Mark } from './extensions.ts'
import { OID } from './oids.ts'
import { qualifiedRows } from './profilesQualified.ts'

/** Whom a certificate names, and so what its subject must hold. */
export type SubjectForm = 'natural person' | 'legal person' | 'authority' | 'machine'

/** Certified hardware that a certificate speaks of: ca.device in the configuration declares it. */
export type Device = 'secure' | 'qscd'

/** What a certificate may be made for. The row says everything that does not depend on the subject. */
export interface ProfileRow {
  readonly name: ProfileName
  readonly subject: SubjectForm
  /** The purpose of keys of ours that it certifies; absent: it certifies none. */
  readonly purpose?: Purpose
  /** Whether it certifies keys that others hold, by a PKCS#10. */
  readonly outside: boolean
  /** The profile of the certificate that issues this one; absent: it issues itself. */
  readonly issuer?: 'root' | 'issuing'
  /** The most; the configuration may say less. */
  readonly days: number
  /** Least size of an RSA modulus. Curves are those of hsm/algorithms.ts, all of 128 bits of strength or more. */
  readonly rsaBits: number
  /** Days that the key signs, where they are fewer: what it signed can be verified long after. */
  readonly keyDays?: number
  /** Basic constraints, where the subject is an authority (RFC 5280, 4.2.1.9). */
  readonly authority?: { readonly pathLength: number | undefined }
  readonly keyUsage: readonly KeyUsage[]
  readonly extKeyUsage?: { readonly purpose: string; readonly critical: boolean }
  /** Certificate policies (RFC 5280, 4.2.1.4). None: the extension is absent. */
  readonly policies: readonly string[]
  /** Present: an EU qualified certificate (EN 319 412-5, 4): QcCompliance, one QcType, QcPDS; with `sscd`, QcSSCD. */
  readonly qualified?: {
    readonly type: typeof OID.qctEsign | typeof OID.qctEseal
    readonly sscd: boolean
  }
  readonly device?: Device
  /** Where relying parties learn that it was revoked: the issuer's list, its responder as well, or nowhere. */
  readonly status: 'list and responder' | 'list' | 'none'
  /** Extensions that say one thing, the same in each certificate. */
  readonly marks: readonly Mark[]
}

export type ProfileName =
  | 'root'
  | 'issuing'
  | 'ncp-n'
  | 'ncp-n-plus'
  | 'ncp-l'
  | 'ncp-l-plus'
  | 'qcp-n'
  | 'qcp-n-qscd'
  | 'qcp-l'
  | 'qcp-l-qscd'
  | 'short-term'
  | 'short-term-qscd'
  | 'attestation-seal'
  | 'operator-tls'
  | 'ocsp'
  | 'tsu'

const YEAR = 365
const DAY_MS = 86_400_000

/** The last second in which a key of a profile signs, by when its certificate begins. @returns undefined: as the certificate */
export function keyEnd({ keyDays }: ProfileRow, notBefore: Date): Date | undefined {
  return keyDays === undefined ? undefined : new Date(notBefore.getTime() + keyDays * DAY_MS - 1000)
}

/**
 * Of natural and legal persons: the key commits its holder and does nothing else (type A: nonRepudiation alone; EN 319 412-2,
 * NAT-4.3.2-3, EN 319 412-3, LEG-4.3.1-4).
 */
const person = {
  issuer: 'issuing',
  outside: true,
  days: 3 * YEAR,
  rsaBits: 2048,
  keyUsage: ['nonRepudiation'],
  status: 'list and responder',
  marks: [],
} as const satisfies Partial<ProfileRow>

const natural = {
  ...person,
  subject: 'natural person',
  purpose: 'signing',
} as const satisfies Partial<ProfileRow>
const legal = { ...person, subject: 'legal person', purpose: 'seal' } as const satisfies Partial<ProfileRow>

/** Valid for so short a time that nobody need ask whether it was revoked (EN 319 412-1, 5.2; RFC 9608). */
const shortTerm = {
  days: 1,
  outside: false,
  status: 'none',
  marks: ['validityAssured', 'noRevAvail'],
} as const satisfies Partial<ProfileRow>

/** Authorities (EN 319 411-1, 6.3.3; RFC 5280, 4.2.1.3): they sign certificates and lists. */
const authority = {
  subject: 'authority',
  purpose: 'ca',
  outside: false,
  rsaBits: 3072,
  keyUsage: ['keyCertSign', 'cRLSign'],
  marks: [],
} as const satisfies Partial<ProfileRow>

const qualified = qualifiedRows({ natural, legal, shortTerm })

/** TABLE of certificate profiles; docs/pki.md has it for operators, with the clauses. */
export const profiles: Readonly<Record<ProfileName, ProfileRow>> = {
  root: {
    ...authority,
    name: 'root',
    days: 20 * YEAR,
    authority: { pathLength: undefined },
    policies: [],
    status: 'none',
  },
  issuing: {
    ...authority,
    name: 'issuing',
    issuer: 'root',
    days: 10 * YEAR,
    authority: { pathLength: 0 },
    policies: [OID.anyPolicy],
    // The root's own list: it has no responder.
    status: 'list',
  },
  'ncp-n': { ...natural, name: 'ncp-n', policies: [OID.ncp] },
  'ncp-n-plus': { ...natural, name: 'ncp-n-plus', policies: [OID.ncpPlus], device: 'secure', outside: false },
  'ncp-l': { ...legal, name: 'ncp-l', policies: [OID.ncp] },
  'ncp-l-plus': { ...legal, name: 'ncp-l-plus', policies: [OID.ncpPlus], device: 'secure', outside: false },
  ...qualified,
  'short-term': { ...natural, ...shortTerm, name: 'short-term', policies: [OID.ncp] },
  // Attestations are data whose origin is shown, no documents that somebody commits to (type C; EN 319 412-3, 4.3.1).
  'attestation-seal': {
    ...legal,
    name: 'attestation-seal',
    purpose: 'credential-issuing',
    outside: false,
    days: 2 * YEAR,
    keyUsage: ['digitalSignature'],
    policies: [OID.ncp],
  },
  // RFC 5280, 4.2.1.12: operators' browsers and command lines, at listeners that require a certificate.
  'operator-tls': {
    ...person,
    name: 'operator-tls',
    subject: 'machine',
    days: YEAR,
    keyUsage: ['digitalSignature'],
    extKeyUsage: { purpose: OID.clientAuth, critical: false },
    policies: [],
  },
  // RFC 6960, 4.2.2.2: issued by the authority whose certificates it answers for. Nobody asks whether it is revoked, so it
  // lives shortly.
  ocsp: {
    name: 'ocsp',
    subject: 'authority',
    purpose: 'ocsp',
    outside: false,
    issuer: 'issuing',
    days: 30,
    rsaBits: 2048,
    keyUsage: ['digitalSignature'],
    extKeyUsage: { purpose: OID.ocspSigning, critical: false },
    policies: [],
    status: 'none',
    marks: ['ocspNoCheck'],
  },
  // RFC 3161, 2.3: timestamps and nothing else, critical. EN 319 421, 7.6.3: the service's own organization.
  tsu: {
    name: 'tsu',
    subject: 'authority',
    purpose: 'tsu',
    outside: false,
    issuer: 'issuing',
    days: 3 * YEAR,
    rsaBits: 3072,
    keyDays: YEAR,
    keyUsage: ['digitalSignature'],
    extKeyUsage: { purpose: OID.timeStamping, critical: true },
    policies: [OID.ncp],
    status: 'list and responder',
    marks: [],
  },
}
