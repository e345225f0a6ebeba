import { createPublicKey, type KeyObject } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { keyTypes, type KeyTypeRow } from './algorithms.ts'
import { decodeHello, whole, MAX_SPKI, type Hello } from './codec.ts'
import { TokenError } from './errors.ts'
import { isPinRejected, CKF } from './signer/cryptoki.ts'
import { SignerProcess } from './signerProcess.ts'
import type { TokenOptions } from './types.ts'
import { Writer } from './payload.ts'

/** Pauses before a signer is started again: doubled at each failure. */
const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 30_000
/** A signer that worked for so long starts again at the shortest pause. */
const STEADY_MS = 30_000
/** Starts of one signer before the service gives up opening the token. */
const OPENING_TRIES = 3
/** What signers get to log out in. */
const CLOSE_GRACE_MS = 2_000

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
  readonly #closing = new AbortController()
  /** Starts, one after another. */
  #turn: Promise<unknown> = Promise.resolve()
  #pinRejected: TokenError | undefined
  /** Of the token that was opened first: another one with its label is another token. */
  #serial: string | undefined
  #running = new Set<SignerProcess>()

  constructor(options: TokenOptions, events: FleetEvents) {
    this.#options = options
    this.#events = events
    this.#slots = Array.from({ length: options.config.signers }, (_, index) => ({
      index,
      ready: undefined,
      failures: 0,
    }))
  }

  get ready(): ReadySigner[] {
    return this.#slots.flatMap(({ ready }) => (ready === undefined ? [] : [ready]))
  }

  /** Starts every signer. @throws TokenError with a sentence for the operator. */
  async open(): Promise<void> {
    for (const slot of this.#slots) await this.#openSlot(slot)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#running].map((signer) => signer.close(CLOSE_GRACE_MS)))
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
      environment: this.#options.config.environment,
      log: this.#options.log,
      onExit: (gone) => {
        this.#gone(slot, gone)
      },
    })
    this.#running.add(process)
    try {
      const hello = decodeHello(await process.request('start', this.#startPayload()))
      await this.#login(process, hello)
      const canary = readCanary(await process.request('open', Buffer.alloc(0)))
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

  #startPayload(): Buffer {
    const { config, prepare } = this.#options
    const w = new Writer(1024).text(config.module).text(config.provider).text(config.label)
    w.optional(config.serial ?? this.#serial, (serial) => w.text(serial)).text(config.pin.file)
    w.u8(config.pin.allowFinalTry ? 1 : 0)
    // The very first signer, and none after it: a token that shows nothing later has gone, and is not to be made anew.
    w.u8(prepare && this.#serial === undefined ? 1 : 0)
    return w.end()
  }

  /** One login, with permission, and the verdict passed on. */
  async #login(process: SignerProcess, hello: Hello): Promise<void> {
    const { loginGate, config } = this.#options
    const login = { serial: hello.info.serial, version: config.pin.version }
    const pinCountLow = (hello.flags & (CKF.USER_PIN_COUNT_LOW | CKF.USER_PIN_FINAL_TRY)) !== 0
    await loginGate.begin({ ...login, pinCountLow })
    try {
      await process.request('login', Buffer.alloc(0))
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      // A no of the signer's own, before it asked the token: flags that forbid the try, a PIN file that is not there.
      if (error.kind === 'refused' && error.code === undefined) {
        await loginGate.end({ ...login, accepted: undefined })
      }
      if (!isPinRejected(error.code)) throw error
      this.#pinRejected = new TokenError(
        'refused',
        `The token '${hello.info.label}' (${login.serial}) rejected the PIN of version ${login.version}. ` +
          'It is not tried again: put the right PIN in the file and raise pin.version.',
        { reason: 'token', code: error.code, cause: error },
      )
      this.#options.log.error(
        { alarm: 'pin_rejected', ...login },
        'the PIN was rejected; no signer is started again',
      )
      await loginGate.end({ ...login, accepted: false })
      throw this.#pinRejected
    }
    await loginGate.end({ ...login, accepted: true })
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted
  }

  #gone(slot: Slot, process: SignerProcess): void {
    this.#running.delete(process)
    const wasReady = slot.ready?.process === process
    if (wasReady) slot.ready = undefined
    if (!wasReady || this.#isClosing()) return
    this.#options.log.warn({ signer: process.name, pid: process.pid }, 'a signer ended')
    this.#events.onChange()
    void this.#restart(slot)
  }

  /** Until it works, the PIN is rejected, or the service closes. */
  async #restart(slot: Slot): Promise<void> {
    while (!this.#isClosing()) {
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** slot.failures, LONGEST_BACKOFF_MS)
      slot.failures++
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

function readCanary(payload: Buffer): ReadySigner['canary'] {
  return whole(payload, (r) => {
    const row = keyTypes[r.name(keyTypes)]
    const spki = Buffer.from(r.bytes(MAX_SPKI))
    return { row, spki, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) }
  })
}
