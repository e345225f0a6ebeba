import { randomUUID } from 'node:crypto'
import type { KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Generated } from '../../hsm/types.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import type { Queries } from '../db/database.ts'
import { planKey, storeKey } from '../db/keys.ts'
import { KDF, SALT_OCTETS, stretch } from './secrets.ts'
import { tokenRefusal } from './tokenRefusal.ts'

const CKA_ID_OCTETS = 16

export interface KeyRequest {
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly actor: string
  /** Random where absent. Who writes it down before knows which key to destroy, whatever happens. */
  readonly keyId?: string
  /** Serial of the token to make it in; without, the purpose decides. */
  readonly tokenSerial?: string
  /** The holder's secrets, for purposes that are activated: the key is born with its verifier and never gets another. */
  readonly secrets?: readonly string[]
  /** Records more in the transaction that stores the key: either both are there, or neither. */
  readonly stored?: (tx: Queries, made: Generated) => Promise<void>
}

/**
 * Makes a key in the token. The intent and the CKA_ID are stored before the token is asked: if we die in between, the
 * next start finds the handle by it and destroys what nobody owns.
 */
export async function makeKey(ctx: Context, request: KeyRequest): Promise<Sealed<KeyRecord>> {
  const { keyType, purpose, actor, keyId = randomUUID() } = request
  const tokenSerial = request.tokenSerial ?? makerOf(ctx, purpose)
  const ckaId = await ctx.token.random(CKA_ID_OCTETS).catch((error: unknown) => {
    throw tokenRefusal(ctx, error)
  })
  const facts = { act: 'key.generate', actor, subjects: [`key:${keyId}`], signatureId: keyId }
  const activation =
    request.secrets === undefined ? undefined : await verifierInput(ctx, request.secrets, actor)
  await ctx.db.transaction(async (tx) => {
    await planKey(tx, { id: keyId, tokenSerial, ckaId, keyType, purpose })
    await insertAudit(tx, [auditEntry({ ...facts, kind: 'intent', detail: { keyType, purpose } })])
  })
  const made = await ctx.token
    .generate({ keyId, ckaId, keyType, purpose, ...(activation && { activation }) }, tokenSerial)
    .catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
  await ctx.db.transaction(async (tx) => {
    await storeKey(tx, made)
    await request.stored?.(tx, made)
    await insertAudit(tx, [auditEntry({ ...facts, kind: 'result', detail: { outcome: 'generated' } })])
  })
  return made.key
}

function makerOf(ctx: Context, purpose: Purpose): string {
  try {
    return ctx.token.makerOf(purpose).token.serial
  } catch (error) {
    throw tokenRefusal(ctx, error)
  }
}

async function verifierInput(ctx: Context, secrets: readonly string[], actor: string) {
  const salt = await ctx.token.random(SALT_OCTETS)
  const stretched = await stretch(secrets, { salt, ...KDF }, actor)
  return { salt, ...KDF, secrets: secrets.length, stretched }
}
