import { randomUUID } from 'node:crypto'
import type { Queries } from './database.ts'

/** TABLE of the reasons that an end entity's certificate is revoked for, with their codes in a CRL (RFC 5280, 5.3.1). */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const

/** Of all reasons that a list gives; certificateHold is that of what is suspended. */
export const listedReasons = { ...revocationReasons, cACompromise: 2, certificateHold: 6 } as const
/** Of those, what is for good. */
export type RevocationReason = Exclude<keyof typeof listedReasons, 'certificateHold'>

/** What was decided once, and is never changed. */
export interface Revocation {
  readonly reason: RevocationReason
  readonly revokedAt: Date
}

/** A change of a certificate's status, as it is recorded. */
export interface StatusChange {
  readonly certificateId: string
  /** As the audit log names who asks. */
  readonly actor: string
  /** When the request came in, where that was not now: never later. */
  readonly requestedAt?: Date | undefined
}

/** Shard of a serial: as src/pki/publication.ts has it, in the words of its index. */
export const SHARD_OF = 'get_byte(serial, octet_length(serial) - 1) & 127'

/**
 * One change: the certificate's row, and a row of what is to be published, together. Of several who make it, one does:
 * whoever is second waits, and finds it made. A certificate that is its own issuer's stands in no list.
 */
async function change<Row>(
  q: Queries,
  it: StatusChange & { readonly reason?: RevocationReason },
  how: { readonly change: 'revoke' | 'suspend' | 'reinstate'; readonly set: string; readonly from: string },
): Promise<Row[]> {
  const { certificateId, actor, requestedAt, reason } = it
  return q.query<Row>({
    text: `with asked as (
             select least($2::timestamptz, now()) as at, $3::text as actor, $4::text as reason, $5::uuid as id),
           changed as (
             update certificate set ${how.set} from asked
              where certificate.id = $1::uuid and state in (${how.from}) and issuer_id is not null
             returning certificate.id, issuer_id, ${SHARD_OF} as shard, revocation_reason as reason, revoked_at),
           told as (
             insert into status_change (id, certificate_id, issuer_id, shard, change, reason, actor, requested_at)
             select asked.id, c.id, c.issuer_id, l.shard, '${how.change}', asked.reason, asked.actor,
                    coalesce(asked.at, now())
               from asked, changed c left join crl_list l on l.issuer_id = c.issuer_id and l.shard = c.shard)
           select reason, revoked_at as "revokedAt" from changed`,
    values: [certificateId, requestedAt ?? null, actor, reason ?? null, randomUUID()],
  })
}

/** @returns undefined where it is not to be revoked: it is already, it never left, or it is nobody's but its own */
export async function revokeCertificate(
  q: Queries,
  it: StatusChange & { readonly reason: RevocationReason },
): Promise<Revocation | undefined> {
  const [made] = await change<Revocation>(q, it, {
    change: 'revoke',
    set: `state = 'revoked', revocation_reason = asked.reason, revoked_at = now(),
          revocation_requested_at = coalesce(asked.at, now())`,
    // Void: the token may have signed it all the same, and it may be somewhere.
    from: `'issued', 'suspended', 'void'`,
  })
  return made
}

/** @returns false where it is not to be suspended */
export async function suspendCertificate(q: Queries, it: StatusChange): Promise<boolean> {
  const set = `state = 'suspended', suspended_at = now()`
  return (await change(q, it, { change: 'suspend', set, from: `'issued'` })).length === 1
}

/** @returns false where it is not suspended */
export async function reinstateCertificate(q: Queries, it: StatusChange): Promise<boolean> {
  const set = `state = 'issued', suspended_at = null`
  return (await change(q, it, { change: 'reinstate', set, from: `'suspended'` })).length === 1
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
