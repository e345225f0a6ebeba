/** Certificates that take the place of others: by renewal over the same key, by re-key over another one. */
import { one, type Queries } from './database.ts'
import type { CertificateState } from './credentials.ts'
import type { RevocationReason } from './revocations.ts'

/** TABLE of why a certificate is replaced, as it is recorded. */
export const replacementReasons = {
  expiry: 'it ends soon',
  request: 'whoever it is for asked for it',
  policy: 'what is certified, or how, has changed',
  compromise: 'its key is, or may be, in other hands',
} as const
export type ReplacementReason = keyof typeof replacementReasons
export type ReplacedBy = 'renewal' | 're-key'

/** What a certificate replaces. */
export interface Replacement {
  readonly certificateId: string
  readonly by: ReplacedBy
  readonly reason: ReplacementReason
}

/** A certificate that is to be replaced, and what decides whether it may be. */
export interface ReplacedRow {
  readonly id: string
  readonly serial: Buffer
  readonly profile: string
  readonly issuerId: string | null
  readonly state: CertificateState
  readonly revocationReason: RevocationReason | null
  /** Null: it never was. */
  readonly der: Buffer | null
  readonly notBefore: Date
  readonly notAfter: Date
  /** By the database's clock. */
  readonly expired: boolean
  readonly keyId: string | null
  /** DER of its public key. */
  readonly spki: Buffer | null
  /** The credential that is of its key, and whether this is the certificate that it has. */
  readonly credentialId: string | null
  readonly isCredentials: boolean | null
  /** Of what has its place already, or is about to. */
  readonly successor: Buffer | null
}

/** States of a certificate that keeps another one from replacing the same: those of the index certificate_replaced_once. */
const LIVING = `('planned', 'issued', 'suspended')`

/** @param which its id, or its serial number, a magnitude */
export async function findReplaced(
  q: Queries,
  which: { readonly id: string } | { readonly serial: Buffer },
): Promise<ReplacedRow | undefined> {
  const [row] = await q.query<ReplacedRow>({
    text: `select c.id, c.serial, c.profile, c.issuer_id as "issuerId", c.state,
                  c.revocation_reason as "revocationReason", c.der,
                  c.not_before as "notBefore", c.not_after as "notAfter", c.not_after <= now() as expired,
                  c.key_id as "keyId", coalesce(c.spki, k.spki) as spki, cr.id as "credentialId",
                  cr.certificate_id = c.id as "isCredentials",
                  (select s.serial from certificate s where s.replaces_id = c.id and s.state in ${LIVING}) as successor
             from certificate c left join key k on k.id = c.key_id left join credential cr on cr.key_id = c.key_id
            where c.id = $1::uuid or c.serial = $2::bytea limit 1`,
    values: 'id' in which ? [which.id, null] : [null, which.serial],
  })
  return row
}

/** The state of a certificate, which stays so until the transaction ends. */
export async function lockedState(tx: Queries, certificateId: string): Promise<CertificateState> {
  const rows = await tx.query<{ state: CertificateState }>({
    text: 'select state from certificate where id = $1::uuid for share',
    values: [certificateId],
  })
  return one(rows).state
}

/** Whether a key is known to be in other hands. @param spkiHash SHA-256 of its SubjectPublicKeyInfo */
export async function isCompromised(q: Queries, spkiHash: Buffer): Promise<boolean> {
  const rows = await q.query({
    name: 'key-compromised',
    text: 'select 1 from compromised_key where spki_sha256 = $1::bytea',
    values: [spkiHash],
  })
  return rows.length === 1
}

/** Other certificates over a certificate's key that relying parties believe, or will again; none that has expired. */
export async function othersOfItsKey(
  q: Queries,
  certificateId: string,
): Promise<{ readonly id: string; readonly credentialId: string | null }[]> {
  return q.query({
    text: `with its as materialized (
             select c.id, c.key_id, coalesce(c.spki, k.spki) as spki
               from certificate c left join key k on k.id = c.key_id where c.id = $1::uuid),
           same as (
             select c.* from its join certificate c on c.key_id = its.key_id
             union all
             select c.* from its join certificate c on c.spki is not null and sha256(c.spki) = sha256(its.spki))
           select same.id, cr.id as "credentialId" from same left join credential cr on cr.certificate_id = same.id
            where same.id <> $1::uuid and same.state in ('issued', 'suspended') and same.not_after > now()
              and same.issuer_id is not null
            order by same.id`,
    values: [certificateId],
  })
}

/**
 * Gives a credential another certificate over its key, or another key with its certificate, and the seal that goes with it.
 * @param change.before the seal that it had
 * @returns false when it was changed meanwhile
 */
export async function setCertified(
  q: Queries,
  change: {
    readonly id: string
    readonly before: Buffer
    readonly keyId: string
    readonly certificateId: string
    readonly seal: Buffer
  },
): Promise<boolean> {
  const rows = await q.query({
    text: `update credential set key_id = $3::uuid, certificate_id = $4::uuid, seal = $5::bytea
            where id = $1::text and seal = $2::bytea and state in ('enabled', 'disabled') returning 1`,
    values: [change.id, change.before, change.keyId, change.certificateId, change.seal],
  })
  return rows.length === 1
}

/** A key is about to be made that is to replace a certificate's. */
export async function beginRekeying(
  q: Queries,
  begun: { readonly keyId: string; readonly certificateId: string; readonly instanceId: string },
): Promise<void> {
  await q.query({
    text: 'insert into rekeying (key_id, certificate_id, instance) values ($1::uuid, $2::uuid, $3::uuid)',
    values: [begun.keyId, begun.certificateId, begun.instanceId],
  })
}

/** It is certified, or given up; of several who say so, one does. @returns false where that was said before */
export async function endRekeying(q: Queries, keyId: string): Promise<boolean> {
  const rows = await q.query({
    text: 'delete from rekeying where key_id = $1::uuid returning 1',
    values: [keyId],
  })
  return rows.length === 1
}

/** Keys that no living process is making any more: its lease ran out, or it takes too long. */
export async function leftRekeyings(
  q: Queries,
  { olderThanS, limit }: { readonly olderThanS: number; readonly limit: number },
): Promise<string[]> {
  const rows = await q.query<{ keyId: string }>({
    text: `select r.key_id as "keyId" from rekeying r
             left join instance p on p.id = r.instance and p.lease_until > now()
            where p.id is null or r.begun_at < now() - $1::int * interval '1 second'
            order by r.begun_at limit $2::int`,
    values: [olderThanS, limit],
  })
  return rows.map(({ keyId }) => keyId)
}
