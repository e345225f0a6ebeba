import { z } from 'zod'
import type { Config } from './config.ts'

/** TABLE of what attackers are held off with, by ISO/IEC 18045, from the most to the least (OpenID4VCI 1.0, D.2). */
export const attackResistances = [
  'iso_18045_high',
  'iso_18045_moderate',
  'iso_18045_enhanced-basic',
  'iso_18045_basic',
] as const
export type AttackResistance = (typeof attackResistances)[number]

/** A day: nothing takes an attestation back, and what is good for no longer is commonly not asked whether it was. */
const VALID_SECONDS = 86_400
/** Shorter ones end on the way; longer ones speak for keys that were disabled weeks ago. */
const VALID_SECONDS_MIN = 60
const VALID_SECONDS_MAX = 2_592_000
const CERTIFICATES_MAX = 10

const resistances = z
  .array(z.enum(attackResistances, `one of ${attackResistances.join(', ')}`))
  .min(1)
  .refine((values) => new Set(values).size === values.length, 'one value stands there twice')

const address = z.url({ protocol: /^https?$/ })

/**
 * Key attestations (OpenID4VCI 1.0, D.1): `POST /keys/attest` says, in the operator's name, that keys of the key service are in the
 * token. What it claims of token and secrets is what stands here, and must be true of the device that is certified.
 */
export const attestationSchema = z.strictObject({
  /** Id of the issuer whose key signs them: `intaglio issuer create`. One of a client that nobody uses otherwise is best. */
  issuer: z.uuid(),
  /** Name of the token that is spoken of; keys in others are not attested. May be left out while there is one token only. */
  token: z.string().min(1).optional(),
  /** What the token was evaluated to resist, as key_storage. Absent: nothing is claimed. */
  keyStorage: resistances.optional(),
  /** What the secrets that open a key were evaluated to resist, as user_authentication. Absent: nothing is claimed. */
  userAuthentication: resistances.optional(),
  /** Address of the token's certificate, or a list of addresses. Absent: none is named. */
  certification: z
    .union(
      [address, z.array(address).min(1).max(CERTIFICATES_MAX)],
      `an address by http or https, or a list of ${CERTIFICATES_MAX} at most`,
    )
    .optional(),
  /** Seconds that one is good for. */
  validSeconds: z.int().min(VALID_SECONDS_MIN).max(VALID_SECONDS_MAX).default(VALID_SECONDS),
})

/** Of which token it would speak. Each sentence begins with the path. */
export function attestationProblems({
  attestation,
  tokens,
}: Pick<Config, 'attestation' | 'tokens'>): string[] {
  if (attestation === undefined) return []
  const { token: name } = attestation
  if (name === undefined) {
    return tokens.length === 1 ? [] : ['attestation.token: missing: there are several tokens']
  }
  return tokens.some((one) => one.name === name) ? [] : [`attestation.token: there is no token '${name}'`]
}
