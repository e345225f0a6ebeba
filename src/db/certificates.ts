import type { AuditEntry } from '../audit.ts'
import { insertAudit } from './audit.ts'
import type { Database, Queries } from './database.ts'

export interface CertificateRow {
  readonly id: string
  readonly serial: Buffer
  readonly profile: string
  readonly keyId: string
  readonly issuerId: string | null
  readonly der: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface PlannedCertificate {
  readonly id: string
  readonly serial: Buffer
  readonly profile: string
  readonly keyId: string
  readonly issuerId: string | null
  readonly tbs: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
}

const COLUMNS = `id, serial, profile, key_id as "keyId", issuer_id as "issuerId", der, not_before as "notBefore",
  not_after as "notAfter"`

/** The serial and the octets that are to be signed, durable before the token is asked. */
export async function planCertificate(q: Queries, planned: PlannedCertificate): Promise<void> {
  await q.query({
    text: `insert into certificate (id, serial, profile, key_id, issuer_id, tbs, state, not_before, not_after)
           values ($1::uuid, $2::bytea, $3::text, $4::uuid, $5::uuid, $6::bytea, 'planned', $7::timestamptz,
                   $8::timestamptz)`,
    values: [
      planned.id,
      planned.serial,
      planned.profile,
      planned.keyId,
      planned.issuerId,
      planned.tbs,
      planned.notBefore,
      planned.notAfter,
    ],
  })
}

export async function storeIssued(
  db: Database,
  issued: { readonly id: string; readonly der: Buffer; readonly audit: AuditEntry },
): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query({
      text: `update certificate set der = $2::bytea, state = 'issued', issued_at = now()
              where id = $1::uuid and state = 'planned' returning id`,
      values: [issued.id, issued.der],
    })
    if (rows.length !== 1) throw new Error('the certificate is not planned any more')
    await insertAudit(tx, [issued.audit])
  })
}

/** A planned certificate that will never be: its serial stays taken. */
export async function voidCertificate(q: Queries, id: string): Promise<void> {
  await q.query({
    text: `update certificate set state = 'void' where id = $1::uuid and state = 'planned'`,
    values: [id],
  })
}

/** The certificate of a key that has one and was not revoked. */
export async function issuedFor(q: Queries, keyId: string): Promise<string | undefined> {
  const rows = await q.query<{ id: string }>({
    text: `select id from certificate where key_id = $1::uuid and state = 'issued'`,
    values: [keyId],
  })
  return rows[0]?.id
}

/** The newest certificate of a profile that is valid now: the authority that issues. */
export async function newestCertificate(q: Queries, profile: string): Promise<CertificateRow | undefined> {
  const rows = await q.query<CertificateRow>({
    text: `select ${COLUMNS} from certificate
            where profile = $1::text and state = 'issued' and not_before <= now() and not_after > now()
            order by not_before desc, id desc limit 1`,
    values: [profile],
  })
  return rows[0]
}

/** Leaf first, up to the self-signed root. */
export async function certificateChain(q: Queries, id: string): Promise<Buffer[]> {
  const rows = await q.query<{ der: Buffer }>({
    name: 'certificate-chain',
    text: `with recursive chain as (
             select id, issuer_id, der, 1 as depth from certificate where id = $1::uuid
             union all
             select up.id, up.issuer_id, up.der, chain.depth + 1
               from certificate up join chain on up.id = chain.issuer_id where chain.depth < 8)
           select der from chain order by depth`,
    values: [id],
  })
  return rows.map((row) => row.der)
}
