import { Failure, fromToken } from './answer.ts'
import { ckr, classify } from './cryptoki.ts'
import type { SessionPool } from './pool.ts'
import { mechanismOf, outcome, prepare, type SignJob } from './sign.ts'

/** What one input came to. */
type Result = { readonly signature: Buffer } | { readonly failure: Failure; readonly entered: boolean }

/**
 * Signs all digests at the same time, each in a session of its own. As with `signAll`, what is stale is tried again once,
 * and only where C_Sign had not been entered; once one has failed, none is begun any more.
 * @returns signatures in the order of the digests.
 * @throws Failure 'unknown' if any signature was or may have been made, else what the token said.
 */
export async function signParallel(pool: SessionPool, job: SignJob): Promise<Buffer[]> {
  let first: { failure: Failure; entered: boolean } | undefined
  const one = async (digest: Buffer): Promise<Result> => {
    const result = await signOne(pool, job, { digest, isOver: () => first !== undefined })
    if ('failure' in result) first ??= result
    return result
  }
  const results = await Promise.all(job.digests.map(one))
  const signatures = results.flatMap((result) => ('signature' in result ? [result.signature] : []))
  if (first === undefined) return signatures
  const failures = results.flatMap((result) => ('failure' in result ? [result] : []))
  const made = signatures.length
  const doubtful = failures.find(
    ({ failure, entered }) => outcome(failure, { entered, made }).status === 'unknown',
  )
  throw outcome((doubtful ?? first).failure, { entered: doubtful !== undefined, made })
}

async function signOne(
  pool: SessionPool,
  job: SignJob,
  it: { digest: Buffer; isOver: () => boolean },
): Promise<Result> {
  const state = { entered: false }
  const attempt = async (): Promise<Buffer> => {
    if (it.isOver()) throw new Failure('unavailable', 'Another input of the frame failed.')
    const { handle, row } = job.key()
    const signature = await pool.run({
      init: (session, lib) => {
        if (it.isOver()) throw new Failure('unavailable', 'Another input of the frame failed.')
        lib.C_SignInit(session, mechanismOf(job.scheme), handle)
        state.entered = true
      },
      data: prepare(row, job.scheme, it.digest),
      length: row.signatureLength,
    })
    if (signature.length === row.signatureLength) return signature
    throw new Failure('unknown', `The token made a signature of ${signature.length} octets.`)
  }
  try {
    return { signature: await attempt() }
  } catch (error) {
    if (state.entered || classify(ckr(error)) !== 'again') {
      return { failure: fromToken(error, 'signing'), ...state }
    }
  }
  job.drop()
  try {
    return { signature: await attempt() }
  } catch (error) {
    return { failure: fromToken(error, 'signing'), ...state }
  }
}
