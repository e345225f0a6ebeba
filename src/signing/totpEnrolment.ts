import { randomBytes } from 'node:crypto'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { findCredential } from '../db/credentials.ts'
import { confirmTotp, openTotp, tryTotp } from '../db/totp.ts'
import { Refusal } from '../refusal.ts'
import { recogniseHolder } from './activation.ts'
import { totpSeed } from './derived.ts'
import { bearerHash } from './permit.ts'
import { resealed } from './reseal.ts'
import { factorChange } from './changeFactor.ts'
import { totpFactor } from './secondFactor.ts'
import { stepOf } from './totp.ts'

/** Seconds to take a phone out, to scan, and to type. */
export const CONFIRM_S = 600
/** Who has just seen the seed types the code right, or starts again. */
const MAX_TRIES = 5
const CONFIRMATION_OCTETS = 32

export interface Opened {
  /** For the holder's eyes, once. */
  readonly seed: Buffer
  /** Bearer value: whoever has it may confirm, within CONFIRM_S. Only its SHA-256 is stored. */
  readonly confirmation: string
}

/**
 * Anybody who knows a credential's number can open the page: wrong PINs count there for the page alone, so that a stranger
 * locks nobody out of signing. No client's id has a space.
 */
const PAGE = 'page of codes'

/**
 * A holder begins to use one-time passwords, or goes on to another device. Nothing counts before the first code.
 * @param holder.otp of the second factor that the credential has already, if it has one
 * @throws Refusal as recogniseHolder does
 */
export async function beginTotp(
  ctx: Context,
  holder: { readonly credentialId: string; readonly pin: string; readonly otp?: string | undefined },
): Promise<Opened> {
  const { credentialId, pin, otp } = holder
  // No client has the empty id: what is unknown stays so.
  const clientId = (await findCredential(ctx.db, { id: credentialId }))?.clientId ?? ''
  await recogniseHolder(ctx, { clientId, credentialId, secrets: [pin], otp, countedAs: PAGE })
  const confirmation = randomBytes(CONFIRMATION_OCTETS).toString('base64url')
  const opened = { credentialId, confirmationHash: bearerHash(confirmation), seconds: CONFIRM_S }
  const version = await ctx.db.transaction((tx) => openTotp(tx, opened))
  return { seed: await totpSeed(ctx, { id: credentialId, version }), confirmation }
}

/**
 * The first code of the new seed: from now on the credential wants one each time, and what it wanted before has ended. One
 * transaction decides; if we die before it, nothing has happened.
 * @throws Refusal otp_failed (try again), not_found (unknown, expired, used, tried too often: begin again)
 */
export async function finishTotp(
  ctx: Context,
  given: { readonly confirmation: string; readonly otp: string },
): Promise<{ readonly credentialId: string }> {
  const confirmationHash = bearerHash(given.confirmation)
  const tried = await tryTotp(ctx.db, { confirmationHash, most: MAX_TRIES })
  if (tried === undefined) throw over()
  const { credentialId, version, now } = tried
  const step = stepOf(await totpSeed(ctx, { id: credentialId, version }), given.otp, now)
  if (step === undefined) throw new Refusal('otp_failed', 'The authentication data is invalid')
  const credential = await findCredential(ctx.db, { id: credentialId })
  if (credential?.state !== 'enabled') throw over()
  const seal = await resealed(ctx, credential, totpFactor(version))
  const actor = `person:${credential.personId}`
  const act = { act: 'second-factor.set', actor, detail: { kind: 'totp', version } }
  await ctx.db.transaction(async (tx) => {
    if (!(await confirmTotp(tx, { credentialId, version, step }))) throw over()
    await seal(tx)
    await insertAudit(tx, [factorChange(credential, act)])
  })
  return { credentialId }
}

const over = (): Refusal => new Refusal('not_found', 'There is nothing to confirm.')
