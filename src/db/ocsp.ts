import { REVOKED_AT } from './certificateStatus.ts'
import { byteas, texts, uuids } from './binary.ts'
import type { CertificateRow } from './certificates.ts'
import { one, type Database, type Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/** Hashes that CertIDs are made with here (RFC 6960, 4.1.1; RFC 5019, 2.1.1). */
export const certIdHashes = ['SHA-1', 'SHA-256'] as const
export type CertIdHash = (typeof certIdHashes)[number]

/** A whole OCSPResponse that was signed ahead. */
export interface StoredAnswer {
  readonly hash: CertIdHash
  /** Id of the responder's certificate, which the answer carries. */
  readonly signerId: string
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly der: Buffer
}

/** What is known of a serial that was planned at least. */
export interface StatusRow {
  readonly id: string
  readonly issuerId: string | null
  readonly state: string
  /** Of the row: another one after each change. */
  readonly version: string
  readonly notAfter: Date
  readonly revokedAt: Date | null
  readonly reason: string | null
  readonly answers: readonly StoredAnswer[]
}

type FoundRow = Omit<StatusRow, 'answers'> & { readonly at: number } & (
    { readonly [K in keyof StoredAnswer]: StoredAnswer[K] } | { readonly [K in keyof StoredAnswer]: null }
  )

/** The status of a certificate by its serial, with the answers whose responder may still be believed. */
export const findStatus = grouped<Buffer, StatusRow | undefined>({
  name: 'ocsp-status',
  rows: () => 1,
  flush: async (db, serials) => {
    const rows = await db.query<FoundRow>({
      name: 'ocsp-status',
      text: `select w.at::int as at, c.id, c.issuer_id as "issuerId", c.state, c.xmin::text as version,
                    c.not_after as "notAfter", ${REVOKED_AT} as "revokedAt", c.revocation_reason as reason,
                    a.hash, a.signer_id as "signerId", a.this_update as "thisUpdate", a.next_update as "nextUpdate", a.der
               from unnest($1::bytea[]) with ordinality as w(serial, at)
               join certificate c on c.serial = w.serial
               left join lateral (
                 select o.* from ocsp_answer o join certificate s on s.id = o.signer_id and s.state = 'issued'
                  where o.certificate_id = c.id) a on true`,
      values: [byteas(serials)],
    })
    const found = new Map<number, StatusRow>()
    for (const row of rows) found.set(row.at, withAnswer(found.get(row.at), row))
    return serials.map((_serial, index) => found.get(index + 1))
  },
})

function withAnswer(known: StatusRow | undefined, row: FoundRow): StatusRow {
  const { id, issuerId, state, version, notAfter, revokedAt, reason } = row
  const { hash, signerId, thisUpdate, nextUpdate, der } = row
  const answer = hash === null ? [] : [{ hash, signerId, thisUpdate, nextUpdate, der }]
  const answers = [...(known?.answers ?? []), ...answer]
  return { id, issuerId, state, version, notAfter, revokedAt, reason, answers }
}

export interface NewAnswer extends StoredAnswer {
  readonly certificateId: string
  /** Of the certificate's row that the answer speaks of. */
  readonly version: string
}

/**
 * Keeps an answer, if the certificate is still as it says. Whoever changes it meanwhile waits, and then takes the answer
 * away; whoever changed it before makes this one void.
 * @returns false where it is not kept: the certificate changed, or there is a younger answer
 */
export const storeAnswer = grouped<NewAnswer, boolean>({
  name: 'ocsp-answer-store',
  rows: () => 1,
  flush: async (db, answers) => {
    const rows = await db.query<{ id: string; hash: CertIdHash }>({
      name: 'ocsp-answer-store',
      text: `insert into ocsp_answer (certificate_id, hash, signer_id, this_update, next_update, der)
             select c.id, w.hash, w.signer, w.this, w.next, w.der
               from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::bytea[])
                 as w(id, version, hash, signer, this, next, der)
               join certificate c on c.id = w.id and c.xmin::text = w.version
              order by c.id for share of c
             on conflict (certificate_id, hash) do update
                set signer_id = excluded.signer_id, this_update = excluded.this_update,
                    next_update = excluded.next_update, der = excluded.der
              where ocsp_answer.this_update <= excluded.this_update
             returning certificate_id as id, hash`,
      values: [
        uuids(answers.map(({ certificateId }) => certificateId)),
        texts(answers.map(({ version }) => version)),
        texts(answers.map(({ hash }) => hash)),
        uuids(answers.map(({ signerId }) => signerId)),
        answers.map(({ thisUpdate }) => thisUpdate),
        answers.map(({ nextUpdate }) => nextUpdate),
        byteas(answers.map(({ der }) => der)),
      ],
    })
    const kept = new Set(rows.map(({ id, hash }) => `${id} ${hash}`))
    return answers.map(({ certificateId, hash }) => kept.has(`${certificateId} ${hash}`))
  },
})

export interface Changes {
  /** What the next question is asked with: transactions that are not in this answer have this number or a higher one. */
  readonly cursor: string
  /** Ids of certificates; some may have been told before. */
  readonly changed: readonly string[]
}

/** @param cursor of the answer before; absent: from here on */
export async function changesSince(db: Database, cursor: string | undefined): Promise<Changes> {
  return one(
    await db.query<Changes>({
      name: 'certificate-changes',
      text: `select pg_snapshot_xmin(pg_current_snapshot())::text as cursor,
                    array(select distinct certificate_id::text from certificate_change where xid >= $1::xid8) as changed`,
      // A transaction number that none will ever have.
      values: [cursor ?? '9223372036854775807'],
    }),
  )
}

/** Answers that are deleted by one statement. */
const TIDIED = 10_000

/**
 * Forgets changes that every replica has seen, or will never ask for (none asks for more than the last minute's), and answers
 * that have ended, which nobody has asked for.
 */
export async function tidyOcsp(q: Queries): Promise<void> {
  await q.query({ text: `delete from certificate_change where at < now() - interval '1 hour'` })
  await q.query({
    text: `delete from ocsp_answer where (certificate_id, hash) in
             (select certificate_id, hash from ocsp_answer where next_update < now() order by next_update limit $1::int)`,
    values: [TIDIED],
  })
}

export interface AuthorityRow extends CertificateRow {
  /** It may issue a responder's certificate now. */
  readonly isUsable: boolean
}

/** Authorities that issue certificates of others, newest first; those, too, whose own certificate has ended. */
export async function findAuthorities(q: Queries): Promise<AuthorityRow[]> {
  return q.query<AuthorityRow>({
    text: `select id, serial, profile, key_id as "keyId", issuer_id as "issuerId", der, not_before as "notBefore",
                  not_after as "notAfter",
                  state = 'issued' and not_before <= now() and not_after > now() as "isUsable"
             from certificate where profile = 'issuing' and der is not null order by not_before desc, id desc`,
  })
}

/** The newest certificate of a responder for an authority's certificates that is valid now, its key being enabled. */
export async function findResponder(q: Queries, issuerId: string): Promise<CertificateRow | undefined> {
  const rows = await q.query<CertificateRow>({
    text: `select c.id, c.serial, c.profile, c.key_id as "keyId", c.issuer_id as "issuerId", c.der,
                  c.not_before as "notBefore", c.not_after as "notAfter"
             from certificate c join key k on k.id = c.key_id and k.state = 'enabled'
            where c.profile = 'ocsp' and c.issuer_id = $1::uuid and c.state = 'issued'
              and c.not_before <= now() and c.not_after > now()
            order by c.not_before desc, c.id desc limit 1`,
    values: [issuerId],
  })
  return rows[0]
}
