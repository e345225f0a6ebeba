import { createHash } from 'node:crypto'
import { Refusal } from '../../refusal.ts'
import { Flaw } from '../../signing/flaw.ts'
import { canonicalise } from '../jsonld/canonicalise.ts'
import { fromMultibase, toMultibase } from '../multibase.ts'
import { jcs } from './jcs.ts'
import type { Suite, Unsecured } from './proof.ts'
import { hashOf, isSigned, signed } from './signature.ts'

type Hash = ReturnType<typeof hashOf>
/** Canonical forms of the proof and of the document, in this order. */
type Transform = (unsecured: Unsecured, hash: Hash) => Promise<readonly [string, string]>

/** Of a suite that signs hash(proof) ‖ hash(document), both canonical (vc-di-eddsa 1.0, 3; vc-di-ecdsa 1.0, 3.2 and 3.3). */
export function plain(row: Omit<Suite, 'make' | 'check'>, transform: Transform): Suite {
  const octetsOf = async (unsecured: Unsecured, hash: Hash): Promise<Buffer> => {
    const canonical = await transform(unsecured, hash)
    return Buffer.concat(canonical.map((text) => createHash(hash).update(text).digest()))
  }
  return {
    ...row,
    make: async (making) => {
      const octets = await octetsOf(making, hashOf(making.key.keyType))
      return toMultibase('z', await signed(making.key, octets))
    },
    check: async (checking) => {
      const signature = fromMultibase(checking.proofValue, ['z'])
      if (signature === undefined)
        throw new Flaw('proof-malformed', 'proofValue: is not written in base58btc')
      return isSigned(checking.key, await octetsOf(checking, hashOf(checking.key.keyType)), signature)
    },
  }
}

/** By RDFC-1.0. The proof means what it means under the document's contexts. */
export const byRdfc: Transform = async ({ document, proof }, hash) =>
  Promise.all([
    canonicalise({ ...proof, '@context': document['@context'] }, { hash }),
    canonicalise(document, { hash }),
  ])

/** By JCS: the proof as it stands. */
export const byJcs: Transform = ({ document, proof }) => {
  try {
    return Promise.resolve([jcs(proof), jcs(document)])
  } catch (error) {
    throw new Refusal('invalid_request', `it has no canonical form: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
