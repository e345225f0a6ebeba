import { createPublicKey, type KeyObject } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { keyTypes, type KeyTypeRow } from './algorithms.ts'
import { whole, MAX_SPKI, type Hello } from './codec.ts'
import { TokenError } from './errors.ts'
import { LocalVerifier } from './localVerifier.ts'
import { Logins, pinFlags, PinRejected } from './logins.ts'
import { provider } from './providers.ts'
import { SignerProcess } from './signerProcess.ts'
import { decodeStarted, encodeStart, type TokenAccess } from './starting.ts'
import type { PinFlags, TokenConfigShape, TokenMetrics, TokenOptions } from './types.ts'

/** Pauses before a signer is started again: doubled at each failure. */
const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 30_000
/** One that had come to serve is worth starting again soon, however often: it waits 1.6 s at most. */
const SERVED_FAILURES = 4
/** A signer that worked for so long starts again at the shortest pause. */
const STEADY_MS = 30_000
/** Starts of one signer before the service gives up opening the token. */
const OPENING_TRIES = 3
/** What signers get to log out in. */
const CLOSE_GRACE_MS = 2_000
const RENEWAL_POLL_MS = 20

export interface ReadySigner {
  readonly process: SignerProcess
  readonly hello: Hello
  readonly canary: { readonly row: KeyTypeRow; readonly key: KeyObject; readonly spki: Buffer }
}

interface Slot {
  readonly index: number
  ready: ReadySigner | undefined
  failures: number
}

export interface FleetEvents {
  /** A signer has logged in. What this rejects with ends it again. */
  readonly onStarted: (signer: ReadySigner) => Promise<void>
  /** The set of ready signers changed. */
  readonly onChange: () => void
}

/**
 * The signer processes of one token: started one after another, since SoftHSM loses starts that overlap and since only
 * one login may be under way; started again when they end; never started again once the PIN was rejected.
 */
export class Fleet {
  readonly #options: TokenOptions
  readonly #events: FleetEvents
  readonly #slots: Slot[]
  readonly #logins: Logins
  readonly #verifier: LocalVerifier | undefined
  readonly #closing = new AbortController()
  /** Starts, one after another. */
  #turn: Promise<unknown> = Promise.resolve()
  #pinRejected: PinRejected | undefined
  /** Of the token that was opened first: another one with its label is another token. */
  #serial: string | undefined
  #running = new Set<SignerProcess>()
  #restarts = 0
  #pin: PinFlags = pinFlags(0)

  constructor(options: TokenOptions, events: FleetEvents) {
    this.#options = options
    this.#events = events
    const { config, loginGate, log } = options
    this.#logins = options.logins ?? new Logins(loginGate, log)
    if (config.verifier !== undefined) {
      const { onChange } = events
      this.#verifier = new LocalVerifier({ name: config.name, config: config.verifier, log, onChange })
    }
    this.#slots = Array.from({ length: config.signers }, (_, index) => ({
      index,
      ready: undefined,
      failures: 0,
    }))
  }

  get ready(): ReadySigner[] {
    return this.#slots.flatMap(({ ready }) => (ready === undefined ? [] : [ready]))
  }

  /** The process that only verifies, where one is configured and up. */
  get verifier(): SignerProcess | undefined {
    return this.#verifier?.process
  }

  get metrics(): Pick<TokenMetrics, 'name' | 'signers' | 'ready' | 'restarts' | 'pin'> {
    return {
      name: this.#options.config.name,
      signers: this.#slots.length,
      ready: this.ready.length,
      restarts: this.#restarts,
      pin: this.#pin,
    }
  }

  /** Starts every signer. @throws TokenError with a sentence for the operator. */
  async open(): Promise<void> {
    for (const slot of this.#slots) await this.#openSlot(slot)
    await this.#verifier?.open()
  }

  /** A signer sees the keys that others make only if it starts after them. */
  get restartsForNewKeys(): boolean {
    return provider(this.#options.config.provider).restartForNewKeys
  }

  /** Every signer, those that are being started too. */
  get processes(): SignerProcess[] {
    return [...this.#running]
  }

  /** Ends a signer once it has done what it has, and resolves when another one has taken its place. */
  async renew(process: SignerProcess): Promise<void> {
    // One that is being started is let come that far first.
    await this.#turn
    const slot = this.#slots.find(({ ready }) => ready?.process === process)
    if (slot === undefined) return
    // Nothing failed: the next one starts after the shortest pause.
    slot.failures = 0
    process.leave()
    await process.exited
    while (slot.ready === undefined && !this.#isClosing() && this.#pinRejected === undefined) {
      await pause(RENEWAL_POLL_MS)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([
      ...[...this.#running].map((signer) => signer.close(CLOSE_GRACE_MS)),
      this.#verifier?.close(),
    ])
    await this.#turn
  }

  async #openSlot(slot: Slot): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#start(slot)
        return
      } catch (error) {
        const isWorthwhile = error instanceof TokenError && error.kind === 'unavailable'
        if (!isWorthwhile || attempt === OPENING_TRIES) throw error
        this.#options.log.warn({ signer: slot.index, err: error }, 'a signer did not start')
        await pause(FIRST_BACKOFF_MS * 2 ** attempt)
      }
    }
  }

  #start(slot: Slot): Promise<void> {
    const started = this.#turn.then(() => this.#startNow(slot))
    this.#turn = started.catch(() => undefined)
    return started
  }

  async #startNow(slot: Slot): Promise<void> {
    if (this.#pinRejected !== undefined) throw this.#pinRejected
    this.#closing.signal.throwIfAborted()
    const process = new SignerProcess({
      name: `${this.#options.config.name}-${slot.index}`,
      // Both modules are loaded into it; the configuration was checked for names that clash.
      environment: { ...this.#options.seals?.config.environment, ...this.#options.config.environment },
      concurrency: this.#options.config.concurrency ?? 1,
      log: this.#options.log,
      onExit: (gone) => {
        this.#gone(slot, gone)
      },
    })
    this.#running.add(process)
    try {
      const hello = await this.#enter(process)
      const canary = await this.#openSigner(process, hello)
      const ready = { process, hello, canary }
      await this.#events.onStarted(ready)
      if (process.isDead) throw new TokenError('unavailable', 'The signer ended as soon as it had started.')
      this.#becomeReady(slot, ready)
    } catch (error) {
      process.kill()
      await process.exited
      throw error
    }
  }

  #becomeReady(slot: Slot, ready: ReadySigner): void {
    slot.ready = ready
    this.#serial ??= ready.hello.info.serial
    const { info } = ready.hello
    this.#options.log.info(
      { signer: ready.process.name, pid: ready.process.pid, ...info },
      'a signer is ready',
    )
    const failures = slot.failures
    setTimeout(() => {
      if (slot.ready === ready && slot.failures === failures) slot.failures = 0
    }, STEADY_MS).unref()
    this.#events.onChange()
  }

  /** Finds the tokens and logs in to each. */
  async #enter(process: SignerProcess): Promise<Hello> {
    const { config, seals } = this.#options
    const start = {
      token: access(config, config.serial ?? this.#serial),
      seals: seals && access(seals.config, seals.serial),
    }
    const found = decodeStarted(await process.request('start', encodeStart(start)))
    const hello = found.token
    this.#pin = pinFlags(hello.flags)
    const attempt = (): Promise<Buffer> => process.request('login', Buffer.alloc(0))
    try {
      await this.#logins.run(config, hello, attempt)
      if (seals !== undefined && found.seals !== undefined)
        await this.#logins.run(seals.config, found.seals, attempt)
    } catch (error) {
      if (error instanceof PinRejected) this.#pinRejected = error
      throw error
    }
    return hello
  }

  async #openSigner(process: SignerProcess, { info }: Hello): Promise<ReadySigner['canary']> {
    const { prepare, config } = this.#options
    // The very first signer, and none after it: a token that shows nothing later has gone, and is not to be made anew.
    const isFirst = this.#serial === undefined
    let canary: Buffer | undefined
    const open = async (mayPrepare: boolean): Promise<void> => {
      canary = await process.request(
        'open',
        Buffer.from([mayPrepare && isFirst ? 1 : 0, config.concurrency ?? 1]),
      )
    }
    if (isFirst && typeof prepare === 'function')
      await prepare({ name: config.name, serial: info.serial }, open)
    else await open(prepare === true)
    if (canary === undefined) throw new TokenError('unavailable', 'The token was not opened.')
    return readCanary(canary)
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted
  }

  #gone(slot: Slot, process: SignerProcess): void {
    this.#running.delete(process)
    const wasReady = slot.ready?.process === process
    if (wasReady) slot.ready = undefined
    if (!wasReady || this.#isClosing()) return
    slot.failures = Math.min(slot.failures, SERVED_FAILURES)
    this.#options.log.warn({ signer: process.name, pid: process.pid }, 'a signer ended')
    this.#events.onChange()
    void this.#restart(slot)
  }

  /** Until it works, the PIN is rejected, or the service closes. */
  async #restart(slot: Slot): Promise<void> {
    while (!this.#isClosing()) {
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** slot.failures, LONGEST_BACKOFF_MS)
      slot.failures++
      this.#restarts++
      await pause(backoff, undefined, { signal: this.#closing.signal }).catch(() => undefined)
      try {
        await this.#start(slot)
        return
      } catch (error) {
        if (this.#isClosing()) return
        if (this.#pinRejected !== undefined) return
        this.#options.log.warn({ signer: slot.index, err: error }, 'a signer did not start')
      }
    }
  }
}

const access = (config: TokenConfigShape, serial: string | undefined): TokenAccess => ({
  module: config.module,
  provider: config.provider,
  libraryParameters: config.libraryParameters,
  label: config.label,
  serial,
  pinFile: config.pin.file,
  allowFinalTry: config.pin.allowFinalTry,
})

function readCanary(payload: Buffer): ReadySigner['canary'] {
  return whole(payload, (r) => {
    const row = keyTypes[r.name(keyTypes)]
    const spki = Buffer.from(r.bytes(MAX_SPKI))
    return { row, spki, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) }
  })
}
