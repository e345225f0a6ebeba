import { keyTypes, type KeyType, type SchemeRow } from './algorithms.ts'
import type { Dispatcher } from './dispatcher.ts'
import { TokenError } from './errors.ts'
import { purposes, type Purpose } from './purposes.ts'
import { SOFT_DEADLINE_MS, type SignerProcess } from './signerProcess.ts'
import type { TokenLog } from './types.ts'
import { PublicKeys, verifiesLongMessage, verifiesMessage, verifiesRsaDigest } from './verify.ts'
import { Writer } from './payload.ts'
import { MAX_MESSAGE } from './wire.ts'

export interface Made {
  readonly keyId: string
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly spki: Buffer
  readonly scheme: SchemeRow
  readonly inputs: readonly Buffer[]
  readonly signatures: readonly Buffer[]
  /** The signer that made them. */
  readonly by: SignerProcess
}

/** How long it is waited for another signer while one is being started. */
const RETRY_MS = 100

/** Lets signatures out only after each one was verified: never skipped, never sampled. */
export class Release {
  readonly #dispatcher: Dispatcher
  readonly #log: TokenLog
  readonly #keys = new PublicKeys()

  constructor(dispatcher: Dispatcher, log: TokenLog) {
    this.#dispatcher = dispatcher
    this.#log = log
  }

  /**
   * @throws TokenError 'mismatch' if one does not verify: their maker is ended, and none of them leaves. 'unknown' if
   * they could not be verified.
   */
  async check(made: Made): Promise<void> {
    const isWhole = made.signatures.length === made.inputs.length
    if (isWhole && (await this.#verifies(made))) return
    this.#log.error(
      {
        alarm: 'signature_mismatch',
        signer: made.by.name,
        pid: made.by.pid,
        keyId: made.keyId,
        scheme: made.scheme.name,
      },
      'a signature does not verify; its signer is ended',
    )
    made.by.kill()
    throw new TokenError('mismatch', 'A signature does not verify.')
  }

  #verifies(made: Made): boolean | Promise<boolean> {
    const { scheme, keyType } = made
    const isMessage = purposes[made.purpose].input === 'message' || scheme.hash === undefined
    if (scheme.family === 'EC' && !isMessage) return this.#verifiesElsewhere(made)
    const key = this.#keys.get(made.spki)
    const { hash } = scheme
    const [message, ...more] = made.inputs
    if (isMessage && hash !== undefined && message !== undefined && message.length > MAX_MESSAGE) {
      const [signature] = made.signatures
      // It comes alone.
      if (more.length > 0 || signature?.length !== keyTypes[keyType].signatureLength) return false
      return verifiesLongMessage(key, { scheme, hash }, { message, signature })
    }
    return made.inputs.every((input, i) => {
      const signature = made.signatures[i] ?? Buffer.alloc(0)
      if (signature.length !== keyTypes[keyType].signatureLength) return false
      if (isMessage || hash === undefined) return verifiesMessage(key, scheme, { message: input, signature })
      return verifiesRsaDigest({ key, keyType, scheme, hash }, { digest: input, signature })
    })
  }

  /** ECDSA over a digest: Node would hash it again, so another signer process verifies, never the one that signed. */
  async #verifiesElsewhere(made: Made): Promise<boolean> {
    const payload = new Writer(4096)
      .text(made.keyType)
      .bytes(made.spki)
      .text(made.scheme.name)
      .list(made.inputs)
      .list(made.signatures)
      .end()
    const until = performance.now() + SOFT_DEADLINE_MS
    for (;;) {
      const verifier = this.#dispatcher.other(made.by)
      if (verifier !== undefined) {
        try {
          const answer = await this.#dispatcher.direct(verifier, 'verify', {
            payload,
            cost: made.inputs.length,
          })
          return answer.equals(YES)
        } catch (error) {
          if (!(error instanceof TokenError) || error.kind !== 'unavailable') {
            throw new TokenError('unknown', 'The signature could not be verified.', { cause: error })
          }
        }
      }
      if (performance.now() > until)
        throw new TokenError('unknown', 'There is no second signer to verify with.')
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

const YES = Buffer.from([1])
