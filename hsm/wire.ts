/**
 * The wire between the service and a signer process: u32 length ‖ u32 id ‖ u8 operation or status ‖ payload, big
 * endian; the length counts what follows it. Both sides check every bound: neither trusts the other to be intact.
 */
import { WireError } from './payload.ts'

/** A message that does not fit goes in parts; of those only revocation lists come near. */
export const MAX_FRAME = 8 * 1024 * 1024
/** Inputs of one sign or verify frame. More would let one request hold a signer for too long. */
export const MAX_INPUTS = 16
/** One message to sign: a frame less what goes with it. */
export const MAX_MESSAGE = MAX_FRAME - 1024 * 1024
/** One message that is hashed by parts: a revocation list of two million entries. */
export const MAX_LONG_MESSAGE = 128 * 1024 * 1024
/** Octets of a part: a signer is back for others within some milliseconds. */
export const MAX_PART = 1024 * 1024
/** Digests of one authorisation: ten times the largest request that the service is configured for by default. */
export const MAX_DIGESTS = 10_000
/** Octets of all digests of one authorisation: a signer that does not have it gets it with a frame. */
export const MAX_AUTHORISED = 768 * 1024

/** Octets before the payload. */
const HEAD = 9
export const MAX_PAYLOAD = MAX_FRAME - HEAD

export const OP = {
  start: 1,
  login: 2,
  generate: 3,
  describe: 4,
  list: 5,
  destroy: 6,
  random: 7,
  mac: 8,
  activate: 9,
  sign: 10,
  verify: 11,
  probe: 12,
  canary: 13,
  open: 14,
  check: 15,
  verifier: 16,
  extend: 17,
  hash: 18,
  signHashed: 19,
} as const
export type Operation = keyof typeof OP

/**
 * refused: a definite no. unavailable: nothing was signed. unknown: something may have been. leaving: nothing was signed,
 * and this signer does nothing more: its token is gone, and only another process with another login recovers.
 * forgotten: nothing was done, for a record was named that this signer does not have.
 */
export const STATUS = { ok: 0, refused: 1, unavailable: 2, unknown: 3, leaving: 4, forgotten: 5 } as const

export interface Frame {
  readonly id: number
  /** Operation in a request, status in an answer. */
  readonly code: number
  readonly payload: Buffer
}

/** @throws WireError if the payload is longer than a frame may be. */
export function frame(id: number, code: number, payload: Buffer): Buffer {
  const length = HEAD - 4 + payload.length
  if (length > MAX_FRAME) throw new WireError(`a frame of ${length} octets`)
  const whole = Buffer.allocUnsafe(HEAD + payload.length)
  whole.writeUInt32BE(length, 0)
  whole.writeUInt32BE(id, 4)
  whole[8] = code
  payload.copy(whole, HEAD)
  return whole
}

/** Cuts a stream into frames. */
export class FrameSplitter {
  #held: Buffer[] = []
  #length = 0
  /** Octets wanted before looking again: a large frame that comes in pieces is put together once. */
  #wanted = HEAD

  /**
   * @returns the frames that are whole now. Payloads share memory with what was read.
   * @throws WireError for a length that no frame has. The stream is of no use after that.
   */
  push(chunk: Buffer): Frame[] {
    this.#held.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#wanted) return []
    const data = this.#held.length === 1 ? chunk : Buffer.concat(this.#held)
    const frames: Frame[] = []
    let at = 0
    this.#wanted = HEAD
    while (data.length - at >= HEAD) {
      const length = data.readUInt32BE(at)
      if (length < HEAD - 4 || length > MAX_FRAME) throw new WireError(`a frame of ${length} octets`)
      if (data.length - at < length + 4) {
        this.#wanted = length + 4
        break
      }
      frames.push({
        id: data.readUInt32BE(at + 4),
        code: data.readUInt8(at + 8),
        payload: data.subarray(at + HEAD, at + 4 + length),
      })
      at += length + 4
    }
    this.#held = at === data.length ? [] : [data.subarray(at)]
    this.#length = data.length - at
    return frames
  }
}
