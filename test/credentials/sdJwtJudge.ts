/** Libraries of others as judges of SD-JWTs, with Node's own verification behind them. */
import { createHash, randomBytes } from 'node:crypto'
import { SDJwtInstance } from '@sd-jwt/core'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { schemes } from '../../hsm/algorithms.ts'
import { verifiesMessage } from '../../hsm/verify.ts'
import { publicKey } from './credentials.ts'
import { ALGORITHMS, type Algorithm, type TokenKeys } from './keys.ts'

const hasher = (data: string | ArrayBuffer): Uint8Array =>
  createHash('sha256')
    .update(typeof data === 'string' ? data : Buffer.from(data))
    .digest()

export function judge(keys: TokenKeys, algorithm: Algorithm) {
  const { spki } = keys.key(algorithm)
  const verifier = (data: string, signature: string): boolean =>
    verifiesMessage(publicKey(spki), schemes[ALGORITHMS[algorithm][1]], {
      message: Buffer.from(data),
      signature: Buffer.from(signature, 'base64url'),
    })
  const config = {
    hasher,
    hashAlg: 'sha-256' as const,
    saltGenerator: () => randomBytes(16).toString('base64url'),
    verifier,
    kbVerifier: verifier,
  }
  return { vc: new SDJwtVcInstance(config), any: new SDJwtInstance(config) }
}
