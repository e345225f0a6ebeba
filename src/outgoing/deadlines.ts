import { OutgoingError } from './errors.ts'

export interface Limits {
  /** Milliseconds to resolve the name, to connect, and for the TLS handshake. */
  readonly connectMs: number
  /** Milliseconds from then to the answer's headers. */
  readonly headersMs: number
  /** Milliseconds for everything. */
  readonly wholeMs: number
  /** Of the answer's body; without, by its purpose. */
  readonly maxOctets?: number
}

/** The time-outs of one request, and whoever else may end it. The first that strikes is the reason. */
export class Deadlines {
  readonly #limits: Limits
  readonly #signal: AbortSignal | undefined
  readonly #whole: NodeJS.Timeout
  readonly #aborted = (): void => this.#strike(new OutgoingError('aborted'))
  #phase: NodeJS.Timeout | undefined
  #struck: OutgoingError | undefined
  #tell: (reason: OutgoingError) => void = () => undefined

  constructor(limits: Limits, signal?: AbortSignal) {
    this.#limits = limits
    this.#signal = signal
    this.#whole = setTimeout(() => this.#strike(new OutgoingError('timeout')), limits.wholeMs)
    this.#start('connect_timeout', limits.connectMs)
    if (signal?.aborted === true) this.#aborted()
    signal?.addEventListener('abort', this.#aborted)
  }

  connected(): void {
    this.#start('headers_timeout', this.#limits.headersMs)
  }

  answered(): void {
    clearTimeout(this.#phase)
  }

  /** @param tell is called once, when time is up. */
  onEnd(tell: (reason: OutgoingError) => void): void {
    this.#tell = tell
    if (this.#struck !== undefined) tell(this.#struck)
  }

  /** What cannot be ended is left to itself. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.onEnd(reject)
      work.then(resolve, reject)
    })
  }

  end(): void {
    clearTimeout(this.#whole)
    clearTimeout(this.#phase)
    this.#signal?.removeEventListener('abort', this.#aborted)
    this.#tell = () => undefined
  }

  #start(reason: 'connect_timeout' | 'headers_timeout', milliseconds: number): void {
    clearTimeout(this.#phase)
    this.#phase = setTimeout(() => this.#strike(new OutgoingError(reason)), milliseconds)
  }

  #strike(reason: OutgoingError): void {
    if (this.#struck !== undefined) return
    this.#struck = reason
    this.#tell(reason)
  }
}
