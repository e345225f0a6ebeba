import type { Queries } from './database.ts'
import { one } from './database.ts'
import type { ReplacementReason } from './replacements.ts'

/** A claim that did not end in use within this time was left by a process that died; the holder may try again. */
const CLAIM_S = 60

/** A link that its holder is using. */
export interface Claim {
  readonly id: string
  readonly credentialId: string
  /** The certificate whose key is replaced; absent: it is the credential's first key. */
  readonly replaces?: { readonly id: string; readonly reason: ReplacementReason } | undefined
}

/** @returns when the link stops working. */
export async function insertEnrolment(
  q: Queries,
  enrolment: {
    readonly id: string
    readonly codeHash: Buffer
    readonly credentialId: string
    readonly hours: number
    readonly replaces?: Claim['replaces']
  },
): Promise<Date> {
  const { replaces } = enrolment
  const rows = await q.query<{ expiresAt: Date }>({
    text: `insert into enrolment (id, code_hash, credential_id, expires_at, replaces_id, replaces_reason)
           values ($1::uuid, $2::bytea, $3::text, now() + $4::int * interval '1 hour', $5::uuid, $6::text)
           returning expires_at as "expiresAt"`,
    values: [
      ...[enrolment.id, enrolment.codeHash, enrolment.credentialId, enrolment.hours],
      ...[replaces?.id ?? null, replaces?.reason ?? null],
    ],
  })
  return one(rows).expiresAt
}

/**
 * Takes the link for one attempt at setting a PIN. Undefined: unknown, used, expired, or being used right now. Should
 * an attempt outlive its claim and another begin, only one of them finds the credential still pending.
 */
export async function claimEnrolment(q: Queries, codeHash: Buffer): Promise<Claim | undefined> {
  const rows = await q.query<Omit<Claim, 'replaces'> & Replaces>({
    text: `update enrolment set claimed_at = now()
            where code_hash = $1::bytea and used_at is null and expires_at > now()
              and (claimed_at is null or claimed_at < now() - $2::int * interval '1 second')
            returning id, credential_id as "credentialId", replaces_id as "replacesId", replaces_reason as reason`,
    values: [codeHash, CLAIM_S],
  })
  const [row] = rows
  if (row === undefined) return undefined
  const { id, credentialId, replacesId, reason } = row
  if (replacesId === null || reason === null) return { id, credentialId }
  return { id, credentialId, replaces: { id: replacesId, reason } }
}

interface Replaces {
  readonly replacesId: string | null
  readonly reason: ReplacementReason | null
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
