/** How payloads of the wire are put together and taken apart. */

/** Octets of a name, an id or a sentence. */
const MAX_TEXT = 4096

/** What came over the wire is not what the other side would have sent. */
export class WireError extends Error {
  override readonly name = 'WireError'
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
    const length = Buffer.byteLength(value, 'utf8')
    this.u32(length)
    this.#room(length)
    this.#at += this.#buffer.write(value, this.#at, 'utf8')
    return this
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
