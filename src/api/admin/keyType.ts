import { z } from 'zod'
import { keyTypes, type KeyType } from '../../../hsm/algorithms.ts'
import type { Config } from '../../../config/config.ts'

/** SOG-IS and NIST SP 800-131A: what is made today must hold beyond 2030. */
const RSA_MIN_BITS = 3072

/** A key type that may be made: production makes no RSA key below 3072 bits. */
export function keyTypeSchema(profile: Config['profile'], allowed: readonly KeyType[]) {
  return z
    .enum(allowed as [KeyType, ...KeyType[]])
    .refine(
      (name) =>
        profile !== 'production' || keyTypes[name].family !== 'RSA' || keyTypes[name].bits >= RSA_MIN_BITS,
      `production makes RSA keys of ${RSA_MIN_BITS} bits or more`,
    )
}
