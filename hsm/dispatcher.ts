import { TokenError } from './errors.ts'
import type { Fleet, ReadySigner } from './fleet.ts'
import { FairQueue } from './queue.ts'
import { SOFT_DEADLINE_MS, type SignerProcess } from './signerProcess.ts'
import { MAX_INPUTS, MAX_PAYLOAD, type Operation } from './wire.ts'

/** Inputs under way to one signer: two full frames, so that it never waits, and fairness is still decided here. */
const WINDOW = 2 * MAX_INPUTS
/** Inputs that wait: some four seconds of RSA-2048 on two cores; more would only be answered too late. */
const QUEUE_LIMITS = { whole: 16_384, flow: 4_096 } as const
/** Without any signer for so long, callers are answered at once: a signer that only ended is back within this. */
const DOWN_MS = 1_500
const TICK_MS = 250

export interface Job {
  readonly flow: string
  readonly operation: Operation
  readonly payload: Buffer
  /** Inputs that it carries. */
  readonly cost: number
  /** Its signatures can only be verified by another signer: it is not begun while there is none. */
  readonly needsVerifier?: boolean
  /** Keeps its signer from everything else for long. */
  readonly isSlow?: boolean
  /** CKA_ID that it signs with, in hex: a key just made is used by its maker only. */
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

interface Waiting extends Job {
  readonly since: number
  readonly resolve: (done: Done) => void
  readonly reject: (error: unknown) => void
  readonly isRetry: boolean
}

/** Gives work to signers: fairly, to the one with the least under way, and again once if nothing was signed. */
export class Dispatcher {
  readonly #fleet: Fleet
  readonly #queue = new FairQueue<Waiting>(QUEUE_LIMITS)
  /** Makers of keys that the other signers have not found yet, by CKA_ID in hex. */
  readonly #makers = new Map<string, SignerProcess>()
  readonly #ticker: NodeJS.Timeout
  #ready: ReadySigner[] = []
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
    if (this.#ready.length > 0) this.#downSince = performance.now()
    this.#ready = this.#fleet.ready
    this.#pump()
  }

  /** @throws TokenError; 'unavailable' also if the queue is full or no signer comes in time. */
  submit(job: Job): Promise<Done> {
    if (job.payload.length > MAX_PAYLOAD) {
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

  /** The least busy signer but this one; not one that is kept by something slow, if there is another. */
  other(than: SignerProcess): SignerProcess | undefined {
    const others = this.#ready
      .map(({ process }) => process)
      .filter((process) => process !== than && process.isTaking)
    return leastBusy(others.filter(({ slowInFlight }) => slowInFlight === 0)) ?? leastBusy(others)
  }

  get signers(): SignerProcess[] {
    return this.#ready.map(({ process }) => process)
  }

  /** A key was made: its maker alone signs with it until each other signer has found it, off the hot path. */
  async announce(ckaId: Buffer, maker: SignerProcess, describe: Buffer): Promise<void> {
    const name = ckaId.toString('hex')
    const others = this.signers.filter((process) => process !== maker)
    this.#makers.set(name, maker)
    await Promise.allSettled(
      others.map((only) =>
        this.submit({ flow: 'announce', operation: 'describe', payload: describe, cost: 1, only }),
      ),
    )
    if (this.#makers.get(name) === maker) this.#makers.delete(name)
    this.#pump()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#ticker)
    for (const job of this.#queue.remove(() => true)) job.reject(unavailable('The token is closed.'))
  }

  #enqueue(job: Job, isRetry: boolean): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...job, since: performance.now(), resolve, reject, isRetry }, isRetry)
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#queue.isEmpty) return
    this.#queue.drain(
      () => this.#ready.some(({ process }) => hasRoom(process)),
      (job) => this.#place(job),
    )
  }

  #place(job: Waiting): boolean {
    if (job.group?.isAborted === true || job.only?.isDead === true) {
      job.reject(
        unavailable(job.only === undefined ? 'Another part of the request failed.' : 'The signer has gone.'),
      )
      return true
    }
    const signer = this.#choose(job)
    if (signer === undefined) return false
    void this.#run(job, signer)
    return true
  }

  #choose(job: Waiting): SignerProcess | undefined {
    const maker = job.ckaId === undefined ? undefined : this.#makers.get(job.ckaId)
    const only = job.only ?? (maker?.isDead === false ? maker : undefined)
    const fits = this.signers.filter(
      (process) => hasRoom(process) && (only === undefined || process === only),
    )
    const free = (but: SignerProcess): boolean =>
      this.signers.some((process) => process !== but && process.slowInFlight === 0)
    // One signer at least stays free of slow work, and what needs a second one waits for it here, not half done.
    const needsFree = job.needsVerifier === true || (job.isSlow === true && this.signers.length > 1)
    return leastBusy(needsFree ? fits.filter(free) : fits)
  }

  async #run(job: Waiting, signer: SignerProcess): Promise<void> {
    try {
      const payload = await signer.request(job.operation, job.payload, job.cost)
      if (job.group !== undefined) job.group.progressAt = performance.now()
      job.resolve({ payload, by: signer })
    } catch (error) {
      if (this.#isWorthRetrying(job, error)) this.#enqueue(job, true).then(job.resolve, job.reject)
      else job.reject(error)
    }
    this.#pump()
  }

  /** Once, by any signer, if nothing was signed. A key that was half made is not made again under the same id. */
  #isWorthRetrying(job: Waiting, error: unknown): boolean {
    const isNothing = error instanceof TokenError && error.kind === 'unavailable'
    return (
      isNothing && !job.isRetry && !this.#isClosed && job.only === undefined && job.operation !== 'generate'
    )
  }

  #isDown(): boolean {
    return this.#ready.length === 0 && performance.now() - this.#downSince > DOWN_MS
  }

  #expire(): void {
    const now = performance.now()
    const isDown = this.#isDown()
    const late = this.#queue.remove(
      (job) => isDown || now - Math.max(job.since, job.group?.progressAt ?? 0) > SOFT_DEADLINE_MS,
    )
    for (const job of late)
      job.reject(unavailable(isDown ? 'The token is not available.' : 'No signer was free in time.'))
  }
}

const hasRoom = (process: SignerProcess): boolean =>
  process.isTaking && process.slowInFlight === 0 && process.inFlight < WINDOW

function leastBusy(signers: readonly SignerProcess[]): SignerProcess | undefined {
  let best: SignerProcess | undefined
  for (const signer of signers) if (best === undefined || signer.inFlight < best.inFlight) best = signer
  return best
}

const unavailable = (message: string): TokenError => new TokenError('unavailable', message)
