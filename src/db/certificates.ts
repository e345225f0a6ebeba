import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest, insertAudit, NIL } from './audit.ts'
import { byteas, texts, uuids } from './binary.ts'
import type { CertificateState } from './credentials.ts'
import type { Database, Queries } from './database.ts'
import { grouped } from './groupCommit.ts'
import type { Replacement } from './replacements.ts'

/** A certificate over a key of ours. */
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
  /** The key of ours that it certifies, or the public key (DER) that somebody else holds. */
  readonly keyId?: string
  readonly spki?: Buffer
  /** The subject as people read it. */
  readonly subject: string
  readonly issuerId: string | null
  /** The process that is at it. */
  readonly instanceId: string
  readonly tbs: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  readonly replaces?: Replacement | undefined
}

const COLUMNS = `id, serial, profile, key_id as "keyId", issuer_id as "issuerId", der, not_before as "notBefore",
  not_after as "notAfter"`

/** A subject, or the beginning of one, as certificates are searched by it. */
export const searched = (subject: string): string => subject.toLowerCase()

/**
 * The serial and the octets that are to be signed, durable before the token is asked.
 * @returns false where what it is to replace has been replaced, or is about to be
 */
export const planCertificate = grouped<PlannedCertificate, boolean>({
  name: 'certificate-plan',
  rows: () => 1,
  flush: async (db, all) => {
    const rows = await db.query<{ id: string }>({
      name: 'certificate-plan',
      text: `insert into certificate (id, serial, profile, key_id, spki, subject, subject_key, issuer_id, instance, tbs,
                                      state, not_before, not_after, replaces_id, replaces_by, replaces_reason)
             select p.id, p.serial, p.profile, nullif(p.key_id, '${NIL}'::uuid), nullif(p.spki, ''::bytea), p.subject,
                    p.subject_key, nullif(p.issuer_id, '${NIL}'::uuid), p.instance, p.tbs, 'planned', p.not_before, p.not_after,
                    nullif(p.replaces_id, '${NIL}'::uuid), nullif(p.replaces_by, ''), nullif(p.replaces_reason, '')
               from unnest($1::uuid[], $2::bytea[], $3::text[], $4::uuid[], $5::bytea[], $6::text[], $7::text[], $8::uuid[],
                           $9::uuid[], $10::bytea[], $11::timestamptz[], $12::timestamptz[], $13::uuid[], $14::text[],
                           $15::text[])
                 as p(id, serial, profile, key_id, spki, subject, subject_key, issuer_id, instance, tbs, not_before, not_after,
                      replaces_id, replaces_by, replaces_reason)
             on conflict (replaces_id) where replaces_id is not null and state in ('planned', 'issued', 'suspended')
             do nothing returning id`,
      values: [
        uuids(all.map(({ id }) => id)),
        byteas(all.map(({ serial }) => serial)),
        texts(all.map(({ profile }) => profile)),
        uuids(all.map(({ keyId }) => keyId ?? NIL)),
        byteas(all.map(({ spki }) => spki ?? NONE)),
        texts(all.map(({ subject }) => subject)),
        texts(all.map(({ subject }) => searched(subject))),
        uuids(all.map(({ issuerId }) => issuerId ?? NIL)),
        uuids(all.map(({ instanceId }) => instanceId)),
        byteas(all.map(({ tbs }) => tbs)),
        all.map(({ notBefore }) => notBefore),
        all.map(({ notAfter }) => notAfter),
        uuids(all.map(({ replaces }) => replaces?.certificateId ?? NIL)),
        texts(all.map(({ replaces }) => replaces?.by ?? '')),
        texts(all.map(({ replaces }) => replaces?.reason ?? '')),
      ],
    })
    const planned = new Set(rows.map(({ id }) => id))
    return all.map(({ id }) => planned.has(id))
  },
})

const NONE = Buffer.alloc(0)

interface Issued {
  readonly id: string
  readonly der: Buffer
  readonly audit: AuditEntry
}

/**
 * There is a certificate from here on, and what the audit log has of it.
 * @param alongside what else is recorded in the same transaction, before it: either all of it is, or nothing
 * @throws Error where it is not planned any more
 */
export async function storeIssued(
  db: Database,
  issued: Issued,
  alongside?: (tx: Queries) => Promise<void>,
): Promise<void> {
  if (alongside === undefined) {
    if (!(await store(db, issued))) throw notPlanned()
    return
  }
  await db.transaction(async (tx) => {
    await alongside(tx)
    const [isStored] = await storeAll(tx, [issued])
    if (isStored !== true) throw notPlanned()
  })
}

const notPlanned = (): Error => new Error('the certificate is not planned any more')

const storeAll = async (q: Queries, all: readonly Issued[]): Promise<boolean[]> => {
  const rows = await q.query<{ id: string }>({
    name: 'certificate-store',
    text: `with issued as (
        update certificate c set der = w.der, state = 'issued', issued_at = now()
          from unnest($1::uuid[], $2::bytea[], $3::uuid[]) as w(id, der, audit)
         where c.id = w.id and c.state = 'planned' returning c.id, w.audit),
      recorded as (${AUDIT_INSERT} from ${auditUnnest(4)} join issued on issued.audit = entry.id)
      select id from issued`,
    values: [
      uuids(all.map(({ id }) => id)),
      byteas(all.map(({ der }) => der)),
      uuids(all.map(({ audit }) => audit.id)),
      ...auditColumns(all.map(({ audit }) => audit)),
    ],
  })
  const stored = new Set(rows.map(({ id }) => id))
  return all.map(({ id }) => stored.has(id))
}

const store = grouped<Issued, boolean>({
  name: 'certificate-store',
  rows: () => 1,
  flush: storeAll,
})

/**
 * A planned certificate that will never be: its serial stays taken.
 * @param ended.audit what recovery records; whoever issues needs none, for the act that failed is recorded
 */
export async function voidCertificate(
  db: Database,
  ended: { readonly id: string; readonly audit?: AuditEntry },
): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query({
      text: `update certificate set state = 'void' where id = $1::uuid and state = 'planned' returning id`,
      values: [ended.id],
    })
    if (rows.length === 1 && ended.audit) await insertAudit(tx, [ended.audit])
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

export interface LeftCertificate {
  readonly id: string
  /** Null: the token was never asked. 'open': it was, and nobody knows yet what came of it. */
  readonly outcome: 'signed' | 'refused' | 'unknown' | 'open' | null
}

/** A certificate is signed within seconds of its plan; both clocks are Postgres', to a transaction's length. */
const AROUND = `interval '10 minutes'`

/** Planned certificates that no living process is at: their instance's lease ran out, or they are too old. */
export async function leftCertificates(
  q: Queries,
  { olderThanS }: { readonly olderThanS: number },
): Promise<LeftCertificate[]> {
  return q.query<LeftCertificate>({
    text: `select c.id, case when i.signature_id is null then null
                             else coalesce(convert_from(r.body, 'utf8')::jsonb -> 'detail' ->> 'outcome', 'open') end as outcome
             from certificate c
             left join instance p on p.id = c.instance and p.lease_until > now()
             left join audit i on i.recorded_at between c.created_at - ${AROUND} and c.created_at + ${AROUND}
                              and i.kind = 'intent' and i.act = 'certificate.sign'
                              and ('certificate:' || c.id) = any(i.subjects)
             left join audit r on r.signature_id = i.signature_id and r.kind = 'result'
            where c.state = 'planned' and (p.id is null or c.created_at < now() - $1::int * interval '1 second')
            order by c.created_at limit 100`,
    values: [olderThanS],
  })
}

/** Profiles of what the service signs with itself: few among millions, which an index of their own has. */
const SERVICE_PROFILES = `profile in ('root', 'issuing', 'ocsp', 'tsu')`

/** The newest certificate of a profile, over a key of ours, that is valid now: the authority that issues. */
export async function newestCertificate(
  q: Queries,
  profile: 'root' | 'issuing' | 'ocsp' | 'tsu',
): Promise<CertificateRow | undefined> {
  const rows = await q.query<CertificateRow>({
    name: 'certificate-newest',
    text: `select ${COLUMNS} from certificate
            where profile = $1::text and ${SERVICE_PROFILES} and state = 'issued' and not_before <= now()
              and not_after > now() and key_id is not null
            order by not_before desc, id desc limit 1`,
    values: [profile],
  })
  return rows[0]
}

export async function findCertificate(q: Queries, id: string): Promise<CertificateRow | undefined> {
  const rows = await q.query<CertificateRow>({
    name: 'certificate-find',
    text: `select ${COLUMNS} from certificate where id = $1::uuid and der is not null`,
    values: [id],
  })
  return rows[0]
}

export async function certificateState(q: Queries, id: string): Promise<CertificateState | undefined> {
  const rows = await q.query<{ state: CertificateState }>({
    text: 'select state from certificate where id = $1::uuid',
    values: [id],
  })
  return rows[0]?.state
}

/** A certificate that is, or may be, somewhere, and the credential whose key it is over. @param serial a magnitude */
export async function certificateBySerial(
  q: Queries,
  serial: Buffer,
): Promise<{ readonly id: string; readonly credentialId: string | null } | undefined> {
  const rows = await q.query<{ id: string; credentialId: string | null }>({
    text: `select ce.id, c.id as "credentialId" from certificate ce left join credential c on c.key_id = ce.key_id
            where ce.serial = $1::bytea and ce.state <> 'planned' limit 1`,
    values: [serial],
  })
  return rows[0]
}

/** Certificates of authorities that have not ended, the newest first. */
export async function listAuthorities(q: Queries): Promise<CertificateRow[]> {
  return q.query<CertificateRow>({
    text: `select ${COLUMNS} from certificate
            where key_id in (select id from key where purpose = 'ca') and der is not null and not_after > now()
            order by not_before desc, id desc`,
  })
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

/** What was issued for a key, where the key has one certificate: what a step that was interrupted may have left. */
export async function certificateOfKey(q: Queries, keyId: string): Promise<CertificateRow | undefined> {
  const rows = await q.query<CertificateRow>({
    text: `select ${COLUMNS} from certificate where key_id = $1::uuid and state = 'issued' order by issued_at limit 1`,
    values: [keyId],
  })
  return rows[0]
}

export type AuthorityCertificate = Pick<CertificateRow, 'id' | 'profile' | 'keyId' | 'der' | 'notAfter'> & {
  readonly valid: boolean
}

/** All certificates of authorities that were ever issued, by way of the few keys that authorities have. */
export async function authorityCertificates(q: Queries): Promise<AuthorityCertificate[]> {
  return q.query<AuthorityCertificate>({
    text: `select c.id, c.profile, c.key_id as "keyId", c.der, c.not_after as "notAfter",
                  c.state = 'issued' and c.not_before <= now() and c.not_after > now() as valid
             from key k join certificate c on c.key_id = k.id
            where k.purpose = 'ca' and c.der is not null order by c.issued_at, c.id`,
  })
}
