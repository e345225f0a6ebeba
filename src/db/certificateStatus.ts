import type { Queries } from './database.ts'
import type { RevocationReason } from './revocations.ts'

/** What relying parties may know of a serial. */
export type CertificateStatus =
  | { readonly status: 'issued'; readonly notBefore: Date; readonly notAfter: Date }
  | {
      readonly status: 'revoked'
      /** certificateHold: suspended. */
      readonly reason: RevocationReason | 'certificateHold'
      /** As lists have it: since when nobody could rely on it. */
      readonly revokedAt: Date
      readonly notBefore: Date
      readonly notAfter: Date
    }
  /** Never issued, planned and not issued, and issued by others alike. */
  | { readonly status: 'unknown' }

interface Row {
  readonly state: 'issued' | 'suspended' | 'revoked'
  readonly reason: RevocationReason | 'certificateHold'
  readonly revokedAt: Date | null
  readonly notBefore: Date
  readonly notAfter: Date
}

const REASON = `case state when 'suspended' then 'certificateHold' else coalesce(revocation_reason, 'unspecified') end`
/** What a list says: a hold that became a revocation began with the hold. */
export const REVOKED_AT = 'coalesce(suspended_at, revoked_at)'

/**
 * The status of a serial at its issuer, as it is now, also where no list has it yet.
 * @param asked.issuerId the certificate of the issuer; absent: whichever has issued it. @param asked.serial a magnitude
 */
export async function certificateStatus(
  q: Queries,
  asked: { readonly issuerId?: string; readonly serial: Buffer },
): Promise<CertificateStatus> {
  const [row] = await q.query<Row>({
    name: 'certificate-status',
    text: `select state, ${REASON} as reason, ${REVOKED_AT} as "revokedAt", not_before as "notBefore",
                  not_after as "notAfter"
             from certificate
            where serial = $1::bytea and state in ('issued', 'suspended', 'revoked')
              and ($2::uuid is null or issuer_id = $2::uuid)`,
    values: [asked.serial, asked.issuerId ?? null],
  })
  if (row === undefined) return { status: 'unknown' }
  const { notBefore, notAfter, reason, revokedAt } = row
  if (row.state === 'issued' || revokedAt === null) return { status: 'issued', notBefore, notAfter }
  return { status: 'revoked', reason, revokedAt, notBefore, notAfter }
}
