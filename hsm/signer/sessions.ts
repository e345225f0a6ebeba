import type { Module, Session, Slot } from 'graphene-pk11'
import type { Handle, PKCS11 } from 'pkcs11js'
import { graphene } from './graphene.ts'

/**
 * One session that is worked with. A session that saw any error is closed and never used again: after a failed C_Sign
 * it may say CKR_OPERATION_ACTIVE for ever.
 */
export class WorkSession {
  readonly lib: PKCS11
  readonly #slot: Slot
  readonly #onDiscard: () => void
  #session: Session | undefined

  constructor(module: Module, slot: Slot, onDiscard: () => void = () => undefined) {
    this.lib = module.lib
    this.#slot = slot
    this.#onDiscard = onDiscard
  }

  /** Runs `work` with an open session; what it throws is thrown on, and costs the session. */
  use<T>(work: (session: Handle, lib: PKCS11) => T): T {
    this.#session ??= openSession(this.#slot)
    try {
      return work(this.#session.handle, this.lib)
    } catch (error) {
      this.discard()
      throw error
    }
  }

  discard(): void {
    const session = this.#session
    this.#session = undefined
    this.#onDiscard()
    try {
      session?.close()
    } catch {
      // It was of no use already.
    }
  }
}

/** Read-write, since some makes have no read-only sessions. */
export function openSession(slot: Slot): Session {
  return slot.open(graphene.SessionFlag.RW_SESSION | graphene.SessionFlag.SERIAL_SESSION)
}
