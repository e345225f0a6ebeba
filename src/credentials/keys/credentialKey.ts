import { hash } from 'node:crypto'
import { schemes } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import type { HolderKeyRow } from '../../db/holderKeys.ts'
import { permitForKey, type Proof } from '../../signing/holderPermit.ts'
import { sign } from '../../signing/sign.ts'
import type { CredentialKey } from '../credentialKey.ts'
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
      const [signature] = await sign(ctx, await permitForKey(ctx, row, { proof, input }))
      if (signature === undefined) throw new Error('one input, and no signature')
      return signature
    },
  }
}
