import { z } from 'zod'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { decodeBase64 } from './encoding.ts'

/** Octets of a message that an Ed25519 key signs whole: signed attributes are some hundreds. */
const MESSAGE_MAX = 4096
const DESCRIPTION_MAX = 500
const TEXT_MAX = 2048

/** The standard's phrases for a mandatory string: for one that is not there, and for one that is not valid. */
export function requiredString(name: string) {
  return z.string({ error: `Missing (or invalid type) string parameter ${name}` })
}

export function optionalText(name: string, max = TEXT_MAX) {
  const error = `Invalid parameter ${name}`
  return z.string({ error }).max(max, { error }).optional()
}

export function flag(name: string) {
  return z.boolean({ error: `Invalid parameter ${name}` }).default(false)
}

/** Ids that were never made here are refused without asking the database. */
export const credentialID = requiredString('credentialID').regex(/^[A-Za-z0-9_-]{1,100}$/, {
  error: 'Invalid parameter credentialID',
})

/** Members that every method takes and that change nothing. */
export const common = {
  lang: optionalText('lang'),
  clientData: optionalText('clientData'),
}

export const description = optionalText('description', DESCRIPTION_MAX)

/** Which certificates an answer holds, and what it says of them (CSC API v2.2, 11.6 and 11.7). */
export const shownMembers = {
  certificates: z
    .enum(['none', 'single', 'chain'], { error: 'Invalid parameter certificates' })
    .default('single'),
  certInfo: flag('certInfo'),
  authInfo: flag('authInfo'),
}

/** "hash" is what the standard's own phrase says, in version 2 as well. */
export const INVALID_HASH = 'Invalid Base64 hash string parameter'
export const MISSING_HASHES = 'Missing (or invalid type) array parameter hash'

/** Digests, decoded: what is signed is octets, whatever alphabet they came in. */
export const hashes = z
  .array(
    z.string({ error: INVALID_HASH }).transform((text, context) => {
      const octets = decodeBase64(text)
      if (octets !== undefined) return octets
      context.addIssue({ code: 'custom', message: INVALID_HASH })
      return z.NEVER
    }),
    { error: MISSING_HASHES },
  )
  .min(1, { error: 'Empty hash array' })

/**
 * @param length octets of a digest, where the hash is known; otherwise these are messages for Ed25519.
 * @throws Refusal 'invalid_request'
 */
export function checkLengths(digests: readonly Buffer[], length: number | undefined): void {
  const fits = (digest: Buffer): boolean =>
    length === undefined ? digest.length > 0 && digest.length <= MESSAGE_MAX : digest.length === length
  if (!digests.every(fits)) throw new Refusal('invalid_request', 'Invalid digest value length')
}

export const TOO_MANY = 'Numbers of signatures is too high'

/** @throws Refusal 'invalid_request' */
export function checkCount(count: number, max: number): void {
  if (count > max) throw new Refusal('invalid_request', TOO_MANY)
}

export const INVALID_OID = 'Invalid parameter hashAlgorithmOID'

/** What authorises gives this. */
export const sadResponse = z.object({ SAD: z.string(), expiresIn: z.int().min(1) })

/** What a method that sends a code refuses. */
export const sendingRefusals: readonly RefusalCode[] = [
  'credential_unknown',
  'credential_disabled',
  'certificate_expired',
  'certificate_revoked',
  'certificate_suspended',
  'credential_locked',
  'throttled',
]

/** What a method that takes a SAD refuses. */
export const sadRefusals: readonly RefusalCode[] = [
  'credential_unknown',
  'permit_unknown',
  'permit_expired',
  'digest_not_authorised',
  'credential_disabled',
  'certificate_expired',
  'certificate_revoked',
  'certificate_suspended',
]
