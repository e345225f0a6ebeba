import { setTimeout as pause } from 'node:timers/promises'
import { whole } from './codec.ts'
import { SignerProcess } from './signerProcess.ts'
import { encodeModule } from './starting.ts'
import type { ModuleConfigShape, TokenLog } from './types.ts'

/** Pauses before it is started again: doubled at each failure. */
const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 30_000
const CLOSE_GRACE_MS = 2_000

export interface LocalVerifierOptions {
  /** For the log. */
  readonly name: string
  readonly config: ModuleConfigShape
  readonly log: TokenLog
  /** It is there again, or gone. */
  readonly onChange: () => void
}

/**
 * A process that only verifies: a software module on this machine, public keys as session objects, no login, no token
 * key. Started again when it ends; while it is gone, other signers verify, where there are any.
 */
export class LocalVerifier {
  readonly #options: LocalVerifierOptions
  readonly #closing = new AbortController()
  #process: SignerProcess | undefined
  #failures = 0

  constructor(options: LocalVerifierOptions) {
    this.#options = options
  }

  /** To verify with; undefined while it is being started. */
  get process(): SignerProcess | undefined {
    return this.#process?.isTaking === true ? this.#process : undefined
  }

  /** @throws TokenError if the module does not tell good signatures from bad ones. */
  async open(): Promise<void> {
    const { name, config, log, onChange } = this.#options
    const { environment, libraryParameters } = config
    const started = new SignerProcess({
      name: `${name}-verifier`,
      environment,
      log,
      onExit: (gone) => {
        this.#gone(gone)
      },
    })
    try {
      const answer = await started.request('verifier', encodeModule({ ...config, libraryParameters }))
      const module = whole(answer, (r) => r.text())
      this.#closing.signal.throwIfAborted()
      log.info({ verifier: started.name, pid: started.pid, module }, 'a verifier is ready')
    } catch (error) {
      started.kill()
      await started.exited
      throw error
    }
    this.#process = started
    this.#failures = 0
    onChange()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#process?.close(CLOSE_GRACE_MS)
  }

  #gone(process: SignerProcess): void {
    if (this.#process !== process) return
    this.#process = undefined
    if (this.#closing.signal.aborted) return
    this.#options.log.warn({ verifier: process.name, pid: process.pid }, 'a verifier ended')
    this.#options.onChange()
    void this.#restart()
  }

  async #restart(): Promise<void> {
    const { signal } = this.#closing
    while (!this.#isClosing()) {
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, LONGEST_BACKOFF_MS)
      this.#failures++
      await pause(backoff, undefined, { signal }).catch(() => undefined)
      if (this.#isClosing()) return
      try {
        await this.open()
        return
      } catch (error) {
        if (!this.#isClosing()) this.#options.log.warn({ err: error }, 'a verifier did not start')
      }
    }
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted
  }
}
