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
export async function activate(
  signer: Signer,
  request: {
    key: Buffer
    activation: Buffer
    credential: Buffer | undefined
    stretched: Buffer
    authorisation: Buffer
  },
): Promise<Buffer | undefined> {
  const { seals } = signer
  await seals.learn({ kind: 'key' }, { octets: request.key })
  await seals.learn({ kind: 'activation' }, { octets: request.activation })
  const key = seals.key({ octets: request.key })
  const activation = seals.activation({ octets: request.activation })
  const credential =
    request.credential === undefined ? undefined : seals.credential({ octets: request.credential })
  const authorisation = decodeAuthorisation(request.authorisation)
  if (key.tokenSerial !== signer.serial) throw refuse('key', 'The key is in another token.')
  checkNewAuthorisation({ key, activation, credential }, authorisation, signer.clock())
  if (!signer.failures.allows(key.spki)) {
    throw refuse('activation', 'Too many failed activations of this key within the hour.')
  }
  const content = canonicalVerifier(key.spki, activation.secrets, request.stretched)
  signer.failures.failed(key.spki)
  const verifier = await signer.secrets.hmacMeanwhile('pepper', content).catch((error: unknown) => {
    signer.failures.takeBack(key.spki)
    throw error
  })
  if (!timingSafeEqual(verifier, activation.verifier)) return undefined
  signer.failures.takeBack(key.spki)
  return seals.sealMeanwhile(canonicalAuthorisation(authorisation, key.spki))
}
