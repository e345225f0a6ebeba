import type { Purpose } from '../../hsm/purposes.ts'
import { extKeyUsage, ocspNoCheck, type KeyUsage } from './extensions.ts'
import { OID } from './oids.ts'

/** What a certificate may be made for. The row says everything that does not depend on the subject. */
export interface ProfileRow {
  readonly name: ProfileName
  /** The purpose that the certified key must have. */
  readonly purpose: Purpose
  /** The profile of the certificate that issues this one; absent: it issues itself. */
  readonly issuer?: ProfileName
  /** The most. */
  readonly days: number
  /** Basic constraints, where the subject is an authority (RFC 5280, 4.2.1.9). */
  readonly authority?: { readonly pathLength: number | undefined }
  readonly keyUsage: readonly KeyUsage[]
  /** DER of further extensions, the same in each certificate. */
  readonly extensions: readonly Buffer[]
}

export type ProfileName = 'root' | 'issuing' | 'natural-person' | 'ocsp' | 'tsu'

const DAYS_PER_YEAR = 365

/** TABLE of certificate profiles. `days` of an end entity is the most; the configuration may say less. */
export const profiles: Readonly<Record<ProfileName, ProfileRow>> = {
  root: {
    name: 'root',
    purpose: 'ca',
    days: 20 * DAYS_PER_YEAR,
    authority: { pathLength: undefined },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extensions: [],
  },
  issuing: {
    name: 'issuing',
    purpose: 'ca',
    issuer: 'root',
    days: 10 * DAYS_PER_YEAR,
    authority: { pathLength: 0 },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extensions: [],
  },
  // EN 319 412-2, 4.3.2: a key that commits its holder does nothing else (type A: nonRepudiation alone).
  'natural-person': {
    name: 'natural-person',
    purpose: 'signing',
    issuer: 'issuing',
    days: 3 * DAYS_PER_YEAR,
    keyUsage: ['nonRepudiation'],
    extensions: [],
  },
  // RFC 6960, 4.2.2.2: issued by the authority whose certificates it answers for. Nobody asks whether it is revoked, so it
  // lives shortly.
  ocsp: {
    name: 'ocsp',
    purpose: 'ocsp',
    issuer: 'issuing',
    days: 30,
    keyUsage: ['digitalSignature'],
    extensions: [extKeyUsage(OID.ocspSigning, { critical: false }), ocspNoCheck],
  },
  // RFC 3161, 2.3: timestamps and nothing else, critical.
  tsu: {
    name: 'tsu',
    purpose: 'tsu',
    issuer: 'issuing',
    days: 3 * DAYS_PER_YEAR,
    keyUsage: ['digitalSignature'],
    extensions: [extKeyUsage(OID.timeStamping, { critical: true })],
  },
}
