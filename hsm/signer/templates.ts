import type { Template } from 'pkcs11js'
import { CKK, CKM, type KeyTypeRow } from '../algorithms.ts'
import type { ProviderRow } from '../providers.ts'
import { CKA } from './cryptoki.ts'
import { mechanismList } from './objects.ts'

/** 65537, as CKA_PUBLIC_EXPONENT. */
const EXPONENT = Buffer.from('010001', 'hex')

export interface PairTemplates {
  readonly mechanism: number
  readonly publicKey: Template
  readonly privateKey: Template
}

/** What a key of this type may be used with. */
export function allowedMechanisms(row: KeyTypeRow): number[] {
  if (row.ckk === CKK.RSA) return [CKM.RSA_PKCS, CKM.RSA_PKCS_PSS]
  return [row.ckk === CKK.EC ? CKM.ECDSA : CKM.EDDSA]
}

/** CKA_EC_PARAMS; undefined for RSA, and for Ed25519 where the make has none. */
export function curveParams(provider: ProviderRow, row: KeyTypeRow): Buffer | undefined {
  return row.family === 'Ed25519' ? provider.ed25519Params : row.curve?.params
}

/**
 * A pair that signs and does nothing else. Each use is named: SoftHSM lets a private key decrypt unless told not to.
 * @param name CKA_ID and CKA_LABEL. Absent: session objects, for a probe.
 */
export function pairTemplates(
  provider: ProviderRow,
  row: KeyTypeRow,
  name?: { ckaId: Buffer; label: string },
): PairTemplates {
  const common: Template = [
    { type: CKA.TOKEN, value: name !== undefined },
    ...(name === undefined
      ? []
      : [
          { type: CKA.ID, value: name.ckaId },
          { type: CKA.LABEL, value: name.label },
        ]),
    ...(provider.modifiable ? [{ type: CKA.MODIFIABLE, value: false }] : []),
  ]
  const recover = provider.signRecover
  return {
    mechanism: row.generate,
    publicKey: [
      ...common,
      { type: CKA.PRIVATE, value: false },
      ...(provider.publicUses ? publicUses(provider) : []),
      ...parameters(provider, row),
    ],
    privateKey: [
      ...common,
      { type: CKA.PRIVATE, value: true },
      { type: CKA.SENSITIVE, value: true },
      { type: CKA.SIGN, value: true },
      ...off(mayDecrypt(provider, row) ? [] : [CKA.DECRYPT]),
      ...off([CKA.EXTRACTABLE, CKA.UNWRAP, CKA.DERIVE, ...(recover ? [CKA.SIGN_RECOVER] : [])]),
      ...(provider.allowedMechanisms
        ? [{ type: CKA.ALLOWED_MECHANISMS, value: mechanismList(allowedMechanisms(row)) }]
        : []),
    ],
  }
}

const off = (types: readonly number[]): Template => types.map((type) => ({ type, value: false }))

const publicUses = (provider: ProviderRow): Template => [
  { type: CKA.VERIFY, value: true },
  ...off([CKA.ENCRYPT, CKA.WRAP, ...(provider.signRecover ? [CKA.VERIFY_RECOVER] : [])]),
]

/** No operation of ours decrypts; but some makes sign with RSA keys by nothing else. */
export const mayDecrypt = (provider: ProviderRow, row: KeyTypeRow): boolean =>
  provider.rsaByDecryption && row.ckk === CKK.RSA

function parameters(provider: ProviderRow, row: KeyTypeRow): Template {
  const params = curveParams(provider, row)
  if (params !== undefined) return [{ type: CKA.EC_PARAMS, value: params }]
  return [
    { type: CKA.MODULUS_BITS, value: row.bits },
    { type: CKA.PUBLIC_EXPONENT, value: EXPONENT },
  ]
}
