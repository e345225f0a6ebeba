import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { signaturesUnderWay } from '../db/groupCommit.ts'
import { Refusal } from '../refusal.ts'
import { signCounted } from '../signing/signCounted.ts'
import type { Responder } from './ocspResponder.ts'

/** Signatures that the token is asked for at once: a frame (hsm/wire.ts). */
const BATCH = 16
/** Answers that wait in a lane: a quarter of a second's work. Whoever comes then is told to come later, which costs nothing. */
const MAX_WAITING = 256

/** What is rested at least after a batch while clients sign; as long as the batch took, if that was longer. */
const REST_MS = 10

/** 'ahead': what is kept and given to everyone; 'live': for one who sent a nonce, or asks about what there is not. */
export type Lane = 'ahead' | 'live'

interface Waiting {
  readonly responder: Responder
  readonly tbs: Buffer
  readonly resolve: (signature: Buffer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Signs answers, several at once, with a share of the signers and a queue of their own: anybody may ask for them, and those
 * who sign with their credentials must not notice.
 */
export class OcspSigning {
  readonly #ctx: Context
  readonly #lanes: Readonly<Record<Lane, Waiting[]>> = { ahead: [], live: [] }
  #underWay = 0

  constructor(ctx: Context) {
    this.#ctx = ctx
  }

  /** @throws Refusal throttled, unavailable */
  sign(lane: Lane, responder: Responder, tbs: Buffer): Promise<Buffer> {
    const waiting = this.#lanes[lane]
    if (waiting.length >= MAX_WAITING)
      return Promise.reject(new Refusal('throttled', 'Too many answers wait to be signed'))
    return new Promise((resolve, reject) => {
      waiting.push({ responder, tbs, resolve, reject })
      // What arrives in the same turn of the loop goes together.
      setImmediate(() => this.#next())
    })
  }

  #next(): void {
    while (this.#underWay < this.#share()) {
      const batch = this.#batch()
      if (batch.length === 0) return
      this.#underWay++
      const startedAt = performance.now()
      void this.#sign(batch)
        .then(() => this.#rest(startedAt))
        .finally(() => {
          this.#underWay--
          this.#next()
        })
    }
  }

  /** While clients sign, anonymous work has half of the time at most. A caller who waits asks for nothing else meanwhile. */
  async #rest(startedAt: number): Promise<void> {
    if (signaturesUnderWay(this.#ctx.db) === 0) return
    await pause(Math.max(REST_MS, performance.now() - startedAt), undefined, { ref: false })
  }

  /** Batches that are under way at most: half of the signers, so that the others are never waited for. */
  #share(): number {
    const signers = this.#ctx.token.metrics().reduce((sum, { ready }) => sum + ready, 0)
    return Math.max(1, Math.floor(signers / 2))
  }

  /** Half of each lane, and what the one leaves of the other; of one responder. */
  #batch(): Waiting[] {
    const { ahead, live } = this.#lanes
    const fromAhead = Math.min(ahead.length, Math.max(BATCH / 2, BATCH - live.length))
    const taken = [...ahead.slice(0, fromAhead), ...live.slice(0, BATCH - fromAhead)]
    const [first] = taken
    const batch = taken.filter(({ responder }) => responder.key.keyId === first?.responder.key.keyId)
    for (const lane of [ahead, live]) {
      const rest = lane.filter((waiting) => !batch.includes(waiting))
      lane.splice(0, lane.length, ...rest)
    }
    return batch
  }

  async #sign(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch
    if (first === undefined) return
    const { key, scheme } = first.responder
    try {
      const signatures = await signCounted(this.#ctx, { key, scheme, messages: batch.map(({ tbs }) => tbs) })
      batch.forEach(({ resolve, reject }, index) => {
        const signature = signatures[index]
        if (signature === undefined) reject(new Error('no signature'))
        else resolve(signature)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
