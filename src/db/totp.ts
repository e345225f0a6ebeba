import type { Queries } from './database.ts'
import { one } from './database.ts'

/** A seed's version, and the credential that it belongs to. */
export interface TotpVersion {
  readonly credentialId: string
  readonly version: number
}

/** Opens the next version, to be confirmed. Call it in a transaction. @returns its number */
export async function openTotp(
  q: Queries,
  opened: {
    readonly credentialId: string
    readonly confirmationHash: Buffer
    /** How long it may be confirmed. */
    readonly seconds: number
  },
): Promise<number> {
  // One at a time, so that no number is given twice.
  await q.query({
    text: 'select 1 from credential where id = $1::text for update',
    values: [opened.credentialId],
  })
  const rows = await q.query<{ version: number }>({
    text: `insert into totp (credential_id, version, confirmation_hash, expires_at)
           select $1::text, coalesce(max(version), 0) + 1, $2::bytea, now() + $3::int * interval '1 second'
             from totp where credential_id = $1::text
           returning version`,
    values: [opened.credentialId, opened.confirmationHash, opened.seconds],
  })
  return one(rows).version
}

/**
 * Counts a try at the first code, before the code is looked at.
 * @returns undefined: unknown, confirmed, expired, ended, or tried too often; `now` is the database's clock in ms
 */
export async function tryTotp(
  q: Queries,
  asked: { readonly confirmationHash: Buffer; readonly most: number },
): Promise<(TotpVersion & { readonly now: number }) | undefined> {
  const rows = await q.query<TotpVersion & { now: string }>({
    text: `update totp set tries = tries + 1
            where confirmation_hash = $1::bytea and confirmed_at is null and ended_at is null
              and expires_at > now() and tries < $2::int
            returning credential_id as "credentialId", version, (extract(epoch from now()) * 1000)::bigint as now`,
    values: [asked.confirmationHash, asked.most],
  })
  const [row] = rows
  return row && { ...row, now: Number(row.now) }
}

/** The first code was right: this version counts from now on, and no other. @returns false where it does not any more */
export async function confirmTotp(
  q: Queries,
  { credentialId, version, step }: TotpVersion & { readonly step: number },
): Promise<boolean> {
  const rows = await q.query({
    text: `with others as (
             update totp set ended_at = now(), confirmation_hash = null
              where credential_id = $1::text and version <> $2::int and ended_at is null)
           update totp set confirmed_at = now(), last_step = $3::bigint, confirmation_hash = null
            where credential_id = $1::text and version = $2::int and confirmed_at is null and ended_at is null
            returning 1`,
    values: [credentialId, version, step],
  })
  return rows.length === 1
}

/** Spends a time step: of all who come with a code of it, on whichever replica, one gets true. */
export async function spendStep(
  q: Queries,
  { credentialId, version, step }: TotpVersion & { readonly step: number },
): Promise<boolean> {
  const rows = await q.query({
    name: 'totp-spend',
    text: `update totp set last_step = $3::bigint
            where credential_id = $1::text and version = $2::int and last_step < $3::bigint
              and confirmed_at is not null and ended_at is null
            returning 1`,
    values: [credentialId, version, step],
  })
  return rows.length === 1
}

/** Ends every version of a credential. */
export async function endTotp(q: Queries, credentialId: string): Promise<void> {
  await q.query({
    text: `update totp set ended_at = now(), confirmation_hash = null
            where credential_id = $1::text and ended_at is null`,
    values: [credentialId],
  })
}
