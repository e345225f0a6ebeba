import { webcrypto } from 'node:crypto'
import { keyTypes, schemes, type SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord } from '../../hsm/records.ts'

/** Signs to-be-signed octets in the token; raw r ‖ s for ECDSA, which is also what WebCrypto promises. */
export type SignTbs = (tbs: Buffer) => Promise<Buffer>

/**
 * A key of the token in the form @peculiar/x509 reads: a name for its algorithm and no key. The library never sees
 * more than that.
 */
export function hsmKey(key: KeyRecord, scheme: SchemeName): webcrypto.CryptoKey {
  const { curve } = keyTypes[key.keyType]
  const { family, hash, padding } = schemes[scheme]
  const algorithm = {
    EC: { name: 'ECDSA', namedCurve: curve?.webCrypto, hash: hash?.name },
    RSA: { name: padding === 'pss' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: hash?.name },
    Ed25519: { name: 'Ed25519' },
  }[family]
  return {
    type: 'private',
    extractable: false,
    usages: ['sign'],
    algorithm,
  } as unknown as webcrypto.CryptoKey
}

/** A WebCrypto whose only private-key operation is the token's. */
export function hsmCrypto(sign: SignTbs): webcrypto.Crypto {
  const subtle = new Proxy(webcrypto.subtle, {
    get(target, name) {
      if (name === 'sign')
        return async (_: unknown, __: unknown, tbs: ArrayBuffer) => arrayBuffer(await sign(Buffer.from(tbs)))
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  return { subtle, getRandomValues: webcrypto.getRandomValues.bind(webcrypto) } as unknown as webcrypto.Crypto
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}
