/**
 * The wire between the service and a signer process: u32 length ‖ u32 id ‖ u8 operation or status ‖ payload, big
 * endian; the length counts what follows it. Both sides check every bound: neither trusts the other to be intact.
 */

/** A certificate revocation list of some 200,000 entries still fits; nothing else comes near. */
export const MAX_FRAME = 8 * 1024 * 1024
/** Inputs of one sign or verify frame. More would let one request hold a signer for too long. */
export const MAX_INPUTS = 16
/** One message to sign: a frame less what goes with it. */
export const MAX_MESSAGE = MAX_FRAME - 1024 * 1024
/** Digests of one authorisation: ten times the largest request that the service is configured for by default. */
export const MAX_DIGESTS = 10_000
/** Octets of all digests of one authorisation: it goes with each frame. */
export const MAX_AUTHORISED = 768 * 1024
/** Octets of a name, an id or a sentence. */
const MAX_TEXT = 4096

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
} as const
export type Operation = keyof typeof OP

/**
 * refused: a definite no. unavailable: nothing was signed. unknown: something may have been. leaving: nothing was signed,
 * and this signer does nothing more: its token is gone, and only another process with another login recovers.
 */
export const STATUS = { ok: 0, refused: 1, unavailable: 2, unknown: 3, leaving: 4 } as const

/** What came over the wire is not what the other side would have sent. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

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

/** Puts a payload together. */
export class Writer {
  #buffer: Buffer
  #at = 0

  constructor(size = 256) {
    this.#buffer = Buffer.allocUnsafe(size)
  }

  u8(value: number): this {
    this.#room(1)
    this.#at = this.#buffer.writeUInt8(value, this.#at)
    return this
  }

  u32(value: number): this {
    this.#room(4)
    this.#at = this.#buffer.writeUInt32BE(value, this.#at)
    return this
  }

  /** A safe, non-negative integer. */
  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new WireError('not a safe integer')
    this.#room(8)
    this.#at = this.#buffer.writeBigUInt64BE(BigInt(value), this.#at)
    return this
  }

  bytes(value: Buffer): this {
    this.u32(value.length)
    this.#room(value.length)
    this.#at += value.copy(this.#buffer, this.#at)
    return this
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'))
  }

  list(items: readonly Buffer[]): this {
    this.u32(items.length)
    for (const item of items) this.bytes(item)
    return this
  }

  /** 0, or 1 and what `write` writes. */
  optional<T>(value: T | undefined, write: (value: T) => unknown): this {
    this.u8(value === undefined ? 0 : 1)
    if (value !== undefined) write(value)
    return this
  }

  end(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #room(more: number): void {
    if (this.#at + more <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + more))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }
}

/** Takes a payload apart. Every method throws WireError rather than read beyond the end or above a limit. */
export class Reader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  u8(): number {
    return this.#take(1).readUInt8(0)
  }

  u32(): number {
    return this.#take(4).readUInt32BE(0)
  }

  integer(): number {
    const value = this.#take(8).readBigUInt64BE(0)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError('not a safe integer')
    return Number(value)
  }

  /** Shares memory with the frame. */
  bytes(limit: number): Buffer {
    const length = this.u32()
    if (length > limit) throw new WireError(`a field of ${length} octets where ${limit} are the most`)
    return this.#take(length)
  }

  /** Exactly so many octets. */
  exactly(length: number): Buffer {
    const value = this.bytes(length)
    if (value.length !== length) throw new WireError(`a field of ${value.length} octets instead of ${length}`)
    return value
  }

  text(limit = MAX_TEXT): string {
    return this.bytes(limit).toString('utf8')
  }

  /** At most `count` items of at most `limit` octets. */
  list(count: number, limit: number): Buffer[] {
    const length = this.u32()
    if (length > count) throw new WireError(`a list of ${length} where ${count} are the most`)
    return Array.from({ length }, () => this.bytes(limit))
  }

  optional<T>(read: () => T): T | undefined {
    const present = this.u8()
    if (present > 1) throw new WireError('neither absent nor present')
    return present === 1 ? read() : undefined
  }

  /** One of the names of a table. */
  name<Name extends string>(table: Readonly<Record<Name, unknown>>): Name {
    const name = this.text(64)
    if (!Object.hasOwn(table, name)) throw new WireError('a name that the table lacks')
    return name as Name
  }

  /** Nothing may be left over. */
  end(): void {
    if (this.#at !== this.#buffer.length)
      throw new WireError(`${this.#buffer.length - this.#at} octets left over`)
  }

  #take(length: number): Buffer {
    if (this.#buffer.length - this.#at < length) throw new WireError('a payload that ends too early')
    this.#at += length
    return this.#buffer.subarray(this.#at - length, this.#at)
  }
}
