import { createHash, type Hash } from 'node:crypto'
import type { HashRow } from '../algorithms.ts'
import { beginsDerSequence } from '../der.ts'
import { MAX_LONG_MESSAGE } from '../wire.ts'
import { refuse } from './answer.ts'

/** Octets of the name that the service gives a message: random. */
export const HASHING_NAME = 16
/** Messages that are being hashed at once; the oldest goes for another. One is enough for a service that is well. */
const MAX_HASHING = 8

/** A part of a message, in its place. */
export interface Part {
  readonly hash: HashRow
  /** Octets of the whole message. */
  readonly length: number
  readonly at: number
  readonly octets: Buffer
}

interface Hashed {
  readonly hash: HashRow
  readonly length: number
  readonly hasher: Hash
  /** By its first octets and its length. */
  readonly isDerSequence: boolean
  at: number
}

/**
 * Messages that are too long for a frame: they come by parts and are hashed here, so that what is signed is the hash of
 * octets that this process has seen, all of them, and no caller's digest.
 */
export class Hashing {
  readonly #messages = new Map<string, Hashed>()

  /** @throws Failure 'rule' for a part that does not follow the one before: the message is of no use any more. */
  add(name: string, part: Part): void {
    const { hash, length, at, octets } = part
    const message = at === 0 ? this.#begin(name, part) : this.#messages.get(name)
    const follows =
      message?.at === at &&
      message.hash === hash &&
      message.length === length &&
      octets.length > 0 &&
      at + octets.length <= length
    if (!follows) {
      this.#messages.delete(name)
      throw refuse('rule', 'A part of a message is not the next one.')
    }
    message.hasher.update(octets)
    message.at += octets.length
  }

  /**
   * The digest of a whole message, once.
   * @throws Failure 'rule' if it is not whole, not a DER SEQUENCE, or was hashed otherwise
   */
  take(name: string, hash: HashRow | undefined): Buffer {
    const message = this.#messages.get(name)
    this.#messages.delete(name)
    if (message === undefined || message.at !== message.length)
      throw refuse('rule', 'There is no such message.')
    if (message.hash !== hash) throw refuse('rule', 'The message was hashed otherwise.')
    if (!message.isDerSequence) throw refuse('rule', 'What comes by parts is a DER SEQUENCE.')
    return message.hasher.digest()
  }

  #begin(name: string, { hash, length, octets }: Part): Hashed {
    if (length > MAX_LONG_MESSAGE) {
      throw refuse('rule', `A message is longer than ${MAX_LONG_MESSAGE} octets.`)
    }
    const isDerSequence = beginsDerSequence(octets, length)
    const message = { hash, length, hasher: createHash(hash.node), isDerSequence, at: 0 }
    // A name that is used again begins anew.
    this.#messages.delete(name)
    this.#messages.set(name, message)
    const [oldest] = this.#messages.keys()
    if (this.#messages.size > MAX_HASHING && oldest !== undefined) this.#messages.delete(oldest)
    return message
  }
}
