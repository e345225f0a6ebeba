/** Values that several endpoints take and show alike. */
import { z } from 'zod'
import { Refusal } from '../../refusal.ts'
import { isUuid, type Call } from './endpoint.ts'

/** Twenty octets at most (RFC 5280, 4.1.2.2), as openssl, certtool and browsers print them. */
const DIGITS = /^[0-9a-fA-F]{2,40}$/

/** A serial number: a magnitude. */
export const serial = z
  .string()
  .max(100)
  .transform((text) => text.replaceAll(/[\s:]/g, ''))
  .pipe(z.string().regex(DIGITS, 'hexadecimal digits of a serial number'))
  .transform((digits) => Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'))

/** Which certificate an address names: by its id, or by its serial number. */
export function whichOf({ params }: Call): { readonly id: string } | { readonly serial: Buffer } {
  const which = params['id'] ?? ''
  if (isUuid(which)) return { id: which }
  const digits = serial.safeParse(which)
  if (!digits.success) throw new Refusal('not_found', 'There is no such certificate.')
  return { serial: digits.data }
}

/** Of a PKCS#10 in PEM: the longest that is taken has less than 32 KiB of Base64. */
export const PKCS10_MAX = 34_000

export const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text))

export const hex = (octets: Buffer): string => octets.toString('hex').toUpperCase()

/** DER in PEM (RFC 7468). */
export function pem(label: 'CERTIFICATE', der: Buffer): string {
  const lines = der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
