import { hash, timingSafeEqual } from 'node:crypto'
import { canonicalCredential, type CredentialRecord, type KeyRecord, type Sealed } from '../../hsm/records.ts'
import { raise } from '../alarms.ts'
import type { Context } from '../context.ts'
import { credentialRecord, setSecondFactor, type CredentialRow } from '../db/credentials.ts'
import type { Queries } from '../db/database.ts'
import { setCertified } from '../db/replacements.ts'
import { Refusal } from '../refusal.ts'
import { tokenRefusal } from './tokenRefusal.ts'

/**
 * Gives a credential another second factor, or none, and the seal that goes with it.
 * @returns what stores it, in the caller's transaction: it refuses (conflict) where the credential was changed meanwhile
 * @throws Error, with the alarm raised, where the row is not what was sealed: what was altered by SQL gets no seal by this
 */
export async function resealed(
  ctx: Context,
  row: CredentialRow,
  secondFactor: string | null,
): Promise<(tx: Queries) => Promise<void>> {
  const { before, seal } = await changed(ctx, row, { secondFactor: secondFactor ?? undefined })
  return async (tx) => {
    if (!(await setSecondFactor(tx, { id: row.id, before, secondFactor, seal }))) throw changedMeanwhile()
  }
}

/**
 * Gives a credential another certificate: over its key, or over another one, which is its key then.
 * @returns as resealed. @throws as resealed
 */
export async function recertified(
  ctx: Context,
  row: CredentialRow,
  to: { readonly key: KeyRecord; readonly certificate: { readonly id: string; readonly der: Buffer } },
): Promise<(tx: Queries) => Promise<void>> {
  const { key, certificate } = to
  const { keyId, tokenSerial } = key
  const hashed = hash('sha256', certificate.der, 'buffer')
  const { before, seal } = await changed(ctx, row, { keyId, certificate: hashed, tokenSerial })
  return async (tx) => {
    const change = { id: row.id, before, keyId, certificateId: certificate.id, seal }
    if (!(await setCertified(tx, change))) throw changedMeanwhile()
  }
}

const changedMeanwhile = (): Refusal => new Refusal('conflict', 'The credential was changed meanwhile.')

/** The seal of a credential as it is, and of one that differs by that. @param to.tokenSerial absent: of the token that it has */
async function changed(
  ctx: Context,
  row: CredentialRow,
  to: Partial<CredentialRecord> & { readonly tokenSerial?: string },
): Promise<{ readonly before: Buffer; readonly seal: Buffer }> {
  const { tokenSerial = row.tokenSerial ?? undefined, ...change } = to
  const { seal: before, ...record } = await refuseAltered(ctx, row)
  return { before, seal: await sealOf(ctx, { ...record, ...change }, tokenSerial) }
}

/** What was sealed of a credential. @throws Error, with the alarm raised, where the row is not that any more */
export async function refuseAltered(ctx: Context, row: CredentialRow): Promise<Sealed<CredentialRecord>> {
  const { seal, ...record } = credentialRecord(row)
  if (timingSafeEqual(await sealOf(ctx, record, row.tokenSerial ?? undefined), seal))
    return { ...record, seal }
  const says = 'a credential was altered; it was not sealed again'
  raise(ctx.log, 'seal_broken', { says, credential: row.id })
  throw new Error(says)
}

/** Made by the token that seals the credential's key, since that is where it is checked. */
async function sealOf(
  ctx: Context,
  record: CredentialRecord,
  tokenSerial: string | undefined,
): Promise<Buffer> {
  return ctx.token.mac('credential', canonicalCredential(record), tokenSerial).catch((error: unknown) => {
    throw tokenRefusal(ctx, error)
  })
}
