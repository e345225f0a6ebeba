import { keyTypes, type SchemeName } from '../algorithms.ts'
import { purposes } from '../purposes.ts'
import type { Reference } from '../sealedOctets.ts'
import { refuse } from './answer.ts'
import { learnSeals, signDigests } from './authorisedSign.ts'
import { checkScheme } from './rules.ts'
import type { Signer } from './signer.ts'

export interface SignHashedRequest {
  readonly key: Reference
  readonly scheme: SchemeName
  /** Of a message that came by parts. */
  readonly name: string
}

/**
 * Signs a message that came by parts, as `authorisedSign` signs one that came whole. Only for purposes whose messages are
 * DER SEQUENCEs: what else a message must be cannot be told from its beginning and its length.
 * @throws Failure as authorisedSign
 */
export async function signHashed(signer: Signer, request: SignHashedRequest): Promise<Buffer[]> {
  const records = { key: request.key, authorisation: undefined, credential: undefined }
  if (signer.pool !== undefined) await learnSeals(signer, records)
  const key = signer.seals.key(request.key)
  if (key.tokenSerial !== signer.serial) throw refuse('key', 'The key is in another token.')
  const { activated, input, structure } = purposes[key.purpose]
  if (activated || input !== 'message' || structure !== 'DER SEQUENCE') {
    throw refuse('rule', `A key for '${key.purpose}' signs nothing that comes by parts.`)
  }
  const scheme = checkScheme(key, request.scheme, keyTypes[key.keyType].schemes)
  const digest = signer.hashing.take(request.name, scheme.hash)
  return signDigests(signer, { key, scheme, digests: [digest] })
}
