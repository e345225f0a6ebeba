import { searched } from './certificates.ts'
import type { Queries } from './database.ts'
import type { ReplacedBy, ReplacementReason } from './replacements.ts'

export interface FoundCertificate {
  readonly id: string
  readonly serial: Buffer
  readonly profile: string
  readonly state: string
  /** Null: an older binary issued it. */
  readonly subject: string | null
  readonly issuerId: string | null
  readonly notBefore: Date
  readonly notAfter: Date
  /** Serial number of what it replaces, and of what has its place; null: of nothing. */
  readonly replaces: Buffer | null
  readonly replacedBy: Buffer | null
}

const LIVING = `('planned', 'issued', 'suspended')`
const SUCCESSOR = `(select s.serial from certificate s where s.replaces_id = certificate.id and s.state in ${LIVING})`
const COLUMNS = `id, serial, profile, state, subject, issuer_id as "issuerId", not_before as "notBefore",
  not_after as "notAfter", (select p.serial from certificate p where p.id = certificate.replaces_id) as replaces,
  ${SUCCESSOR} as "replacedBy"`

/** What else the certificates are that are wanted; absent: it does not matter. */
export interface CertificateFilter {
  readonly state?: string | undefined
  readonly profile?: string | undefined
  readonly expiresBefore?: Date | undefined
  /** Whether another one has its place. */
  readonly replaced?: boolean | undefined
}

const filtered = (first: number): string => `($${first}::text is null or state = $${first}::text)
              and ($${first + 1}::text is null or profile = $${first + 1}::text)
              and ($${first + 2}::timestamptz is null or not_after < $${first + 2}::timestamptz)
              and ($${first + 3}::boolean is null or (${SUCCESSOR} is not null) = $${first + 3}::boolean)`
const filters = (filter: CertificateFilter = {}): unknown[] => {
  const { state, profile, expiresBefore, replaced } = filter
  return [state ?? null, profile ?? null, expiresBefore ?? null, replaced ?? null]
}

/**
 * Ranges and not LIKE: a plan that is made once for all values finds a prefix by nothing else. And they begin where the page
 * before ended, so that the last page of a million costs what the first one does.
 */
const LAST_CHARACTER = 'chr(1114111)'
const SERIAL_OCTETS = 20

/**
 * Certificates whose subject begins so, as people read it (subjectPrefix in src/pki/names.ts), whatever the case; in the order
 * of their names. @param query.after the last one of the page before
 */
export async function certificatesBySubject(
  q: Queries,
  query: {
    readonly prefix: string
    readonly limit: number
    readonly after?: { readonly subject: string; readonly id: string } | undefined
    readonly filter?: CertificateFilter
  },
): Promise<FoundCertificate[]> {
  return q.query<FoundCertificate>({
    name: 'certificates-by-subject',
    // What is read of the many is in the index alone.
    text: `with found as materialized (
             select id from certificate
              where subject_key is not null
                and subject_key ~>=~ coalesce($2::text, $1::text) and subject_key ~<~ ($1::text || ${LAST_CHARACTER})
                and ($2::text is null or subject_key ~>~ $2::text or (subject_key = $2::text and id > $3::uuid))
                and ${filtered(5)}
              order by subject_key using ~<~, id limit $4::int)
           select ${COLUMNS} from found join certificate using (id) order by subject_key using ~<~, id`,
    values: [
      searched(query.prefix),
      query.after && searched(query.after.subject),
      query.after?.id,
      query.limit,
      ...filters(query.filter),
    ],
  })
}

/** Certificates whose serial number begins with these octets, in their order. */
export async function certificatesBySerial(
  q: Queries,
  query: {
    readonly prefix: Buffer
    readonly limit: number
    readonly after?: Buffer | undefined
    readonly filter?: CertificateFilter
  },
): Promise<FoundCertificate[]> {
  const last = Buffer.concat([query.prefix, Buffer.alloc(SERIAL_OCTETS, 0xff)])
  return q.query<FoundCertificate>({
    name: 'certificates-by-serial',
    text: `with found as materialized (
             select serial from certificate
              where serial >= coalesce($3::bytea, $1::bytea) and serial <= $2::bytea and serial is distinct from $3::bytea
                and ${filtered(5)}
              order by serial limit $4::int)
           select ${COLUMNS} from found join certificate using (serial) order by serial`,
    values: [query.prefix, last, query.after ?? null, query.limit, ...filters(query.filter)],
  })
}

/** All that is kept of a certificate, but its key. */
export interface KeptCertificate extends FoundCertificate {
  /** Null: it never was, or its octets never left. */
  readonly der: Buffer | null
  readonly tbs: Buffer | null
  readonly keyId: string | null
  readonly credentialId: string | null
  readonly issuedAt: Date | null
  readonly suspendedAt: Date | null
  readonly revokedAt: Date | null
  readonly reason: string | null
  readonly replacesBy: ReplacedBy | null
  readonly replacesReason: ReplacementReason | null
  /** As the audit log names who asked for it; null: it says nothing of it. */
  readonly actor: string | null
}

/** @param which its id, or its serial number, a magnitude */
export async function keptCertificate(
  q: Queries,
  which: { readonly id: string } | { readonly serial: Buffer },
): Promise<KeptCertificate | undefined> {
  const [row] = await q.query<KeptCertificate>({
    name: 'certificate-kept',
    text: `select c.id, c.serial, c.profile, c.state, c.subject, c.issuer_id as "issuerId", c.not_before as "notBefore",
                  c.not_after as "notAfter", c.der, c.tbs, c.key_id as "keyId", cr.id as "credentialId",
                  c.issued_at as "issuedAt", c.suspended_at as "suspendedAt", c.revoked_at as "revokedAt",
                  c.revocation_reason as reason, c.replaces_by as "replacesBy", c.replaces_reason as "replacesReason",
                  (select p.serial from certificate p where p.id = c.replaces_id) as replaces,
                  (select s.serial from certificate s where s.replaces_id = c.id and s.state in ${LIVING}) as "replacedBy",
                  -- Recorded in the transaction that stored it, which has one time.
                  (select a.actor from audit a
                    where a.recorded_at = c.issued_at and a.act = 'certificate.issue' and ('certificate:' || c.id) = any(a.subjects) limit 1) as actor
             from certificate c left join credential cr on cr.key_id = c.key_id
            where c.id = $1::uuid or c.serial = $2::bytea limit 1`,
    values: 'id' in which ? [which.id, null] : [null, which.serial],
  })
  return row
}
