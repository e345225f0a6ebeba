/** Looking at the token's keys, and destroying them. */
import type { Handle } from 'pkcs11js'
import type { KeyAttributes } from '../types.ts'
import { refuse } from './answer.ts'
import { CKA, ckr, classify } from './cryptoki.ts'
import { readKeyAttributes } from './describe.ts'
import { attribute, find, privateKeys, publicKeys, secretKeys } from './objects.ts'
import type { Signer } from './signer.ts'

/**
 * The private key under an id. Undefined only if the token was proven alive. The search is remembered: it is also how a
 * signer learns of a key that another one made.
 */
export function describe(signer: Signer, ckaId: Buffer): KeyAttributes | undefined {
  const halves = signer.keys.search(ckaId)
  const [handle, second] = halves.privateKeys
  if (second !== undefined) throw refuse('key', 'The token has two keys under this id.')
  if (handle !== undefined) return readKeyAttributes(signer.session, handle, halves.publicKeys[0])
  signer.prove()
  return undefined
}

/** Keys of one answer: some 20 attributes are read for each, and others wait meanwhile. */
const PAGE = 32

/** Private and secret keys, page by page; page 0 lists the token anew. */
export function list(signer: Signer, page: number): { keys: KeyAttributes[]; isLast: boolean } {
  if (page === 0) {
    signer.prove()
    signer.listed = [...find(signer.session, privateKeys()), ...find(signer.session, secretKeys())]
  }
  const handles = signer.listed.slice(page * PAGE, (page + 1) * PAGE)
  const keys = handles.flatMap((handle) => readIfThere(signer, handle))
  return { keys, isLast: (page + 1) * PAGE >= signer.listed.length }
}

/** Nothing for a key that was destroyed since the token was listed. */
function readIfThere(signer: Signer, handle: Handle): KeyAttributes[] {
  try {
    return [readKeyAttributes(signer.session, handle)]
  } catch (error) {
    if (classify(ckr(error)) !== 'again') throw error
    return []
  }
}

/** Destroys both halves; false if there was nothing, the token being alive. What the service stands on stays. */
export function destroy(signer: Signer, ckaId: Buffer): boolean {
  const kept = [...signer.secrets.ckaIds, signer.canary.ckaId]
  if (ckaId.length === 0 || kept.some((id) => id.equals(ckaId))) {
    throw refuse('rule', 'The service secrets and the canary key are not destroyed.')
  }
  const handles: Handle[] = [
    // The private half first: dying in between leaves a public key, which signs nothing.
    ...find(signer.session, privateKeys(ckaId)),
    ...find(signer.session, publicKeys(ckaId)),
  ]
  if (handles.length === 0) signer.prove()
  for (const handle of handles) {
    // Some makes match CKA_ID by prefix; a handle is destroyed only for what it says itself.
    if (attribute(signer.session, handle, CKA.ID)?.equals(ckaId) !== true) continue
    signer.session.use((session, lib) => {
      lib.C_DestroyObject(session, handle)
    })
  }
  signer.keys.drop(ckaId)
  return handles.length > 0
}
