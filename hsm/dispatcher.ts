import { Forgotten, TokenError } from './errors.ts'
import type { Fleet } from './fleet.ts'
import { FairQueue } from './queue.ts'
import { SOFT_DEADLINE_MS, type SignerProcess } from './signerProcess.ts'
import { MAX_PAYLOAD, type Operation } from './wire.ts'

/** Inputs that wait: some four seconds of RSA-2048 on two cores; more would only be answered too late. */
const QUEUE_LIMITS = { whole: 16_384, flow: 4_096 } as const
/** Without any signer for so long, callers are answered at once: a signer that only ended is back within this. */
const DOWN_MS = 1_500
const TICK_MS = 250

/** What is put together only when it is known who gets it. */
export interface Payload {
  readonly for: (signer: SignerProcess) => Buffer
  /** The signer does not know what was named to it: `for` gives it in full next time. */
  readonly forgottenBy: (signer: SignerProcess) => void
}

export interface Job {
  readonly flow: string
  readonly operation: Operation
  readonly payload: Buffer | Payload
  /** Inputs that it carries. */
  readonly cost: number
  /** Its signatures can only be verified by another signer: it is not begun while there is none. */
  readonly needsVerifier?: boolean
  /** Keeps its signer from everything else for long. */
  readonly isSlow?: boolean
  /** CKA_ID that it signs with, in hex: a key just made is used only by signers that know it. */
  readonly ckaId?: string
  /** Only this signer. */
  readonly only?: SignerProcess
  /**
   * The parts of one request, which was admitted as a whole: none of them waits too long while another one makes
   * progress, and none is begun after another one failed.
   */
  readonly group?: { progressAt: number; isAborted: boolean }
}

export interface Done {
  readonly payload: Buffer
  readonly by: SignerProcess
}

interface Waiting {
  readonly job: Job
  /** Those of the job. */
  readonly flow: string
  readonly cost: number
  readonly since: number
  readonly resolve: (done: Done) => void
  readonly reject: (error: unknown) => void
  readonly isRetry: boolean
}

/** Gives work to signers: fairly, to the one with the least under way, and again once if nothing was signed. */
export class Dispatcher {
  readonly #fleet: Fleet
  readonly #queue = new FairQueue<Waiting>(QUEUE_LIMITS)
  /** Signers that have not found a key yet that another one made, by CKA_ID in hex. */
  readonly #strangers = new Map<string, Set<SignerProcess>>()
  readonly #ticker: NodeJS.Timeout
  #renewals: Promise<void> = Promise.resolve()
  #signers: readonly SignerProcess[] = []
  #downSince = performance.now()
  #isClosed = false

  constructor(fleet: Fleet) {
    this.#fleet = fleet
    this.#ticker = setInterval(() => {
      this.#expire()
    }, TICK_MS)
    this.#ticker.unref()
  }

  /** The fleet changed. */
  refresh(): void {
    if (this.#signers.length > 0) this.#downSince = performance.now()
    this.#signers = this.#fleet.ready.map(({ process }) => process)
    this.#pump()
  }

  /** @throws TokenError; 'unavailable' also if the queue is full or no signer comes in time. */
  submit(job: Job): Promise<Done> {
    if (Buffer.isBuffer(job.payload) && job.payload.length > MAX_PAYLOAD) {
      return Promise.reject(new TokenError('refused', 'The request is too large.', { reason: 'rule' }))
    }
    if (this.#isClosed) return Promise.reject(unavailable('The token is closed.'))
    if (this.#isDown()) return Promise.reject(unavailable('The token is not available.'))
    if (!this.#queue.hasRoom(job.flow, job.cost))
      return Promise.reject(unavailable('Too much is waiting already.'))
    return this.#enqueue(job, false)
  }

  /** Why so much more of a flow cannot be taken now; undefined if it can. */
  admission(flow: string, cost: number): TokenError | undefined {
    if (this.#isClosed) return unavailable('The token is closed.')
    if (this.#isDown()) return unavailable('The token is not available.')
    return this.#queue.hasRoom(flow, cost) ? undefined : unavailable('Too much is waiting already.')
  }

  /** Ahead of the queue, to one signer: what completes work that was begun. */
  async direct(
    signer: SignerProcess,
    operation: Operation,
    r: { payload: Buffer; cost: number },
  ): Promise<Buffer> {
    try {
      return await signer.request(operation, r.payload, r.cost)
    } finally {
      this.#pump()
    }
  }

  /**
   * The process that only verifies, where there is one; else the least busy signer but this one, and not one that is kept
   * by something slow, if there is another.
   */
  other(than: SignerProcess): SignerProcess | undefined {
    if (this.#fleet.verifier !== undefined) return this.#fleet.verifier
    let best: SignerProcess | undefined
    for (const process of this.#signers) {
      if (process === than || !process.isTaking) continue
      if (best === undefined || isLessBusy(process, best)) best = process
    }
    return best
  }

  get signers(): readonly SignerProcess[] {
    return this.#signers
  }

  /** Resolves when no signer is being replaced because of a key. */
  get settled(): Promise<void> {
    return this.#renewals
  }

  /** A key was made: each other signer signs with it once it has found it, off the hot path. */
  async announce(ckaId: Buffer, maker: SignerProcess, describe: Buffer): Promise<void> {
    const name = ckaId.toString('hex')
    const others = this.#fleet.restartsForNewKeys ? this.#fleet.processes : this.signers
    const strangers = new Set(others.filter((process) => process !== maker))
    this.#strangers.set(name, strangers)
    const introduced = [...strangers].map(async (process) => {
      await this.#introduce(process, describe)
      strangers.delete(process)
      this.#pump()
    })
    await Promise.allSettled(introduced)
    if (this.#strangers.get(name) === strangers) this.#strangers.delete(name)
    this.#pump()
  }

  /** By a search; or by a new process in its place, one after another, where the make of token shows new keys to no old one. */
  async #introduce(process: SignerProcess, describe: Buffer): Promise<void> {
    if (this.#fleet.restartsForNewKeys) {
      const renewed = this.#renewals.then(() => this.#fleet.renew(process))
      this.#renewals = renewed
      return renewed
    }
    await this.submit({ flow: 'announce', operation: 'describe', payload: describe, cost: 1, only: process })
  }

  /** Inputs that wait, and that signers have. */
  get load(): { readonly queued: number; readonly inFlight: number } {
    return {
      queued: this.#queue.cost,
      inFlight: this.signers.reduce((sum, { inFlight }) => sum + inFlight, 0),
    }
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#ticker)
    for (const job of this.#queue.remove(() => true)) job.reject(unavailable('The token is closed.'))
  }

  #enqueue(job: Job, isRetry: boolean): Promise<Done> {
    return new Promise((resolve, reject) => {
      const { flow, cost } = job
      this.#queue.push({ job, flow, cost, since: performance.now(), resolve, reject, isRetry }, isRetry)
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#queue.isEmpty) return
    this.#queue.drain(
      () => this.#signers.some(hasRoom),
      (waiting) => this.#place(waiting),
    )
  }

  #place(waiting: Waiting): boolean {
    const { job } = waiting
    if (job.group?.isAborted === true || job.only?.isDead === true) {
      waiting.reject(
        unavailable(job.only === undefined ? 'Another part of the request failed.' : 'The signer has gone.'),
      )
      return true
    }
    const signer = this.#choose(job)
    if (signer === undefined) return false
    void this.#run(waiting, signer)
    return true
  }

  #choose(job: Job): SignerProcess | undefined {
    const strangers = job.ckaId === undefined ? undefined : this.#strangers.get(job.ckaId)
    // One signer at least stays free of slow work, and what needs a second one waits for it here, not half done.
    const needsSigner = job.needsVerifier === true && this.#fleet.verifier === undefined
    const needsFree = needsSigner || (job.isSlow === true && this.#signers.length > 1)
    let best: SignerProcess | undefined
    for (const process of this.#signers) {
      const isMeant = job.only === undefined ? strangers?.has(process) !== true : process === job.only
      if (!isMeant || !hasRoom(process) || (best !== undefined && best.inFlight <= process.inFlight)) continue
      if (!needsFree || this.#isOtherFree(process)) best = process
    }
    return best
  }

  #isOtherFree(than: SignerProcess): boolean {
    return this.#signers.some((process) => process !== than && process.slowInFlight === 0)
  }

  async #run(waiting: Waiting, signer: SignerProcess): Promise<void> {
    const { job, resolve, reject } = waiting
    try {
      const payload = await send(job, signer)
      if (job.group !== undefined) job.group.progressAt = performance.now()
      resolve({ payload, by: signer })
    } catch (error) {
      if (this.#isWorthRetrying(waiting, error)) this.#enqueue(job, true).then(resolve, reject)
      else reject(error)
    }
    this.#pump()
  }

  /** Once, by any signer, if nothing was signed. A key that was half made is not made again under the same id. */
  #isWorthRetrying({ job, isRetry }: Waiting, error: unknown): boolean {
    const isNothing = error instanceof TokenError && error.kind === 'unavailable'
    return isNothing && !isRetry && !this.#isClosed && job.only === undefined && job.operation !== 'generate'
  }

  #isDown(): boolean {
    return this.#signers.length === 0 && performance.now() - this.#downSince > DOWN_MS
  }

  #expire(): void {
    const now = performance.now()
    const isDown = this.#isDown()
    const late = this.#queue.remove(
      ({ job, since }) => isDown || now - Math.max(since, job.group?.progressAt ?? 0) > SOFT_DEADLINE_MS,
    )
    for (const job of late)
      job.reject(unavailable(isDown ? 'The token is not available.' : 'No signer was free in time.'))
  }
}

/** Once more, in full, where the signer does not know a record any more: it has done nothing then. */
async function send({ operation, payload, cost }: Job, signer: SignerProcess): Promise<Buffer> {
  if (Buffer.isBuffer(payload)) return signer.request(operation, payload, cost)
  try {
    return await signer.request(operation, payload.for(signer), cost)
  } catch (error) {
    if (!(error instanceof Forgotten)) throw error
    payload.forgottenBy(signer)
    return signer.request(operation, payload.for(signer), cost)
  }
}

const hasRoom = (process: SignerProcess): boolean =>
  process.isTaking && process.slowInFlight === 0 && process.inFlight < process.window

const isLessBusy = (a: SignerProcess, b: SignerProcess): boolean =>
  (a.slowInFlight === 0) === (b.slowInFlight === 0) ? a.inFlight < b.inFlight : a.slowInFlight === 0

const unavailable = (message: string): TokenError => new TokenError('unavailable', message)
