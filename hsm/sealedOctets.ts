import { hash } from 'node:crypto'
import type { Reader, Writer } from './payload.ts'

/** Octets of a name: SHA-256. */
const NAME = 32

/** A sealed record as it came over the wire: whole, or by the name of one that this signer has found good. */
export type Reference = { readonly octets: Buffer } | { readonly name: string }

/** The name of a record, by its content: an altered record has another one. */
export const nameOf = (octets: Buffer): string => hash('sha256', octets, 'binary')

/** A sealed record on its way to the signers: whole the first time, then by name. */
export class SealedOctets {
  readonly octets: Buffer
  #name: Buffer | undefined
  /** Whom it was sent to whole, and who are not known to have forgotten it. */
  #holders: readonly Holder[] = []

  constructor(octets: Buffer) {
    this.octets = octets
  }

  /** Frames reach a signer in the order they are written here, so what was sent once may be named from then on. */
  write(w: Writer, to: Holder): void {
    if (this.#holders.includes(to)) {
      this.#name ??= Buffer.from(nameOf(this.octets), 'latin1')
      w.u8(1).bytes(this.#name)
      return
    }
    this.#holders = [...this.#holders.filter(({ isDead }) => !isDead), to]
    writeWhole(w, this.octets)
  }

  /** A signer says that it has no such record: it never found it good, or has let it go for others. */
  forgottenBy(signer: Holder): void {
    this.#holders = this.#holders.filter((holder) => holder !== signer)
  }
}

/** A signer process. */
interface Holder {
  readonly isDead: boolean
}

export function writeWhole(w: Writer, octets: Buffer): Writer {
  return w.u8(0).bytes(octets)
}

export function readReference(r: Reader, limit: number): Reference {
  return r.u8() === 0 ? { octets: r.bytes(limit) } : { name: r.exactly(NAME).toString('latin1') }
}

const known = new WeakMap<object, SealedOctets>()

/** What goes over the wire for a record, made once for each record object. Records are never altered in place. */
export function sealedOctets<T extends object>(record: T, encode: (record: T) => Buffer): SealedOctets {
  const before = known.get(record)
  if (before !== undefined) return before
  const made = new SealedOctets(encode(record))
  known.set(record, made)
  return made
}
