import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Duplex, type Readable } from 'node:stream'
import { Forgotten, refusalReasons, TokenError, type TokenErrorKind } from './errors.ts'
import type { TokenLog } from './types.ts'
import { Reader } from './payload.ts'
import { spawnSigner } from './spawnSigner.ts'
import { frame, FrameSplitter, MAX_INPUTS, OP, STATUS, type Frame, type Operation } from './wire.ts'

/** A caller is answered after so long without progress of its signer. */
export const SOFT_DEADLINE_MS = 5_000
/** A signer that has made no progress for so long hangs in the module, and only SIGKILL ends it. */
export const HARD_DEADLINE_MS = 10_000
/** A signer that has not answered for so long gets nothing new: what waits in the queue was surely not signed. */
const STALLED_MS = 1_000
/** What a signer whose token is gone gets to end in. */
const LEAVING_GRACE_MS = 2_000
/** Making an RSA key takes as long as the primes take to be found; logging in lists every key of the token. */
const SLOW_DEADLINE_MS = 120_000
const SLOW: ReadonlySet<Operation> = new Set([
  'start',
  'login',
  'open',
  'verifier',
  'generate',
  'probe',
  'list',
])
/** How often deadlines are looked at. */
const TICK_MS = 250
/** Octets of one line of a module's own output that reach the log. */
const MAX_LINE = 1000

interface Pending {
  readonly operation: Operation
  readonly sentAt: number
  readonly cost: number
  readonly resolve: (payload: Buffer) => void
  readonly reject: (error: TokenError) => void
  /** Answered by the deadline already; the late answer only shows that the signer is alive. */
  isAbandoned: boolean
}

export interface SpawnOptions {
  /** For the log. */
  readonly name: string
  readonly environment: Readonly<Record<string, string>>
  /** Operations that the token works on at the same time for it. 1: the signer waits for each. */
  readonly concurrency?: number
  readonly log: TokenLog
  /** Called once, whatever ended it. */
  readonly onExit: (signer: SignerProcess) => void
}

/** One signer process and the frames under way to it. */
export class SignerProcess {
  readonly name: string
  /** Inputs under way at most: two full frames, or twice what the token works on, so that it never waits. */
  readonly window: number
  readonly #child: ChildProcess
  readonly #wire: Duplex
  readonly #splitter = new FrameSplitter()
  readonly #pending = new Map<number, Pending>()
  readonly #outgoing: Buffer[] = []
  readonly #ticker: NodeJS.Timeout
  readonly #onExit: (signer: SignerProcess) => void
  readonly #log: TokenLog
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  #nextId = 1
  #progressAt = performance.now()
  #isDead = false
  #isLeaving = false
  /** Inputs under way, and operations that take long. */
  inFlight = 0
  slowInFlight = 0

  constructor(options: SpawnOptions) {
    this.name = options.name
    this.#log = options.log
    this.#onExit = options.onExit
    const { concurrency = 1 } = options
    this.window = Math.max(2 * MAX_INPUTS, 2 * concurrency)
    this.#child = spawnSigner(options.environment, concurrency)
    const wire = this.#child.stdio[3]
    if (!(wire instanceof Duplex)) throw new Error('There is no wire to the signer.')
    this.#wire = wire
    this.#logLines(this.#child.stdout)
    this.#logLines(this.#child.stderr)
    this.#wire.on('data', (chunk: Buffer) => {
      this.#receive(chunk)
    })
    this.#wire.on('error', () => {
      this.kill()
    })
    this.exited = new Promise((resolve) => {
      const gone = (): void => {
        this.#gone()
        resolve()
      }
      this.#child.once('exit', gone)
      this.#child.once('error', gone)
    })
    this.#ticker = setInterval(() => {
      this.#tick()
    }, TICK_MS)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Takes work: it is there, its token too, and what it has is going on. */
  get isTaking(): boolean {
    const isStalled = this.#pending.size > 0 && performance.now() - this.#progressAt > STALLED_MS
    return !this.#isDead && !this.#isLeaving && (!isStalled || this.slowInFlight > 0)
  }

  /**
   * Sends one operation.
   * @param cost inputs that it carries.
   * @returns the payload of the answer.
   * @throws TokenError 'unknown' for a signature that was asked for and not answered, 'unavailable' for anything else
   * that was not, or what the signer said.
   */
  request(operation: Operation, payload: Buffer, cost = 1): Promise<Buffer> {
    if (this.#isDead) return Promise.reject(lost(operation, 'The signer has gone.'))
    const id = this.#nextId
    this.#nextId = (id % 0xffffffff) + 1
    if (this.#pending.size === 0) this.#progressAt = performance.now()
    const octets = frame(id, OP[operation], payload)
    return new Promise((resolve, reject) => {
      const sentAt = performance.now()
      this.#pending.set(id, { operation, sentAt, cost, resolve, reject, isAbandoned: false })
      this.inFlight += cost
      if (SLOW.has(operation)) this.slowInFlight++
      // Frames of one turn of the event loop go in one write.
      if (this.#outgoing.push(octets) === 1) {
        setImmediate(() => {
          this.#flush()
        })
      }
    })
  }

  /** Ends it at once. What it was working on is answered as lost. */
  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
  }

  /** Gives it nothing more, and ends it when it has answered what it has. */
  leave(): void {
    this.#isLeaving = true
    if (this.#pending.size === 0) void this.close(LEAVING_GRACE_MS)
  }

  /** Lets it log out and end; kills it if it does not within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#flush()
    this.#wire.end()
    const timer = setTimeout(() => {
      this.kill()
    }, graceMs)
    await this.exited
    clearTimeout(timer)
  }

  #flush(): void {
    const [first] = this.#outgoing
    if (first === undefined || this.#isDead) return
    this.#wire.write(this.#outgoing.length === 1 ? first : Buffer.concat(this.#outgoing))
    this.#outgoing.length = 0
  }

  #receive(chunk: Buffer): void {
    this.#progressAt = performance.now()
    try {
      for (const answer of this.#splitter.push(chunk)) this.#settle(answer)
    } catch (error) {
      this.#log.error({ signer: this.name, err: error }, 'a signer sent what is no frame')
      this.kill()
    }
  }

  #settle({ id, code, payload }: Frame): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    this.inFlight -= pending.cost
    if (SLOW.has(pending.operation)) this.slowInFlight--
    if (code === STATUS.leaving) this.#isLeaving = true
    if (this.#isLeaving && this.#pending.size === 0) void this.close(LEAVING_GRACE_MS)
    if (pending.isAbandoned) return
    if (code === STATUS.ok) {
      // A copy: the answer may be kept, the chunk that it came in should not be.
      pending.resolve(Buffer.from(payload))
    } else pending.reject(failure(code, payload))
  }

  #tick(): void {
    const now = performance.now()
    const limit = this.slowInFlight > 0 ? SLOW_DEADLINE_MS : SOFT_DEADLINE_MS
    if (this.#pending.size === 0 || now - this.#progressAt < limit) return
    for (const pending of this.#pending.values()) {
      if (pending.isAbandoned || now - pending.sentAt < limit) continue
      pending.isAbandoned = true
      pending.reject(lost(pending.operation, `The signer has not answered for ${limit / 1000} s.`))
    }
    if (now - this.#progressAt < limit + HARD_DEADLINE_MS - SOFT_DEADLINE_MS) return
    this.#log.error(
      { signer: this.name, pid: this.pid, alarm: 'signer_hangs' },
      'a signer hangs and is killed',
    )
    this.kill()
  }

  #gone(): void {
    if (this.#isDead) return
    this.#isDead = true
    clearInterval(this.#ticker)
    this.#wire.destroy()
    for (const pending of this.#pending.values()) {
      if (!pending.isAbandoned) pending.reject(lost(pending.operation, 'The signer has gone.'))
    }
    this.#pending.clear()
    this.inFlight = 0
    this.slowInFlight = 0
    this.#onExit(this)
  }

  #logLines(stream: Readable | null): void {
    if (stream === null) return
    createInterface({ input: stream }).on('line', (line) => {
      this.#log.warn({ signer: this.name, line: line.slice(0, MAX_LINE) }, 'a signer wrote')
    })
  }
}

/** What was sent and never answered: a signature may exist; nothing else leaves a trace that matters. */
function lost(operation: Operation, message: string): TokenError {
  return new TokenError(TRACED.has(operation) ? 'unknown' : 'unavailable', message)
}

const TRACED: ReadonlySet<Operation> = new Set(['sign', 'signHashed', 'generate'])

const NO_CODE = 0xffffffff

function failure(status: number, payload: Buffer): TokenError {
  const r = new Reader(payload)
  const reason = refusalReasons[r.u8()]
  const number = r.u32()
  const message = r.text()
  const code = number === NO_CODE ? undefined : number
  if (status === STATUS.forgotten) return new Forgotten('unavailable', message)
  return new TokenError(kindOf(status), message, { reason, code })
}

function kindOf(status: number): TokenErrorKind {
  if (status === STATUS.refused) return 'refused'
  return status === STATUS.unavailable || status === STATUS.leaving ? 'unavailable' : 'unknown'
}
