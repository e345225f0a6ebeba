import { z } from 'zod'
import { stateOf } from '../../credentials/keys/findKey.ts'
import { signatureTypeOf } from '../../credentials/keys/signatureTypes.ts'
import { verificationMethodOf } from '../../credentials/keys/verificationMethod.ts'
import type { HolderKeyRow } from '../../db/holderKeys.ts'

const jwk = z.object({
  kty: z.string(),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
})

/** A verification method (Controlled Identifiers 1.0, 2.2): what /generate answers. */
export const methodSchema = z.object({
  id: z.string().meta({ description: 'The key is asked for by it' }),
  type: z.enum(['JsonWebKey', 'Multikey']),
  controller: z
    .string()
    .meta({ description: "The id up to '#': an issuer or holder that is a DID must be it" }),
  publicKeyJwk: jwk.optional(),
  publicKeyMultibase: z.string().optional(),
})

export const keySchema = methodSchema.extend({
  identifier: z.string(),
  signatureType: z.string(),
  state: z.enum(['enabled', 'disabled', 'rotated']),
  created: z.string().meta({ description: 'RFC 3339' }),
})

/** A key as lists show it. */
export function shownKey(row: HolderKeyRow): object {
  const { identifier, scheme, createdAt } = row
  const state = stateOf(row)
  return {
    ...verificationMethodOf(row),
    identifier,
    signatureType: signatureTypeOf(scheme),
    state,
    created: createdAt.toISOString(),
  }
}
