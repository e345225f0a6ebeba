import { randomBytes } from 'node:crypto'
import { schemes } from './algorithms.ts'
import { whole } from './codec.ts'
import { TokenError } from './errors.ts'
import type { ReadySigner } from './fleet.ts'
import { canaryMessage } from './purposes.ts'
import type { SignerProcess } from './signerProcess.ts'
import type { Health, TokenLog } from './types.ts'
import { verifiesMessage } from './verify.ts'
import { Writer } from './payload.ts'

/** A signer whose last canary is older than this does not count as up: two of the longest periods. */
const FRESH_MS = 60_000
const NONCE = 32
const MAX_SIGNATURE = 512

/** Has every signer sign something harmless now and then, and verifies it. */
export class Canaries {
  readonly #ready: () => readonly ReadySigner[]
  readonly #log: TokenLog
  readonly #sungAt = new WeakMap<SignerProcess, number>()
  readonly #timer: NodeJS.Timeout
  #lastAt: number | undefined

  /** @param periodMs also keeps sessions of network HSMs from being closed as idle. */
  constructor(ready: () => readonly ReadySigner[], periodMs: number, log: TokenLog) {
    this.#ready = ready
    this.#log = log
    this.#timer = setInterval(() => {
      for (const signer of this.#ready()) void this.#singSafely(signer)
    }, periodMs)
    this.#timer.unref()
  }

  /** One canary signature. @throws TokenError if there is none, or if it does not verify. */
  async sing({ process, canary }: ReadySigner): Promise<void> {
    const nonce = randomBytes(NONCE)
    const answer = await process.request('canary', new Writer().bytes(nonce).end())
    const signature = whole(answer, (r) => Buffer.from(r.bytes(MAX_SIGNATURE)))
    const [name = 'ecdsa-sha256'] = canary.row.schemes
    if (!verifiesMessage(canary.key, schemes[name], { message: canaryMessage(nonce), signature })) {
      this.#log.error(
        { alarm: 'signature_mismatch', signer: process.name, pid: process.pid },
        'a canary does not verify',
      )
      process.kill()
      throw new TokenError('mismatch', 'A canary signature does not verify.')
    }
    this.#lastAt = Date.now()
    this.#sungAt.set(process, performance.now())
  }

  health(): Health {
    const signers = this.#ready()
    const isFresh = ({ process }: ReadySigner): boolean =>
      performance.now() - (this.#sungAt.get(process) ?? -Infinity) <= FRESH_MS
    return { up: signers.some(isFresh), lastCanaryAt: this.#lastAt, signers: signers.length }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #singSafely(signer: ReadySigner): Promise<void> {
    try {
      await this.sing(signer)
    } catch (error) {
      this.#log.warn({ signer: signer.process.name, err: error }, 'no canary')
    }
  }
}
