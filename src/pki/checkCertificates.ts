/** Everything that was ever issued, judged again: by the rules as they are now, and against what was recorded of it. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import type { Context } from '../context.ts'
import type { CheckedCertificate } from '../db/certificateChecks.ts'
import { findCertificate, type CertificateRow } from '../db/certificates.ts'
import { findKey } from '../db/keys.ts'
import { inside, magnitude } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { subjectOf } from './issuers.ts'
import { lint, type Finding, type LintIssuer } from './lint.ts'
import { readTbs, type ReadTbs } from './lintParse.ts'
import { listAddress } from './lintStatus.ts'
import { OID } from './oids.ts'
import { profiles, type ProfileRow } from './profiles.ts'
import { publication, shardOf } from './publication.ts'

/** TABLE of what holds beside the linter's rules. */
const clauses = {
  profile_is_known: 'EN 319 411-1, 6.3.3',
  certificate_is_stored: 'EN 319 411-1, 6.4.5',
  certificate_carries_what_was_planned: 'RFC 5280, 4.1.1.1',
  signature_is_the_issuers: 'RFC 5280, 4.1.1.3',
  serial_is_the_recorded: 'RFC 5280, 4.1.2.2',
  validity_is_the_recorded: 'RFC 5280, 4.1.2.5',
  key_is_the_recorded: 'RFC 5280, 4.1.2.7',
  list_is_the_published: 'RFC 5280, 4.2.1.13 and 5.2.5',
} as const

const wrong = (rule: keyof typeof clauses, says: string): Finding => ({
  rule,
  clause: clauses[rule],
  severity: 'error',
  says,
})

/** Checks one after the other; issuers are looked up once. */
export class CertificateChecker {
  readonly #ctx: Context
  readonly #issuers = new Map<string, Promise<LintIssuer | undefined>>()

  constructor(ctx: Context) {
    this.#ctx = ctx
  }

  async check(row: CheckedCertificate): Promise<Finding[]> {
    const issuer = row.issuerId === null ? undefined : await this.#issuer(row.issuerId)
    const profile = (profiles as Readonly<Record<string, ProfileRow | undefined>>)[row.profile]
    const { tbs } = row
    return [
      ...(profile === undefined ? [wrong('profile_is_known', `there is no ${row.profile}`)] : []),
      ...(profile === undefined || tbs === null ? [] : lint(tbs, profile, issuer)),
      ...(tbs === null
        ? [wrong('certificate_carries_what_was_planned', 'nothing was')]
        : this.#recorded(row, tbs)),
      ...derFindings(row, issuer?.spki ?? row.spki),
    ]
  }

  /** What the row says of the octets. */
  #recorded(row: CheckedCertificate, tbs: Buffer): Finding[] {
    let read: ReadTbs
    try {
      read = readTbs(tbs)
    } catch {
      // The linter says so.
      return []
    }
    const isInTime = +read.from === +row.notBefore && +read.to === +row.notAfter
    const expected = row.issuerId === null ? undefined : this.#listOf(row.issuerId, row.serial)
    const named = listIn(read)
    return [
      ...(isSerial(read.serial, row.serial) ? [] : [wrong('serial_is_the_recorded', 'another one')]),
      ...(isInTime ? [] : [wrong('validity_is_the_recorded', 'another one')]),
      ...(row.spki?.equals(read.spki.der) === true ? [] : [wrong('key_is_the_recorded', 'another one')]),
      ...(named === undefined || named === expected
        ? []
        : [wrong('list_is_the_published', `it names ${named}, and ${String(expected)} is published`)]),
    ]
  }

  #listOf(issuerId: string, serial: Buffer): string {
    return publication(this.#ctx).crl(issuerId, shardOf(serial))
  }

  #issuer(id: string): Promise<LintIssuer | undefined> {
    const known = this.#issuers.get(id) ?? issuerOf(this.#ctx, id)
    this.#issuers.set(id, known)
    return known
  }
}

async function issuerOf(ctx: Context, id: string): Promise<LintIssuer | undefined> {
  const row: CertificateRow | undefined = await findCertificate(ctx.db, id)
  const spki = row && (await findKey(ctx.db, row.keyId))?.spki
  return row && spki ? { name: subjectOf(row.der), spki, notAfter: row.notAfter } : undefined
}

function derFindings({ tbs, der }: CheckedCertificate, issuerSpki: Buffer | null): Finding[] {
  if (der === null) return [wrong('certificate_is_stored', 'it is not')]
  return [
    ...(tbs !== null && carries(der, tbs)
      ? []
      : [wrong('certificate_carries_what_was_planned', 'other octets')]),
    ...(issuerSpki !== null && isSignedBy(der, issuerSpki)
      ? []
      : [wrong('signature_is_the_issuers', "it does not verify with the issuer's key")]),
  ]
}

function carries(der: Buffer, tbs: Buffer): boolean {
  try {
    const [first, algorithm, signature, ...more] = inside(der, TAG.SEQUENCE)
    if (first === undefined || algorithm === undefined || signature === undefined || more.length > 0)
      return false
    // Both say the algorithm, and the same (RFC 5280, 4.1.1.2).
    return first.whole.equals(tbs) && algorithm.whole.equals(readTbs(tbs).signature)
  } catch {
    return false
  }
}

function isSignedBy(der: Buffer, spki: Buffer): boolean {
  try {
    return new X509Certificate(der).verify(createPublicKey({ key: spki, format: 'der', type: 'spki' }))
  } catch {
    return false
  }
}

function isSerial(content: Buffer, recorded: Buffer): boolean {
  try {
    return magnitude(content).equals(recorded)
  } catch {
    return false
  }
}

function listIn(read: ReadTbs): string | undefined {
  const found = read.extensions.find(({ oid }) => oid === OID.cRLDistributionPoints)
  try {
    return found && listAddress(found.value)
  } catch {
    // The linter says so.
    return undefined
  }
}
