import { schemes, type SchemeName } from '../../../hsm/algorithms.ts'
import { ecdsaToDer } from '../../signing/der.ts'

/** ECDSA as Ecdsa-Sig-Value (RFC 3279, 2.2.3), as every client that builds a CMS expects; the others as they are. */
export function encodedSignatures(scheme: SchemeName, signatures: readonly Buffer[]): string[] {
  const isEcdsa = schemes[scheme].family === 'EC'
  return signatures.map((signature) => (isEcdsa ? ecdsaToDer(signature) : signature).toString('base64'))
}
