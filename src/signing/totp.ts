/** One-time passwords by time (RFC 6238) as authenticator apps compute them: HMAC-SHA-1, six digits, thirty seconds. */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const OTP_DIGITS = 6
const FORM = /^[0-9]{6}$/
const STEP_MS = 30_000
/** Steps before and after the present one: clocks of phones differ, and people type (RFC 6238, 5.2). */
const WINDOW = 1
/** What RFC 4226 recommends, 4 (R6); apps that read another length wrongly exist. */
export const SEED_OCTETS = 20

/** Whether it could be one, of any kind that is used here. */
export const isOtp = (value: unknown): value is string => typeof value === 'string' && FORM.test(value)

/** As people type it into a form: apps show it in groups. Undefined: the field is empty, or not there. */
export function typedOtp(text: string | null): string | undefined {
  const digits = (text ?? '').replaceAll(/\s/g, '')
  return digits === '' ? undefined : digits
}

/** RFC 4226, 5.3. */
export function hotp(seed: Buffer, counter: number): string {
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', seed).update(octets).digest()
  const offset = mac.readUInt8(mac.length - 1) & 0xf
  const number = mac.readUInt32BE(offset) & 0x7fffffff
  return String(number % 10 ** OTP_DIGITS).padStart(OTP_DIGITS, '0')
}

/** @param now milliseconds since 1970 */
export const stepAt = (now: number): number => Math.floor(now / STEP_MS)

/** The step that a code is of; undefined: of none that counts now. Takes as long for any code. */
export function stepOf(seed: Buffer, otp: string, now: number): number | undefined {
  const given = Buffer.from(otp.padEnd(OTP_DIGITS).slice(0, OTP_DIGITS), 'latin1')
  let found: number | undefined
  for (let step = stepAt(now) - WINDOW; step <= stepAt(now) + WINDOW; step++) {
    if (timingSafeEqual(Buffer.from(hotp(seed, step), 'latin1'), given)) found = step
  }
  return otp.length === OTP_DIGITS ? found : undefined
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648, 6, without padding: as apps take it. */
export function base32(octets: Buffer): string {
  let [text, bits, value] = ['', 0, 0]
  for (const octet of octets) {
    value = ((value & 0xff) << 8) | octet
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32.charAt((value >>> (bits - 5)) & 31)
  }
  return bits === 0 ? text : text + BASE32.charAt((value << (5 - bits)) & 31)
}

/** What the QR code says (the key URI format of Google Authenticator, which other apps read too). */
export function keyUri(seed: Buffer, shown: { readonly issuer: string; readonly account: string }): string {
  const label = `${encodeURIComponent(shown.issuer)}:${encodeURIComponent(shown.account)}`
  // The other parameters are what each of these apps assumes.
  return `otpauth://totp/${label}?secret=${base32(seed)}&issuer=${encodeURIComponent(shown.issuer)}`
}
