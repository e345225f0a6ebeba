import type { Queries } from './database.ts'
import { one } from './database.ts'

/** A claim that did not end in use within this time was left by a process that died; the holder may try again. */
const CLAIM_S = 60

/** @returns when the link stops working. */
export async function insertEnrolment(
  q: Queries,
  enrolment: {
    readonly id: string
    readonly codeHash: Buffer
    readonly credentialId: string
    readonly hours: number
  },
): Promise<Date> {
  const rows = await q.query<{ expiresAt: Date }>({
    text: `insert into enrolment (id, code_hash, credential_id, expires_at)
           values ($1::uuid, $2::bytea, $3::text, now() + $4::int * interval '1 hour')
           returning expires_at as "expiresAt"`,
    values: [enrolment.id, enrolment.codeHash, enrolment.credentialId, enrolment.hours],
  })
  return one(rows).expiresAt
}

/**
 * Takes the link for one attempt at setting a PIN. Undefined: unknown, used, expired, or being used right now. Should
 * an attempt outlive its claim and another begin, only one of them finds the credential still pending.
 */
export async function claimEnrolment(
  q: Queries,
  codeHash: Buffer,
): Promise<{ readonly id: string; readonly credentialId: string } | undefined> {
  const rows = await q.query<{ id: string; credentialId: string }>({
    text: `update enrolment set claimed_at = now()
            where code_hash = $1::bytea and used_at is null and expires_at > now()
              and (claimed_at is null or claimed_at < now() - $2::int * interval '1 second')
            returning id, credential_id as "credentialId"`,
    values: [codeHash, CLAIM_S],
  })
  return rows[0]
}

/** Gives the link back: nothing was made with it. */
export async function unclaimEnrolment(q: Queries, id: string): Promise<void> {
  await q.query({
    text: 'update enrolment set claimed_at = null where id = $1::uuid and used_at is null',
    values: [id],
  })
}

/** Spends the link, in the transaction that enables the credential. */
export async function useEnrolment(q: Queries, id: string): Promise<void> {
  await q.query({ text: 'update enrolment set used_at = now() where id = $1::uuid', values: [id] })
}

/** Ends every open link of a credential. */
export async function expireEnrolments(q: Queries, credentialId: string): Promise<void> {
  await q.query({
    text: `update enrolment set expires_at = now()
            where credential_id = $1::text and used_at is null and expires_at > now()`,
    values: [credentialId],
  })
}

/** Ends a credential that nobody enrolled, and its links. */
export async function endPendingCredential(q: Queries, credentialId: string): Promise<void> {
  await expireEnrolments(q, credentialId)
  await q.query({
    text: `update credential set state = 'ended' where id = $1::text and state = 'pending'`,
    values: [credentialId],
  })
}
