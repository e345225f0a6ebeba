/** Keys in a token, as the formats of credentials see them. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'
import type { CredentialKey, VerificationKey } from '../../src/credentials/credentialKey.ts'
import { openToken, serviceKey, type OpenToken } from '../hsm/support.ts'

/** By its name in JOSE. */
export const ALGORITHMS = {
  EdDSA: ['Ed25519', 'ed25519'],
  ES256: ['P-256', 'ecdsa-sha256'],
  ES384: ['P-384', 'ecdsa-sha384'],
  ES512: ['P-521', 'ecdsa-sha512'],
  PS256: ['RSA-3072', 'pss-sha256'],
  RS256: ['RSA-2048', 'rsa-sha256'],
} as const satisfies Record<string, readonly [KeyType, SchemeName]>
export type Algorithm = keyof typeof ALGORITHMS
export const algorithms = Object.keys(ALGORITHMS) as Algorithm[]

export interface TokenKeys {
  readonly open: OpenToken
  readonly key: (algorithm: Algorithm) => CredentialKey
  /** How often the token has been asked to sign with them. */
  readonly signed: () => number
  readonly resolve: (id: string) => Promise<VerificationKey | undefined>
}

export const CONTROLLER = 'did:web:issuer.example'

/** One key in a real token for each algorithm, of one controller. */
export async function tokenKeys(controller: string = CONTROLLER): Promise<TokenKeys> {
  const open = await openToken()
  const keys = new Map<string, CredentialKey>()
  let count = 0
  for (const algorithm of algorithms) {
    const [keyType, scheme] = ALGORITHMS[algorithm]
    const record = await serviceKey(open.token, { keyType, purpose: 'credential-issuing' })
    const id = `${controller}#${algorithm}`
    const sign = async (octets: Buffer): Promise<Buffer> => {
      count++
      const [signature] = await open.token.sign({ flow: 'test', key: record, scheme, inputs: [octets] })
      return signature ?? Buffer.alloc(0)
    }
    keys.set(id, { id, controller, keyType, scheme, spki: record.spki, sign })
  }
  const find = (id: string): CredentialKey => {
    const key = keys.get(id)
    if (key === undefined) throw new Error(`no key ${id}`)
    return key
  }
  return {
    open,
    key: (algorithm) => find(`${controller}#${algorithm}`),
    signed: () => count,
    resolve: (id) => Promise.resolve(keys.get(id)),
  }
}

export interface LocalKey extends CredentialKey {
  readonly privateKey: KeyObject
}

/** A P-256 key of this process: for what a token would never be asked, such as what forgers write. */
export function localKey(id: string = `${CONTROLLER}#local`): LocalKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' as const }
  return {
    id,
    controller: id.split('#', 1)[0] ?? '',
    keyType: 'P-256',
    scheme: 'ecdsa-sha256',
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    sign: (octets) => Promise.resolve(sign('sha256', octets, key)),
    privateKey,
  }
}

/** A compact JWS with any header and payload at all. */
export function forged(key: LocalKey, header: object, payload: object | string): string {
  const parts = [JSON.stringify(header), typeof payload === 'string' ? payload : JSON.stringify(payload)]
  const input = parts.map((part) => Buffer.from(part).toString('base64url')).join('.')
  const signature = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

export const knowing =
  (...keys: readonly CredentialKey[]) =>
  (id: string): Promise<VerificationKey | undefined> =>
    Promise.resolve(keys.find((key) => key.id === id))
