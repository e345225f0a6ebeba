import { constants, createPublicKey, verify } from 'node:crypto'
import { schemes, type SchemeRow } from '../../hsm/algorithms.ts'

/** The row that has this AlgorithmIdentifier, to the octet. */
export function schemeByIdentifier(algorithm: Buffer): SchemeRow | undefined {
  return Object.values(schemes).find((row) => row.algorithmIdentifier.equals(algorithm))
}

/** Whether what X.509 signs (a request, a list) is signed by this key: ECDSA in DER, PSS with a salt as long as the hash. */
export function isSignedBy(
  spki: Buffer,
  of: { readonly message: Buffer; readonly scheme: SchemeRow; readonly signature: Buffer },
): boolean {
  const { message, scheme, signature } = of
  try {
    // Points that are not on their curve are refused here.
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.hash?.length ?? 0 }
    return verify(scheme.hash?.node, message, { key, ...(scheme.padding === 'pss' ? pss : {}) }, signature)
  } catch {
    return false
  }
}
