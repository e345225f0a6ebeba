import { z } from 'zod'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'

/** Credentials in presentations nest a dozen deep; what nests deeper is made to exhaust a stack. */
const DEPTH_MAX = 64
/** Pointers to claims: a credential of the largest size that is taken has no more. */
const POINTERS_MAX = 1_000
const POINTER_MAX = 1_000

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
    level = level.flatMap((one): unknown[] =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    )
  }
  return false
}

/** Challenges, domains: longer than any that is in use. */
const TEXT_MAX = 10_000

export const text = (most = TEXT_MAX) =>
  z.string('a string is wanted').min(1, 'is empty').max(most, `${most} characters at most`)

/** JSON pointers. */
export const pointers = z
  .array(
    z.string('a string is wanted').max(POINTER_MAX, `${POINTER_MAX} characters at most`),
    'a list is wanted',
  )
  .max(POINTERS_MAX, `${POINTERS_MAX} at most`)
