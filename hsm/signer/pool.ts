import type { Module, Session, Slot } from 'graphene-pk11'
import type { Handle, PKCS11 } from 'pkcs11js'
import { openSession } from './sessions.ts'

/** One C_SignInit and C_Sign: a signature, or an HMAC. */
export interface PooledOperation {
  /** C_SignInit, at once. What it throws costs the session. */
  readonly init: (session: Handle, lib: PKCS11) => void
  readonly data: Buffer
  /** Octets that come out of it at most. */
  readonly length: number
}

/**
 * Sessions for what waits in the token at the same time: a network HSM works on as many operations as there are sessions
 * with one. Each session has one operation at a time, and none any more after an error.
 */
export class SessionPool {
  readonly #lib: PKCS11
  readonly #slot: Slot
  readonly #size: number
  readonly #idle: Session[] = []
  /** Who waits for a session, first come first served; without one, there is room to open another. */
  readonly #waiting: ((session: Session | undefined) => void)[] = []
  /**
   * What C_Sign reads and writes, from the call to its end. The binding hands the addresses to another thread and keeps no
   * reference: what nobody holds is collected, and other octets are signed.
   */
  readonly #pinned = new Set<object>()
  #count = 0

  constructor(module: Module, slot: Slot, size: number) {
    this.#lib = module.lib
    this.#slot = slot
    this.#size = size
  }

  get isBusy(): boolean {
    return this.#pinned.size > 0
  }

  async run(operation: PooledOperation): Promise<Buffer> {
    const session = await this.#take()
    const pinned = {
      handle: session.handle,
      data: Buffer.from(operation.data),
      made: Buffer.alloc(operation.length),
    }
    this.#pinned.add(pinned)
    let isGood = false
    try {
      operation.init(pinned.handle, this.#lib)
      const made = await this.#lib.C_SignAsync(pinned.handle, pinned.data, pinned.made)
      isGood = true
      return made
    } finally {
      this.#pinned.delete(pinned)
      if (isGood) this.#giveBack(session)
      else this.#discard(session)
    }
  }

  async #take(): Promise<Session> {
    for (;;) {
      const idle = this.#idle.pop()
      if (idle !== undefined) return idle
      if (this.#count < this.#size) return this.#open()
      const given = await new Promise<Session | undefined>((resolve) => {
        this.#waiting.push(resolve)
      })
      if (given !== undefined) return given
    }
  }

  #open(): Session {
    this.#count++
    try {
      return openSession(this.#slot)
    } catch (error) {
      this.#count--
      // Whoever waits tries for himself, and fails or not.
      this.#waiting.shift()?.(undefined)
      throw error
    }
  }

  #giveBack(session: Session): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(session)
    else next(session)
  }

  #discard(session: Session): void {
    this.#count--
    try {
      session.close()
    } catch {
      // It was of no use already.
    }
    this.#waiting.shift()?.(undefined)
  }
}
