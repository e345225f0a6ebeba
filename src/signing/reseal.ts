import { timingSafeEqual } from 'node:crypto'
import { canonicalCredential, type CredentialRecord } from '../../hsm/records.ts'
import { raise } from '../alarms.ts'
import type { Context } from '../context.ts'
import { credentialRecord, setSecondFactor, type CredentialRow } from '../db/credentials.ts'
import type { Queries } from '../db/database.ts'
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
  const { seal: before, ...record } = credentialRecord(row)
  if (!timingSafeEqual(await sealOf(ctx, row, record), before)) {
    const says = 'a credential was altered; it was not sealed again'
    raise(ctx.log, 'seal_broken', { says, credential: row.id })
    throw new Error(says)
  }
  const seal = await sealOf(ctx, row, { ...record, secondFactor: secondFactor ?? undefined })
  return async (tx) => {
    const isChanged = await setSecondFactor(tx, { id: row.id, before, secondFactor, seal })
    if (!isChanged) throw new Refusal('conflict', 'The credential was changed meanwhile.')
  }
}

/** Made by the token that seals the credential's key, since that is where it is checked. */
async function sealOf(ctx: Context, row: CredentialRow, record: CredentialRecord): Promise<Buffer> {
  return ctx.token
    .mac('credential', canonicalCredential(record), row.tokenSerial ?? undefined)
    .catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
}
