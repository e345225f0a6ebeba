import { readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { refusalReasons } from '../errors.ts'
import { Reader, WireError, Writer } from '../payload.ts'
import { FrameSplitter, frame, OP, STATUS, type Frame, type Operation } from '../wire.ts'
import { Failure, fromToken } from './answer.ts'
import { Opening } from './opening.ts'
import { handlers, verify, type Entrance } from './operations.ts'
import type { Signer } from './signer.ts'
import type { Verifier } from './verifier.ts'

const NO_CODE = 0xffffffff
/** Answers wait so long for others to be written with them. */
const FLUSH_MS = 1
/** What is in the token when the service hangs up gets so long to come back: less than the service waits. */
const LEAVE_MS = 1_000
const LEAVE_POLL_MS = 10

/** Where a process is: what it is opened for, it does to its end. */
type Stage =
  | { readonly name: 'opening' }
  | { readonly name: 'verifying'; readonly verifier: Verifier }
  | { readonly name: 'open'; readonly signer: Signer }
  /** Says so to whatever still comes, until the service hangs up: what is not answered would count as perhaps signed. */
  | { readonly name: 'down'; readonly signer: Signer }

/** Octets that are read at once; larger frames come in pieces. */
const READ_OCTETS = 256 * 1024

/**
 * Serves a descriptor until its other end closes; then, or at the first frame that cannot be one, `exit` is called. A
 * signer that does one thing at a time waits for the next frame in the kernel: brought by Node's event loop, a frame
 * costs more than the signature in it. One that gives its token several things at once has to have the event loop.
 */
export async function serve(fd: number, exit: (code: number) => void): Promise<void> {
  const server = new SignerServer({ write: (octets) => writeAll(fd, octets), exit })
  const buffer = Buffer.allocUnsafe(READ_OCTETS)
  while (!server.isParallel) {
    const length = readSome(fd, buffer)
    if (length === 0) {
      server.end(0)
      return
    }
    const underWay = server.receive(Buffer.from(buffer.subarray(0, length)))
    if (underWay !== undefined) await underWay
  }
  const socket = new Socket({ fd, readable: true, writable: true })
  server.write = (octets) => void socket.write(octets)
  socket.on('data', (chunk) => void server.receive(chunk))
  socket.on('error', () => {
    server.end(0)
  })
  socket.on('close', () => {
    server.end(0)
  })
}

/** @returns 0 at the end, also where there is an error: the service has gone. */
function readSome(fd: number, buffer: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, buffer)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') return 0
    }
  }
}

/** What cannot be written any more is wanted by nobody: the next read tells that the service has gone. */
function writeAll(fd: number, octets: Buffer): void {
  try {
    for (let at = 0; at < octets.length;) at += writeSync(fd, octets, at)
  } catch {
    return
  }
}

class SignerServer {
  write: (octets: Buffer) => void
  readonly #exit: (code: number) => void
  readonly #splitter = new FrameSplitter()
  readonly #waiting: Frame[] = []
  readonly #answers: Buffer[] = []
  readonly #opening = new Opening()
  #stage: Stage = { name: 'opening' }
  #isWorking = false
  #isFlushing = false
  #flushedAt = 0

  constructor(way: { write: (octets: Buffer) => void; exit: (code: number) => void }) {
    this.write = way.write
    this.#exit = way.exit
  }

  /** The token is given several things at once. */
  get isParallel(): boolean {
    return 'signer' in this.#stage && this.#stage.signer.pool !== undefined
  }

  /** @returns what is to be waited for before anything else comes, if there is something; it never rejects. */
  receive(chunk: Buffer): Promise<void> | undefined {
    try {
      this.#waiting.push(...this.#splitter.push(chunk))
    } catch {
      this.end(1)
      return undefined
    }
    return this.#isWorking ? undefined : this.#work()
  }

  end(code: number): void {
    const started = performance.now()
    const leave = (): void => {
      // A module is not finalized under a thread that is in it, and Node does not exit before that thread comes back.
      if (!this.#isInToken) {
        this.#opening.finalize()
        this.#exit(code)
      } else if (performance.now() - started > LEAVE_MS) process.kill(process.pid, 'SIGKILL')
      else setTimeout(leave, LEAVE_POLL_MS)
    }
    leave()
  }

  get #isInToken(): boolean {
    return 'signer' in this.#stage && this.#stage.signer.pool?.isBusy === true
  }

  /**
   * In the order they came, and one after the other, but for a token that is given several things at once: there a frame
   * is begun while others are being worked on.
   */
  #work(): Promise<void> | undefined {
    this.#isWorking = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const underWay = this.#begin(next)
      if (underWay !== undefined && !this.isParallel) return underWay.then(() => this.#work())
    }
    this.#isWorking = false
    this.#flush()
    return undefined
  }

  /** @returns what is to be waited for, if there is something; it never rejects. */
  #begin(next: Frame): Promise<void> | undefined {
    const good = (answer: Buffer): void => {
      this.#answer(next.id, STATUS.ok, answer)
    }
    const bad = (error: unknown): void => {
      this.#fail(next.id, error)
    }
    try {
      const answer = this.#stage.name === 'opening' ? this.#open(next) : this.#serve(this.#stage, next)
      if (answer instanceof Promise) return answer.then(good).catch(bad)
      good(answer)
    } catch (error) {
      bad(error)
    }
    return undefined
  }

  #operate(signer: Signer, { code, payload }: Frame): Buffer | Promise<Buffer> {
    const name = names.get(code)
    if (name === undefined || isEntrance(name)) throw new WireError('no such operation now')
    const judge = (error: unknown): never => {
      throw this.#judged(signer, name, error)
    }
    try {
      const answer = handlers[name](signer, new Reader(payload))
      return answer instanceof Promise ? answer.catch(judge) : answer
    } catch (error) {
      return judge(error)
    }
  }

  /** What an error means, and whether this process can go on. */
  #judged(signer: Signer, name: Operation, error: unknown): Error {
    if (error instanceof WireError) return error
    const failure = fromToken(error, name)
    if (failure.status === 'refused' || failure.status === 'forgotten') return failure
    if (this.#stage.name !== 'down') {
      if (isAlive(signer)) return failure
      this.#stage = { name: 'down', signer }
    }
    return failure.status === 'unavailable' ? leaving() : failure
  }

  async #open({ code, payload }: Frame): Promise<Buffer> {
    const [answer, open] = await this.#opening.take(names.get(code), payload)
    if (open !== undefined) {
      this.#stage = 'signer' in open ? { name: 'open', ...open } : { name: 'verifying', ...open }
    }
    return answer
  }

  #serve(stage: Exclude<Stage, { name: 'opening' }>, next: Frame): Buffer | Promise<Buffer> {
    if (stage.name === 'down') throw leaving()
    if (stage.name === 'open') return this.#operate(stage.signer, next)
    if (names.get(next.code) !== 'verify') throw new WireError('no such operation now')
    try {
      return verify(stage.verifier, new Reader(next.payload))
    } catch (error) {
      throw error instanceof WireError ? error : fromToken(error, 'verify')
    }
  }

  #answer(id: number, status: number, payload: Buffer): void {
    this.#answers.push(frame(id, status, payload))
    if (performance.now() - this.#flushedAt > FLUSH_MS) this.#flush()
    else if (!this.#isWorking && !this.#isFlushing) {
      this.#isFlushing = true
      setImmediate(() => {
        this.#isFlushing = false
        this.#flush()
      })
    }
  }

  #fail(id: number, error: unknown): void {
    const failure =
      error instanceof WireError ? new Failure('refused', `A malformed frame: ${error.message}.`) : error
    const { status, message, code, reason } =
      failure instanceof Failure ? failure : fromToken(failure, 'starting')
    const reasonIndex = reason === undefined ? 0xff : refusalReasons.indexOf(reason)
    this.#answer(
      id,
      STATUS[status],
      new Writer()
        .u8(reasonIndex)
        .u32(code ?? NO_CODE)
        .text(message)
        .end(),
    )
  }

  #flush(): void {
    this.#flushedAt = performance.now()
    if (this.#answers.length === 0) return
    this.write(
      this.#answers.length === 1 && this.#answers[0] ? this.#answers[0] : Buffer.concat(this.#answers),
    )
    this.#answers.length = 0
  }
}

function isAlive(signer: Signer): boolean {
  try {
    signer.prove()
    return true
  } catch {
    return false
  }
}

const leaving = (): Failure => new Failure('leaving', 'The token does not answer.')

const names: ReadonlyMap<number, Operation> = new Map(
  Object.entries(OP).map(([name, code]) => [code, name as Operation]),
)

function isEntrance(name: Operation): name is Entrance {
  return !Object.hasOwn(handlers, name)
}
