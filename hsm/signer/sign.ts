import { createHash } from 'node:crypto'
import pkcs11js, { type Handle, type Mechanism } from 'pkcs11js'
import type { KeyTypeRow, SchemeRow } from '../algorithms.ts'
import { Failure, fromToken } from './answer.ts'
import { ckr, classify } from './cryptoki.ts'
import type { LoadedKey } from './keys.ts'
import type { WorkSession } from './sessions.ts'

/**
 * The only place where mechanisms are made: from rows of the table alone. One that is not well-formed aborts the
 * process inside the binding.
 */
export function mechanismOf(scheme: SchemeRow): Mechanism {
  if (scheme.padding !== 'pss' || scheme.hash === undefined) return { mechanism: scheme.mechanism }
  const { mechanism: hashAlg, mgf, length: saltLen } = scheme.hash
  return {
    mechanism: scheme.mechanism,
    parameter: { type: pkcs11js.CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen } as Mechanism['parameter'] & object,
  }
}

/** What C_Sign is given for a digest (for Ed25519: for the message). */
export function prepare(row: KeyTypeRow, scheme: SchemeRow, digest: Buffer): Buffer {
  if (scheme.hash !== undefined && scheme.padding === 'pkcs1') {
    return Buffer.concat([scheme.hash.digestInfo, digest])
  }
  // The leftmost bits that the curve's order has (FIPS 186-5, 6.4.1); P-521 takes every digest whole.
  return row.curve === undefined ? digest : digest.subarray(0, row.curve.size)
}

/** The digest of a message; Ed25519 takes the message itself. */
export function digestOf(scheme: SchemeRow, message: Buffer): Buffer {
  return scheme.hash === undefined ? message : createHash(scheme.hash.node).update(message).digest()
}

/** One C_SignInit and C_Sign. `entered` is told before C_Sign: from there on a signature may exist. */
export function signOnce(
  session: WorkSession,
  key: { handle: Handle; row: KeyTypeRow },
  job: { mechanism: Mechanism; data: Buffer; entered?: () => void },
): Buffer {
  return session.use((handle, lib) => {
    lib.C_SignInit(handle, job.mechanism, key.handle)
    job.entered?.()
    const signature = lib.C_Sign(handle, job.data, Buffer.alloc(key.row.signatureLength))
    if (signature.length !== key.row.signatureLength) {
      throw new Failure('unknown', `The token made a signature of ${signature.length} octets.`)
    }
    return signature
  })
}

export interface SignJob {
  readonly scheme: SchemeRow
  /** Digests, or messages for Ed25519. */
  readonly digests: readonly Buffer[]
  /** The key; looked up again when its handle is stale. */
  readonly key: () => LoadedKey
  readonly drop: () => void
}

/**
 * Signs each digest, in order. A stale session or handle is mended and tried again once, and only if C_Sign had not
 * been entered for this digest.
 * @throws Failure 'unknown' as soon as one signature was or may have been made, else what the token said.
 */
export function signAll(session: WorkSession, job: SignJob): Buffer[] {
  const mechanism = mechanismOf(job.scheme)
  const signatures: Buffer[] = []
  for (const digest of job.digests) {
    let entered = false
    const attempt = (): Buffer => {
      const key = job.key()
      const data = prepare(key.row, job.scheme, digest)
      return signOnce(session, key, { mechanism, data, entered: () => (entered = true) })
    }
    try {
      signatures.push(again(attempt, { drop: job.drop, mayRetry: () => !entered }))
    } catch (error) {
      throw outcome(fromToken(error, 'signing'), { entered, made: signatures.length })
    }
  }
  return signatures
}

function again<T>(attempt: () => T, rule: { drop: () => void; mayRetry: () => boolean }): T {
  try {
    return attempt()
  } catch (error) {
    if (!rule.mayRetry() || classify(ckr(error)) !== 'again') throw error
    rule.drop()
    return attempt()
  }
}

/** What a failure means for the whole frame: only a definite no, before anything was signed, leaves it unsigned. */
export function outcome(failure: Failure, so: { entered: boolean; made: number }): Failure {
  const isTrouble = failure.status === 'unavailable' || failure.status === 'leaving'
  const isDefinite = failure.status === 'refused' || (isTrouble && !so.entered)
  if (so.made === 0 && isDefinite) return failure
  return new Failure('unknown', failure.message, { code: failure.code })
}
