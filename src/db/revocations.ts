import type { Queries } from './database.ts'

/** TABLE of the reasons that a certificate is revoked for, with their codes in a CRL (RFC 5280, 5.3.1). */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const
export type RevocationReason = keyof typeof revocationReasons

/** What was decided once, and is never changed. */
export interface Revocation {
  readonly reason: RevocationReason
  readonly revokedAt: Date
}

/**
 * Of several who revoke a certificate, one does: whoever is second waits, and finds it revoked.
 * @returns undefined where it is not to be revoked: it is already, or it never left
 */
export async function revokeCertificate(
  q: Queries,
  { id, reason }: { readonly id: string; readonly reason: RevocationReason },
): Promise<Revocation | undefined> {
  const rows = await q.query<Revocation>({
    text: `update certificate
              set state = 'revoked', revocation_reason = $2::text, revocation_requested_at = now(), revoked_at = now()
            where id = $1::uuid and state = 'issued'
            returning revocation_reason as reason, revoked_at as "revokedAt"`,
    values: [id, reason],
  })
  return rows[0]
}

export async function findRevocation(q: Queries, certificateId: string): Promise<Revocation | undefined> {
  const rows = await q.query<Revocation>({
    text: `select coalesce(revocation_reason, 'unspecified') as reason, revoked_at as "revokedAt" from certificate
            where id = $1::uuid and state = 'revoked' and revoked_at is not null`,
    values: [certificateId],
  })
  return rows[0]
}

export interface RevokedCredential extends Revocation {
  readonly credentialId: string
  readonly serial: Buffer
  /** Where it stands in the list: what `after` takes. Exact to the microsecond, unlike a Date. */
  readonly cursor: string
}

const CURSOR = /^([0-9]{1,16})-([A-Za-z0-9_-]{1,100})$/

export function isRevocationCursor(text: string): boolean {
  return CURSOR.test(text)
}

/** A client's revoked credentials, those that were deleted too, in the order of their revocation. */
export async function listRevoked(
  q: Queries,
  query: {
    readonly clientId: string
    readonly personId?: string
    readonly limit: number
    /** The cursor of the last one of the page before. */
    readonly after?: string
  },
): Promise<RevokedCredential[]> {
  const [, time, id] = CURSOR.exec(query.after ?? '') ?? []
  return q.query<RevokedCredential>({
    name: 'revoked-list',
    text: `select c.id as "credentialId", ce.serial, coalesce(ce.revocation_reason, 'unspecified') as reason,
                  ce.revoked_at as "revokedAt",
                  (extract(epoch from ce.revoked_at) * 1000000)::bigint || '-' || c.id as cursor
             from certificate ce join credential c on c.certificate_id = ce.id
            where ce.state = 'revoked' and ce.revoked_at is not null and c.client_id = $2::text
              and ($3::uuid is null or c.person_id = $3::uuid)
              and ($4::bigint is null
                   or (ce.revoked_at, c.id) > (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::text))
            order by ce.revoked_at, c.id limit $1::int`,
    values: [query.limit, query.clientId, query.personId ?? null, time ?? null, id ?? null],
  })
}
