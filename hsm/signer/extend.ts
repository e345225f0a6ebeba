import { decodeAuthorisation } from '../codec.ts'
import { canonicalAuthorisation } from '../records.ts'
import { refuse } from './answer.ts'
import { checkExtension } from './rules.ts'
import type { Signer } from './signer.ts'

/**
 * Seals an authorisation without the holder's secret, and therefore only one that allows nothing which another one, sealed
 * before and not expired, does not allow: see checkExtension. The other one stays good until it expires, as far as a
 * signer knows; that it was replaced is for Postgres to say.
 * @param request records as they came over the wire
 * @returns the seal of `extended`
 */
export async function extend(
  signer: Signer,
  request: { key: Buffer; authorisation: Buffer; credential: Buffer | undefined; extended: Buffer },
): Promise<Buffer> {
  const { seals } = signer
  await seals.learn({ kind: 'key' }, { octets: request.key })
  const key = seals.key({ octets: request.key })
  if (key.tokenSerial !== signer.serial) throw refuse('key', 'The key is in another token.')
  const { spki } = key
  await seals.learn({ kind: 'authorisation', spki }, { octets: request.authorisation })
  const wanted = Infinity
  const authorisation = seals.authorisation({ octets: request.authorisation }, { spki, wanted })
  const credential =
    request.credential === undefined ? undefined : seals.credential({ octets: request.credential })
  const extended = decodeAuthorisation(request.extended)
  checkExtension({ key, authorisation, credential }, extended, signer.clock())
  return seals.sealMeanwhile(canonicalAuthorisation(extended, spki))
}
