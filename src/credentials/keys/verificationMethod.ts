import { keyTypes, schemes } from '../../../hsm/algorithms.ts'
import type { HolderKeyRow } from '../../db/holderKeys.ts'
import { jwkOf } from '../jwk.ts'
import { multikeyOf } from '../multikey.ts'

/** A public key with its name, in one of the forms of Controlled Identifiers 1.0, 2.2. */
export interface VerificationMethod {
  readonly id: string
  readonly type: 'JsonWebKey' | 'Multikey'
  readonly controller: string
  readonly publicKeyJwk?: Readonly<Record<string, string>>
  readonly publicKeyMultibase?: string
}

/** Whose a key is: its id up to '#'. */
export const controllerOf = (id: string): string => id.split('#', 1)[0] ?? ''

export function verificationMethodOf(
  row: Pick<HolderKeyRow, 'id' | 'form' | 'keyType' | 'scheme' | 'spki'>,
): VerificationMethod {
  const { id, form } = row
  const method = { id, type: form, controller: controllerOf(id) }
  return form === 'Multikey'
    ? { ...method, publicKeyMultibase: multikeyOf(row) }
    : { ...method, publicKeyJwk: { ...jwkOf(row), ...algOf(row) } }
}

/** The padding of an RSA key is not seen in the key. */
function algOf({ keyType, scheme }: Pick<HolderKeyRow, 'keyType' | 'scheme'>): { alg?: string } {
  return keyTypes[keyType].family === 'RSA' ? { alg: schemes[scheme].jose[0] } : {}
}
