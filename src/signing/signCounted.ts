import type { SchemeName } from '../../hsm/algorithms.ts'
import { purposes } from '../../hsm/purposes.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { settleNumbers, takeNumbers } from '../db/signatureCounters.ts'
import { tokenRefusal } from './tokenRefusal.ts'

/** Numbers that are taken at once: one flush to the disk for so many signatures. */
const BLOCK = 1_024

export interface CountedRequest {
  readonly key: Sealed<KeyRecord>
  readonly scheme: SchemeName
  /** Messages: no digest of a caller is ever signed here. */
  readonly messages: readonly Buffer[]
}

/**
 * The second door to the token, beside sign(): for keys whose purpose says that their signatures are counted, since what
 * is signed is its own record and strangers ask for it (hsm/purposes.ts). Each is verified before it leaves, as all are,
 * and has a number that was durable before the token was asked. Resolves with r ‖ s for ECDSA, in the messages' order.
 * @throws Refusal 'unavailable' when the token or Postgres is away
 */
export async function signCounted(ctx: Context, request: CountedRequest): Promise<Buffer[]> {
  const { key, scheme, messages } = request
  const { recorded, activated } = purposes[key.purpose]
  if (recorded !== 'counter' || activated) throw new Error(`a key for '${key.purpose}' is audited`)
  const counter = counterOf(ctx, key.keyId)
  await counter.take(messages.length)
  const signatures = await ctx.token
    .sign({ flow: key.purpose, key, scheme, inputs: messages })
    .catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
  counter.made += signatures.length
  ctx.metrics.signatureCounted(key.purpose, signatures.length)
  return signatures
}

/** Writes what was counted, and gives back what was not used: at the end of a process. */
export async function settleCounters(ctx: Context): Promise<void> {
  await Promise.all([...(counters.get(ctx)?.values() ?? [])].map((counter) => counter.settle()))
}

const counters = new WeakMap<Context, Map<string, Counter>>()

function counterOf(ctx: Context, keyId: string): Counter {
  const ofContext = counters.get(ctx) ?? new Map<string, Counter>()
  counters.set(ctx, ofContext)
  const counter = ofContext.get(keyId) ?? new Counter(ctx, keyId)
  ofContext.set(keyId, counter)
  return counter
}

/** The numbers of one key in this process. If we die, those that were taken and not used count as used. */
class Counter {
  readonly #ctx: Context
  readonly #keyId: string
  #taken = 0
  #used = 0
  #taking: Promise<void> | undefined
  /** Signatures that were given out. */
  made = 0

  constructor(ctx: Context, keyId: string) {
    this.#ctx = ctx
    this.#keyId = keyId
  }

  async take(count: number): Promise<void> {
    while (this.#used + count > this.#taken) {
      this.#taking ??= this.#more(Math.max(BLOCK, count)).finally(() => {
        this.#taking = undefined
      })
      await this.#taking
    }
    this.#used += count
  }

  async settle(): Promise<void> {
    await this.#taking?.catch(() => undefined)
    const { instanceId, db } = this.#ctx
    if (this.#taken === 0) return
    await settleNumbers(db, { keyId: this.#keyId, instanceId, made: this.made, taken: this.#used })
    this.#taken = this.#used
  }

  async #more(more: number): Promise<void> {
    const { instanceId, db } = this.#ctx
    await takeNumbers(db, { keyId: this.#keyId, instanceId, made: this.made, more })
    this.#taken += more
  }
}
