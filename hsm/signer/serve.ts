import type { Session } from 'graphene-pk11'
import type { Socket } from 'node:net'
import { encodeHello } from '../codec.ts'
import { refusalReasons } from '../errors.ts'
import { provider } from '../providers.ts'
import { Reader, WireError, Writer } from '../payload.ts'
import { FrameSplitter, frame, OP, STATUS, type Frame, type Operation } from '../wire.ts'
import { Failure, fromToken } from './answer.ts'
import { connect, finalize, type Connection, type StartOptions } from './connect.ts'
import { login } from './login.ts'
import { handlers } from './operations.ts'
import { openSigner, type Signer } from './signer.ts'

const MAX_PATH = 4096
const NO_CODE = 0xffffffff
/** Answers wait so long for others to be written with them. */
const FLUSH_MS = 1

/** Where a signer is: each stage admits one operation to the next, and the last all the others. */
type Stage =
  | { readonly name: 'new' }
  | { readonly name: 'connected'; readonly connection: Connection; readonly options: StartOptions }
  /** The one login of this process was tried; with an anchor, it was accepted. */
  | {
      readonly name: 'tried'
      readonly connection: Connection
      readonly options: StartOptions
      readonly anchor?: Session
    }
  | { readonly name: 'open'; readonly signer: Signer }
  /** Says so to whatever still comes, until the service hangs up: what is not answered would count as perhaps signed. */
  | { readonly name: 'down'; readonly signer: Signer }

/** Serves a socket until it closes; then, or at the first frame that cannot be one, `exit` is called. */
export function serve(socket: Socket, exit: (code: number) => void): void {
  const signing = new SignerServer(socket, exit)
  socket.on('data', (chunk) => {
    signing.receive(chunk)
  })
  socket.on('error', () => {
    signing.end(0)
  })
  socket.on('close', () => {
    signing.end(0)
  })
}

class SignerServer {
  readonly #socket: Socket
  readonly #exit: (code: number) => void
  readonly #splitter = new FrameSplitter()
  readonly #waiting: Frame[] = []
  readonly #answers: Buffer[] = []
  #stage: Stage = { name: 'new' }
  #isWorking = false
  #flushedAt = 0

  constructor(socket: Socket, exit: (code: number) => void) {
    this.#socket = socket
    this.#exit = exit
  }

  receive(chunk: Buffer): void {
    try {
      this.#waiting.push(...this.#splitter.push(chunk))
    } catch {
      this.end(1)
      return
    }
    if (!this.#isWorking) void this.#work()
  }

  end(code: number): void {
    if (this.#stage.name !== 'new') {
      finalize('signer' in this.#stage ? this.#stage.signer.module : this.#stage.connection.module)
    }
    this.#exit(code)
  }

  /** One frame after the other, in the order they came. */
  async #work(): Promise<void> {
    this.#isWorking = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        // Only the two that open the signer have something to wait for; signing stays synchronous throughout.
        const answer =
          this.#stage.name === 'open' ? this.#operate(this.#stage.signer, next) : await this.#open(next)
        this.#answer(next.id, STATUS.ok, answer)
      } catch (error) {
        this.#fail(next.id, error)
      }
    }
    this.#isWorking = false
    this.#flush()
  }

  #operate(signer: Signer, { code, payload }: Frame): Buffer {
    const name = names.get(code)
    if (name === undefined || name === 'start' || name === 'login' || name === 'open')
      throw new WireError('no such operation now')
    try {
      return handlers[name](signer, new Reader(payload))
    } catch (error) {
      if (error instanceof WireError) throw error
      const failure = fromToken(error, name)
      if (failure.status === 'refused' || isAlive(signer)) throw failure
      this.#stage = { name: 'down', signer }
      throw failure.status === 'unavailable' ? leaving() : failure
    }
  }

  async #open({ code, payload }: Frame): Promise<Buffer> {
    const stage = this.#stage
    if (stage.name === 'down') throw leaving()
    if (stage.name === 'new' && code === OP.start) {
      const options = readStart(payload)
      const connection = await connect(options)
      this.#stage = { name: 'connected', connection, options }
      return encodeHello(connection.hello)
    }
    if (stage.name === 'connected' && code === OP.login && payload.length === 0) {
      const { connection, options } = stage
      this.#stage = { name: 'tried', connection, options }
      this.#stage = { name: 'tried', connection, options, anchor: login(connection, options) }
      return Buffer.alloc(0)
    }
    if (stage.name === 'tried' && stage.anchor !== undefined && code === OP.open && payload.length === 0) {
      const signer = openSigner(stage.connection, stage.anchor, stage.options)
      this.#stage = { name: 'open', signer }
      return new Writer().text(signer.canary.row.name).bytes(signer.canary.spki).end()
    }
    throw new WireError('no such operation now')
  }

  #answer(id: number, status: number, payload: Buffer): void {
    this.#answers.push(frame(id, status, payload))
    if (performance.now() - this.#flushedAt > FLUSH_MS) this.#flush()
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
    this.#socket.write(
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

function readStart(payload: Buffer): StartOptions {
  const r = new Reader(payload)
  const options = {
    module: r.text(MAX_PATH),
    provider: provider(r.text(64)),
    label: r.text(64),
    serial: r.optional(() => r.text(64)),
    pinFile: r.text(MAX_PATH),
    allowFinalTry: r.u8() === 1,
    prepare: r.u8() === 1,
  }
  r.end()
  return options
}
