import { Flaw } from '../../signing/flaw.ts'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import { without } from './proof.ts'

/** An issuer, a notary or two and a time-stamping service have one each; every one costs a canonicalisation. */
export const MAX_PROOFS = 10

/** The proofs of a document. @throws Flaw for what is no proof, or too many */
export function proofsOf({ proof }: JsonObject): JsonObject[] {
  const proofs: unknown[] = proof === undefined ? [] : Array.isArray(proof) ? proof : [proof]
  if (proofs.length > MAX_PROOFS) throw new Flaw('too-many', `proof: more than ${MAX_PROOFS}`)
  if (!proofs.every(isObject))
    throw new Flaw('proof-malformed', 'proof: neither an object nor a list of objects')
  return proofs
}

/**
 * What a proof is made over: the document, and with it the proofs that it comes after (VC Data Integrity 1.0, 4.3 step 6 and
 * 4.5 step 3).
 * @throws Flaw where one of these is not there, or cannot be told from another
 */
export function securedBy(
  previousProof: unknown,
  document: JsonObject,
  proofs: readonly JsonObject[],
): JsonObject {
  const unsecured = without(document, 'proof')
  if (previousProof === undefined) return unsecured
  const named: unknown[] = Array.isArray(previousProof) ? previousProof : [previousProof]
  if (named.length === 0) throw new Flaw('previous-proof-unknown', 'previousProof: names none')
  return { ...unsecured, proof: named.map((id) => theProof(id, proofs)) }
}

function theProof(id: unknown, proofs: readonly JsonObject[]): JsonObject {
  if (typeof id !== 'string')
    throw new Flaw('proof-malformed', 'previousProof: neither a string nor a list of strings')
  const [found, ...more] = proofs.filter((proof) => proof['id'] === id)
  if (found === undefined || more.length > 0)
    throw new Flaw(
      'previous-proof-unknown',
      `previousProof: ${found === undefined ? 'no' : 'more than one'} proof is ${id.slice(0, 200)}`,
    )
  return found
}
