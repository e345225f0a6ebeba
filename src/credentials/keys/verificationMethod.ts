import { createPublicKey } from 'node:crypto'
import { keyTypes, schemes, type KeyType } from '../../../hsm/algorithms.ts'
import type { HolderKeyRow } from '../../db/holderKeys.ts'
import { jwkOf } from '../jwk.ts'
import { toMultibase } from '../multibase.ts'

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
  const { id, form, keyType, spki } = row
  const method = { id, type: form, controller: controllerOf(id) }
  return form === 'Multikey'
    ? { ...method, publicKeyMultibase: multikeyOf(keyType, spki) }
    : { ...method, publicKeyJwk: { ...jwkOf(row), ...algOf(row) } }
}

/** The padding of an RSA key is not seen in the key. */
function algOf({ keyType, scheme }: Pick<HolderKeyRow, 'keyType' | 'scheme'>): { alg?: string } {
  return keyTypes[keyType].family === 'RSA' ? { alg: schemes[scheme].jose[0] } : {}
}

const publicKeyOf = (spki: Buffer) => createPublicKey({ key: spki, format: 'der', type: 'spki' })

const rsa = '8524'
/** Multicodec of a public key, in hex: a varint. */
const CODECS: Readonly<Record<KeyType, string>> = {
  'P-256': '8024',
  'P-384': '8124',
  'P-521': '8224',
  Ed25519: 'ed01',
  'RSA-2048': rsa,
  'RSA-3072': rsa,
  'RSA-4096': rsa,
}

/** Controlled Identifiers 1.0, 2.2.2; RSA, which that leaves open, as RSAPublicKey (the multicodec rsa-pub). */
export function multikeyOf(keyType: KeyType, spki: Buffer): string {
  return toMultibase('z', Buffer.concat([Buffer.from(CODECS[keyType], 'hex'), octetsOf(spki)]))
}

function octetsOf(spki: Buffer): Buffer {
  const key = publicKeyOf(spki)
  if (key.asymmetricKeyType === 'rsa') return key.export({ format: 'der', type: 'pkcs1' })
  const { x = '', y } = key.export({ format: 'jwk' })
  const octets = Buffer.from(x, 'base64url')
  if (y === undefined) return octets
  const isOdd = (Buffer.from(y, 'base64url').at(-1) ?? 0) % 2 === 1
  return Buffer.concat([Buffer.from([isOdd ? 3 : 2]), octets])
}
