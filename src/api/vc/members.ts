import { z } from 'zod'
import type { JsonObject } from '../../credentials/formats/format.ts'
import { formats } from '../../credentials/formats/index.ts'

/** Credentials in presentations nest a dozen deep; what nests deeper is made to exhaust a stack. */
const DEPTH_MAX = 64
const TEXT_MAX = 10_000
const ID_MAX = 2_000
/** A JWT in a presentation with ten of 46 KB each. */
const COMPACT_MAX = 512 * 1024
/** Pointers to claims: a credential of the largest size that is taken has no more. */
const POINTERS_MAX = 1_000
const POINTER_MAX = 1_000

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As it came: what is signed is never altered. */
export const object = z
  .custom<JsonObject>(isObject, 'an object is wanted')
  .refine((value) => !isDeeper(value, DEPTH_MAX), `nests deeper than ${DEPTH_MAX}`)
  .meta({ type: 'object' })

/** Without recursion: there is no telling how deep it goes. */
function isDeeper(value: unknown, most: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : [],
    )
  }
  return false
}

/** A document with its proofs, or the compact form of a token. */
export const secured = z.union(
  [z.string().min(1, 'is empty').max(COMPACT_MAX, `${COMPACT_MAX} characters at most`), object],
  'an object, or a token as a string, is wanted',
)

export const text = (most = TEXT_MAX) =>
  z.string('a string is wanted').min(1, 'is empty').max(most, `${most} characters at most`)

export const credentialId = text(ID_MAX)

export const pointers = z
  .array(
    z.string('a string is wanted').max(POINTER_MAX, `${POINTER_MAX} characters at most`),
    'a list is wanted',
  )
  .max(POINTERS_MAX, `${POINTERS_MAX} at most`)

type FormatName = keyof typeof formats
const formatNames = Object.keys(formats) as [FormatName, ...FormatName[]]
export const format = z.enum(formatNames, `one of ${formatNames.join(', ')}`)

/** What clients ask to be checked. The signature, the times and the issuer are always; here it is about the status. */
export const checks = z
  .array(text(100), 'a list is wanted')
  .max(20, '20 at most')
  .optional()
  .meta({ description: 'Without, or with credentialStatus in it: the status, too' })
