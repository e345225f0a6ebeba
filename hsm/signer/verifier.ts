import type { Module, Slot } from 'graphene-pk11'
import type { Handle, Template } from 'pkcs11js'
import { CKK, keyTypes, type KeyType, type SchemeRow } from '../algorithms.ts'
import { publicParts, type PublicParts } from '../der.ts'
import { refuse } from './answer.ts'
import { CKA, CKO, ckr, classify, isSignatureInvalid } from './cryptoki.ts'
import { WorkSession } from './sessions.ts'
import { mechanismOf, prepare } from './sign.ts'

/** Public keys kept as session objects. */
const MAX_KEYS = 1000

export interface VerifyJob {
  readonly keyType: KeyType
  readonly spki: Buffer
  readonly scheme: SchemeRow
  readonly digests: readonly Buffer[]
  readonly signatures: readonly Buffer[]
}

/** Verifies what another signer made, with the public key as a session object: no private key is touched. */
export class Verifier {
  readonly #session: WorkSession
  /** Objects of the session: gone with it. */
  readonly #keys = new Map<string, Handle>()

  constructor(module: Module, slot: Slot) {
    this.#session = new WorkSession(module, slot, () => {
      this.#keys.clear()
    })
  }

  /** Whether every signature is good. */
  verify(job: VerifyJob): boolean {
    const row = keyTypes[job.keyType]
    const mechanism = mechanismOf(job.scheme)
    return job.digests.every((digest, i) => {
      const signature = job.signatures[i]
      if (signature?.length !== row.signatureLength) return false
      const data = prepare(row, job.scheme, digest)
      return this.#again(() =>
        this.#session.use((session, lib) => {
          lib.C_VerifyInit(session, mechanism, this.#key(job, session))
          return lib.C_Verify(session, data, signature)
        }),
      )
    })
  }

  /** A verification has no effects: it is tried again wherever the session or the object was stale. */
  #again(attempt: () => boolean): boolean {
    try {
      return attempt()
    } catch (error) {
      if (isSignatureInvalid(ckr(error))) return false
      if (classify(ckr(error)) !== 'again') throw error
    }
    try {
      return attempt()
    } catch (error) {
      if (isSignatureInvalid(ckr(error))) return false
      throw error
    }
  }

  #key({ spki, keyType }: VerifyJob, session: Handle): Handle {
    const name = keyType + spki.toString('latin1')
    const known = this.#keys.get(name)
    if (known !== undefined) {
      this.#keys.delete(name)
      this.#keys.set(name, known)
      return known
    }
    const parts = publicParts(spki, keyType)
    if (parts === undefined) throw refuse('key', 'No public key of its type.')
    const made = this.#session.lib.C_CreateObject(session, publicTemplate(parts))
    this.#keys.set(name, made)
    const [oldest] = this.#keys
    if (this.#keys.size > MAX_KEYS && oldest !== undefined) {
      this.#keys.delete(oldest[0])
      this.#session.lib.C_DestroyObject(session, oldest[1])
    }
    return made
  }
}

function publicTemplate(parts: PublicParts): Template {
  const common: Template = [
    { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
    { type: CKA.KEY_TYPE, value: parts.row.ckk },
    { type: CKA.TOKEN, value: false },
    { type: CKA.PRIVATE, value: false },
    { type: CKA.VERIFY, value: true },
  ]
  if ('modulus' in parts) {
    return [
      ...common,
      { type: CKA.MODULUS, value: parts.modulus },
      { type: CKA.PUBLIC_EXPONENT, value: parts.exponent },
    ]
  }
  // Only curves come here: RSA and Ed25519 are verified outside the token.
  if (parts.row.ckk !== CKK.EC || parts.row.curve === undefined)
    throw refuse('rule', 'Not a key to verify with here.')
  return [
    ...common,
    { type: CKA.EC_PARAMS, value: parts.row.curve.params },
    { type: CKA.EC_POINT, value: parts.ecPoint },
  ]
}
