import { timingSafeEqual } from 'node:crypto'
import type { Context } from '../context.ts'
import type { CredentialRow } from '../db/credentials.ts'
import type { Queries } from '../db/database.ts'
import type { SendLimits } from '../db/sendLimits.ts'
import { liveSentCodes, spendSentCode } from '../db/sentCodes.ts'
import { spendStep, type TotpVersion } from '../db/totp.ts'
import { Refusal } from '../refusal.ts'
import { sentCodeDigits, totpSeed } from './derived.ts'
import { stepOf } from './totp.ts'

/**
 * Of codes that are sent. Three alive at once: messages overtake each other. What a person can be sent in an hour is far
 * above what signing takes, and far below what floods a phone.
 */
export const SEND_LIMITS: SendLimits = {
  seconds: 300,
  apart: 30,
  outstanding: 3,
  perPerson: 20,
  perClient: 120,
}

/**
 * What a holder gives besides the PIN: a one-time password by time, of that version of the seed; or a code that was sent to
 * the contact of that mark (derived.ts). 'unknown' is what a newer version of this service has written: here it is never
 * given rightly.
 */
export type SecondFactor =
  | { readonly kind: 'totp'; readonly version: number }
  | { readonly kind: 'sent'; readonly contactMark: string }
  | { readonly kind: 'unknown' }

/** As the credential's row has it, which is sealed. */
export function secondFactorOf({
  secondFactor,
}: Pick<CredentialRow, 'secondFactor'>): SecondFactor | undefined {
  if (secondFactor === null) return undefined
  const version = /^totp:([1-9][0-9]{0,8})$/.exec(secondFactor)?.[1]
  if (version !== undefined) return { kind: 'totp', version: Number(version) }
  const contactMark = /^sent:([A-Za-z0-9_-]{43})$/.exec(secondFactor)?.[1]
  return contactMark === undefined ? { kind: 'unknown' } : { kind: 'sent', contactMark }
}

/** Whether the PIN alone does not do. */
export const wantsOtp = (credential: Pick<CredentialRow, 'secondFactor'>): boolean =>
  secondFactorOf(credential) !== undefined

/** As they are sealed. */
export const totpFactor = (version: number): string => `totp:${version}`
export const sentFactor = (contactMark: string): string => `sent:${contactMark}`

/**
 * Whether a one-time password is there exactly where one is wanted: for whom the credential's owner lets know, so that a
 * slip costs no attempt.
 * @throws Refusal otp_missing, otp_invalid
 */
export function checkOtpGiven(credential: CredentialRow, otp: string | undefined): void {
  if (wantsOtp(credential) && otp === undefined) {
    throw new Refusal('otp_missing', 'Invalid parameter authData')
  }
  if (!wantsOtp(credential) && otp !== undefined)
    throw new Refusal('otp_invalid', 'Invalid parameter authData')
}

/** Spends what was right, in the transaction that uses it. False: somebody else was faster. */
export type Spend = (q: Queries) => Promise<boolean>

const nothingToSpend: Spend = () => Promise.resolve(true)

/**
 * Judges the one-time password. Nothing is written: whether it is the first use is decided by `Spend`. Wrong is also one
 * that is not there and wanted, at the cost of one that is there, and one that is not wanted.
 * @param given.now the database's clock in ms
 * @returns undefined where it is wrong
 */
export async function judgeOtp(
  ctx: Context,
  credential: CredentialRow,
  given: { readonly clientId: string; readonly otp: string | undefined; readonly now: number },
): Promise<Spend | undefined> {
  const factor = secondFactorOf(credential)
  const { otp = '', clientId, now } = given
  switch (factor?.kind) {
    case undefined:
      return given.otp === undefined ? nothingToSpend : undefined
    case 'totp':
      return judgeTotp(ctx, { credentialId: credential.id, version: factor.version }, { otp, now })
    case 'sent':
      return judgeSent(ctx, { credentialId: credential.id, clientId }, otp)
    case 'unknown':
      return undefined
  }
}

async function judgeTotp(
  ctx: Context,
  of: TotpVersion,
  { otp, now }: { readonly otp: string; readonly now: number },
): Promise<Spend | undefined> {
  const seed = await totpSeed(ctx, { id: of.credentialId, version: of.version })
  const step = stepOf(seed, otp, now)
  return step === undefined ? undefined : (q) => spendStep(q, { ...of, step })
}

/** Every code that is alive is computed and compared, whichever it is. */
async function judgeSent(
  ctx: Context,
  of: { readonly credentialId: string; readonly clientId: string },
  otp: string,
): Promise<Spend | undefined> {
  const live = await liveSentCodes(ctx.db, { ...of, most: SEND_LIMITS.outstanding })
  const digits = await Promise.all(live.map((code) => sentCodeDigits(ctx, code)))
  const right = live.filter((_, index) => isSame(digits[index] ?? '', otp))
  const [code] = right
  return code === undefined ? undefined : (q) => spendSentCode(q, code.id)
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
