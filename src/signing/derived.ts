import type { MacDomain } from '../../hsm/purposes.ts'
import type { Context } from '../context.ts'
import type { SentCode } from '../db/sentCodes.ts'
import { tokenRefusal } from './tokenRefusal.ts'
import { OTP_DIGITS, SEED_OCTETS } from './totp.ts'

/*
 * Secrets that must be known again are derived in the token over an id and a version. Nothing is stored, so nothing can be
 * stolen from a database.
 */

/**
 * A client's secret: 256 bits, base64url.
 * @throws Refusal 'unavailable' when the token is away
 */
export async function clientSecret(
  ctx: Context,
  client: { readonly id: string; readonly version: number },
): Promise<string> {
  const secret = await derived(ctx, 'client-secret', client)
  return secret.toString('base64url')
}

/**
 * The seed of a credential's one-time passwords. @param of.id the credential's
 * @throws Refusal 'unavailable' when the token is away
 */
export async function totpSeed(
  ctx: Context,
  of: { readonly id: string; readonly version: number },
): Promise<Buffer> {
  const seed = await derived(ctx, 'totp-seed', of)
  return seed.subarray(0, SEED_OCTETS)
}

/**
 * The digits of a code that is sent, over all that its row says: an altered row has other digits.
 * @throws Refusal 'unavailable' when the token is away
 */
export async function sentCodeDigits(ctx: Context, code: SentCode): Promise<string> {
  const { id, credentialId, clientId, expiresAt } = code
  const mac = await authenticated(ctx, 'one-time-code', [id, credentialId, clientId, String(expiresAt)])
  // 64 bits leave no digit likelier than another by more than one part in 2^44.
  const number = mac.readBigUInt64BE(0) % BigInt(10 ** OTP_DIGITS)
  return number.toString().padStart(OTP_DIGITS, '0')
}

/**
 * What a credential's seal says of the contact that codes are sent to, without saying it: whoever only writes the database
 * cannot have them sent elsewhere.
 * @throws Refusal 'unavailable' when the token is away
 */
export async function contactMark(
  ctx: Context,
  of: { readonly credentialId: string; readonly contact: string },
): Promise<string> {
  return (await authenticated(ctx, 'contact', [of.credentialId, of.contact])).toString('base64url')
}

/**
 * The seal of an issuer's key: whose it is, and under which names it signs. Whoever only writes the database makes nobody
 * sign as somebody else.
 * @throws Refusal 'unavailable' when the token is away
 */
export function issuerKeySeal(
  ctx: Context,
  of: {
    readonly keyId: string
    readonly issuerId: string
    readonly clientId: string
    readonly identifier: string
    readonly verificationMethod: string
    readonly scheme: string
  },
): Promise<Buffer> {
  const { keyId, issuerId, clientId, identifier, verificationMethod, scheme } = of
  const texts = [keyId, issuerId, clientId, identifier, verificationMethod, scheme]
  return authenticated(ctx, 'credential-issuer', texts)
}

async function derived(
  ctx: Context,
  domain: MacDomain,
  of: { readonly id: string; readonly version: number },
): Promise<Buffer> {
  const version = Buffer.alloc(4)
  version.writeUInt32BE(of.version)
  return macOf(ctx, domain, Buffer.concat([withLength(of.id), version]))
}

function authenticated(ctx: Context, domain: MacDomain, texts: readonly string[]): Promise<Buffer> {
  return macOf(ctx, domain, Buffer.concat(texts.map(withLength)))
}

/** Length first: no two texts together spell two others. */
function withLength(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.length)
  return Buffer.concat([length, octets])
}

async function macOf(ctx: Context, domain: MacDomain, data: Buffer): Promise<Buffer> {
  return ctx.token.mac(domain, data).catch((error: unknown) => {
    throw tokenRefusal(ctx, error)
  })
}
