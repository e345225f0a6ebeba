import type { Context } from '../context.ts'
import { changesSince, findStatus, type CertIdHash, type StatusRow } from '../db/ocsp.ts'
import { unavailable } from '../refusal.ts'
import { ready, type Ready } from './ocspReady.ts'

/** Changes are asked for this often while somebody asks for answers, */
const LOOK_MS = 150
/** and nothing is said from memory when that was longer ago than this: who asks so long after a revocation is told of it. */
const BOUND_MS = 400
/** After so long without a look everything is read anew: what changed long ago is not told any more. */
const FORGET_MS = 60_000
/** Certificates in memory: some 2 kB each, with answers for both hashes. */
const MAX_HELD = 20_000
/** Ids of changes that are remembered for reads that were under way. */
const MAX_CHANGES = 10_000
/** Reads of a certificate that changes all the time. */
const READS = 5

/** States of certificates that somebody may have. Of all others, planned or void, nothing is ever said but 'unknown'. */
const TOLD: ReadonlySet<string> = new Set(['issued', 'revoked', 'suspended'])

/** What is known of a certificate: replaced when that changes, together with the answers that say so. */
export interface Known {
  readonly row: StatusRow
  readonly answers: Map<CertIdHash, Ready>
}

/**
 * The status of certificates, from memory where nothing has changed: a change that is durable is seen by whoever asks
 * BOUND_MS later, in every replica. Where changes cannot be asked for, nothing is known.
 */
export class Statuses {
  readonly #ctx: Context
  readonly #onChanged: () => void
  /** By serial; those that were asked for last stand last. */
  readonly #held = new Map<string, Known>()
  readonly #serials = new Map<string, string>()
  /** Ids of responders' certificates that answers in memory carry. */
  readonly #signers = new Set<string>()
  /** By id: at which look a change was seen. */
  readonly #changes = new Map<string, number>()
  #cursor: string | undefined
  #looks = 0
  /** The look at which changes were forgotten: what was read before cannot be compared with them. */
  #forgottenAt = 0
  #lookedAt = -Infinity
  #looking: Promise<void> | undefined

  /** @param onChanged is told when certificates have changed */
  constructor(ctx: Context, onChanged: () => void) {
    this.#ctx = ctx
    this.#onChanged = onChanged
  }

  /**
   * By a serial's magnitude.
   * @returns undefined: there is no such certificate, and perhaps not yet
   * @throws Refusal unavailable
   */
  async of(serial: Buffer): Promise<Known | undefined> {
    const name = serial.toString('latin1')
    await this.fresh()
    const held = this.#held.get(name)
    if (held === undefined) return this.#read(serial)
    this.#held.delete(name)
    this.#held.set(name, held)
    return held
  }

  /**
   * Resolves when what was durable BOUND_MS before this call has been seen; at once where it has.
   * @throws Refusal unavailable
   */
  async fresh(): Promise<void> {
    const now = performance.now()
    const asOf = now - BOUND_MS
    if (now - this.#lookedAt < LOOK_MS) return
    const looking = this.#look()
    if (this.#lookedAt >= asOf) {
      looking.catch(() => undefined)
      return
    }
    await looking
    // One that was under way already may have begun long ago.
    if (this.#lookedAt < asOf) await this.#look()
  }

  /** Whether this is still what is known, as of the last look. */
  isCurrent({ row }: Known, since: number): boolean {
    return (this.#changes.get(row.id) ?? -1) <= since && since >= this.#forgottenAt
  }

  /** To be compared with later, by isCurrent. */
  get look(): number {
    return this.#looks
  }

  /** Adds an answer that was signed and stored. */
  keep(known: Known, hash: CertIdHash, answer: Ready): void {
    if (this.#changes.has(answer.signerId)) return
    this.#signers.add(answer.signerId)
    known.answers.set(hash, answer)
  }

  /** What is held is not so any more. */
  forget({ row }: Known): void {
    const name = this.#serials.get(row.id)
    if (name !== undefined) this.#held.delete(name)
    this.#serials.delete(row.id)
  }

  forgetAll(): void {
    this.#held.clear()
    this.#serials.clear()
  }

  held(): Iterable<readonly [serial: string, known: Known]> {
    return this.#held
  }

  /** From Postgres, whatever is held. */
  async reread(serial: Buffer): Promise<Known | undefined> {
    await this.fresh()
    return this.#read(serial)
  }

  async #read(serial: Buffer): Promise<Known | undefined> {
    for (let left = READS; left > 0; left--) {
      const since = this.#looks
      const row = await findStatus(this.#ctx.db, serial)
      // What is planned is not held: that it is issued is no change that anybody is told of.
      if (row === undefined || !TOLD.has(row.state)) return undefined
      const known = { row, answers: new Map(row.answers.map((one) => [one.hash, ready(one)])) }
      // The read may have taken long, and the change may have come between it and a look that told of it.
      await this.fresh()
      if (!this.isCurrent(known, since)) continue
      return this.#hold(serial, known)
    }
    throw unavailable('The certificate changes at the moment')
  }

  #hold(serial: Buffer, read: Known): Known {
    const name = serial.toString('latin1')
    const held = this.#held.get(name)
    // Whoever read before an answer was stored must not make it forgotten.
    const known = held?.row.version === read.row.version ? younger(held, read) : read
    this.#held.delete(name)
    this.#held.set(name, known)
    for (const { signerId } of known.answers.values()) this.#signers.add(signerId)
    this.#serials.set(known.row.id, name)
    const [oldest] = this.#held
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.forget(oldest[1])
    return known
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookNow(): Promise<void> {
    const startedAt = performance.now()
    const isLost = startedAt - this.#lookedAt > FORGET_MS
    const { cursor, changed } = await changesSince(this.#ctx.db, isLost ? undefined : this.#cursor)
    this.#looks++
    if (isLost) {
      this.forgetAll()
      this.#changes.clear()
      this.#forgottenAt = this.#looks
    }
    for (const id of changed) {
      this.#note(id)
      const name = this.#serials.get(id)
      const known = name === undefined ? undefined : this.#held.get(name)
      if (known !== undefined) this.forget(known)
      // What a responder signed is not given out any more when its certificate is revoked.
      if (this.#signers.delete(id)) this.forgetAll()
    }
    this.#cursor = cursor
    this.#lookedAt = startedAt
    if (changed.length > 0) this.#onChanged()
  }

  #note(id: string): void {
    this.#changes.delete(id)
    this.#changes.set(id, this.#looks)
    if (this.#changes.size <= MAX_CHANGES) return
    this.#changes.clear()
    this.#forgottenAt = this.#looks
  }
}

/** What is held, with the younger answers of what was read. */
function younger(held: Known, read: Known): Known {
  for (const [hash, answer] of read.answers) {
    const known = held.answers.get(hash)
    if (known === undefined || known.thisUpdate < answer.thisUpdate) held.answers.set(hash, answer)
  }
  return held
}
