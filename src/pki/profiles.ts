import * as x509 from '@peculiar/x509'

/** What a certificate may be made for. The row says everything that does not depend on the subject. */
export interface ProfileRow {
  readonly name: ProfileName
  /** The purpose that the certified key must have. */
  readonly purpose: 'ca' | 'signing'
  /** The profile of the certificate that issues this one; absent: it issues itself. */
  readonly issuer?: ProfileName
  readonly days: number
  /** Basic constraints, where the subject is an authority (RFC 5280, 4.2.1.9). */
  readonly authority?: { readonly pathLength: number | undefined }
  /** A set of x509.KeyUsageFlags. */
  readonly keyUsage: number
}

export type ProfileName = 'root' | 'issuing' | 'natural-person'

/** The library's flags are powers of two; a set of them is their sum. */
const AUTHORITY_USAGE: number = x509.KeyUsageFlags.keyCertSign + x509.KeyUsageFlags.cRLSign
const DAYS_PER_YEAR = 365

/** TABLE of certificate profiles. `days` of an end entity is the most; the configuration may say less. */
export const profiles: Readonly<Record<ProfileName, ProfileRow>> = {
  root: {
    name: 'root',
    purpose: 'ca',
    days: 20 * DAYS_PER_YEAR,
    authority: { pathLength: undefined },
    keyUsage: AUTHORITY_USAGE,
  },
  issuing: {
    name: 'issuing',
    purpose: 'ca',
    issuer: 'root',
    days: 10 * DAYS_PER_YEAR,
    authority: { pathLength: 0 },
    keyUsage: AUTHORITY_USAGE,
  },
  // EN 319 412-2, 4.3.2: a key that commits its holder does nothing else (type A: nonRepudiation alone).
  'natural-person': {
    name: 'natural-person',
    purpose: 'signing',
    issuer: 'issuing',
    days: 3 * DAYS_PER_YEAR,
    keyUsage: x509.KeyUsageFlags.nonRepudiation,
  },
}
