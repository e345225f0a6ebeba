import { timingSafeEqual } from 'node:crypto'
import { decodeAuthorisation } from '../codec.ts'
import { canonicalAuthorisation, canonicalVerifier } from '../records.ts'
import { refuse } from './answer.ts'
import { checkNewAuthorisation } from './rules.ts'
import type { Signer } from './signer.ts'

/**
 * Compares the holder's secret with the key's verifier and, if it is right, seals what it activates. No other operation
 * makes such a seal.
 * @param request records as they came over the wire; `stretched` is Argon2id over the secrets.
 * @returns the authorisation's seal, or undefined if the secret is wrong.
 */
export function activate(
  signer: Signer,
  request: {
    key: Buffer
    activation: Buffer
    credential: Buffer | undefined
    stretched: Buffer
    authorisation: Buffer
  },
): Buffer | undefined {
  const key = signer.seals.key(request.key)
  const activation = signer.seals.activation(request.activation)
  const credential =
    request.credential === undefined ? undefined : signer.seals.credential(request.credential)
  const authorisation = decodeAuthorisation(request.authorisation)
  if (key.tokenSerial !== signer.serial) throw refuse('key', 'The key is in another token.')
  checkNewAuthorisation({ key, activation, credential }, authorisation, signer.clock())
  if (!signer.failures.allows(key.spki)) {
    throw refuse('activation', 'Too many failed activations of this key within the hour.')
  }
  const content = canonicalVerifier(key.spki, activation.secrets, request.stretched)
  if (!timingSafeEqual(signer.secrets.hmac('pepper', content), activation.verifier)) {
    signer.failures.failed(key.spki)
    return undefined
  }
  return signer.seals.seal(canonicalAuthorisation(authorisation, key.spki))
}
