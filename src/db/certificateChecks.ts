/** What the checks of everything that was ever issued look at. */
import { NIL } from './audit.ts'
import { one, type Queries } from './database.ts'

export interface CheckedCertificate {
  readonly id: string
  readonly serial: Buffer
  readonly profile: string
  readonly state: string
  readonly issuerId: string | null
  readonly tbs: Buffer | null
  readonly der: Buffer | null
  /** DER of the public key that it is for: of our key, or as it came. */
  readonly spki: Buffer | null
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Certificates that somebody has or may have, in the order of their ids. @param query.after the last id of the page before */
export async function checkedCertificates(
  q: Queries,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<CheckedCertificate[]> {
  return q.query<CheckedCertificate>({
    text: `select c.id, c.serial, c.profile, c.state, c.issuer_id as "issuerId", c.tbs, c.der,
                  coalesce(c.spki, k.spki) as spki, c.not_before as "notBefore", c.not_after as "notAfter"
             from certificate c left join key k on k.id = c.key_id
            where c.id > coalesce($2::uuid, '${NIL}'::uuid) and (c.state in ('issued', 'suspended') or c.der is not null)
            order by c.id limit $1::int`,
    values: [query.limit, query.after ?? null],
  })
}

export async function countCheckedCertificates(q: Queries): Promise<number> {
  const { count } = one(
    await q.query<{ count: number }>({
      text: `select count(*)::int as count from certificate
              where state in ('issued', 'suspended') or der is not null`,
    }),
  )
  return count
}
