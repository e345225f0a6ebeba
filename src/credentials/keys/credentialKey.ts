import { hash } from 'node:crypto'
import { schemes } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import type { HolderKeyRow } from '../../db/holderKeys.ts'
import { Refusal } from '../../refusal.ts'
import { permitForKey, type Proof } from '../../signing/holderPermit.ts'
import { sign } from '../../signing/sign.ts'
import type { CredentialKey } from '../credentialKey.ts'
import { keyById, usable } from './findKey.ts'
import { controllerOf } from './verificationMethod.ts'

/** A key as formats sign with it: each signature is authorised by what its holder gave, or made of that before. */
export function credentialKeyOf(ctx: Context, row: HolderKeyRow, proof: Proof): CredentialKey {
  const { id, keyType, scheme, spki } = row
  return {
    id,
    controller: controllerOf(id),
    keyType,
    scheme,
    spki,
    sign: async (octets) => {
      const name = schemes[scheme].hash?.node
      const input = name === undefined ? octets : hash(name, octets, 'buffer')
      const [signature] = await permitForKey(ctx, row, { proof, input })
        .then((permit) => sign(ctx, permit))
        .catch((error: unknown) => whatIsTrueNow(ctx, row, error))
      if (signature === undefined) throw new Error('one input, and no signature')
      return signature
    },
  }
}

/** A key that was disabled or deleted a moment ago is refused by the reservation, and in its words. */
async function whatIsTrueNow(ctx: Context, row: HolderKeyRow, error: unknown): Promise<never> {
  if (error instanceof Refusal && error.code === 'credential_disabled') usable(await keyById(ctx, row))
  throw error
}
