/** Certificate revocation lists (RFC 5280, 5), written for a million entries. */
import { derHeader } from '../../hsm/der.ts'
import { schemes, type SchemeName } from '../../hsm/algorithms.ts'
import { TAG } from '../der/tags.ts'
import {
  certificateTime,
  context,
  enumerated,
  extension,
  generalizedTime,
  primitive,
  sequence,
  smallInteger,
} from '../der/write.ts'
import { authorityKeyIdentifier, signatureBits } from './extensions.ts'
import { OID } from './oids.ts'
import { signatureValue } from './tbsCertificate.ts'

const VERSION_2 = 1
/** Octets before the entries: versions, names, times, and what they stand in. A Name is some hundred. */
const HEAD_ROOM = 16 * 1024
/** And after them: extensions and a signature. */
const TAIL_ROOM = 16 * 1024
/** An entry with a serial of 16 octets, a time before 2050 and a reason has 49. */
const ENTRY_OCTETS = 49
/** Of an entry beside its serial, at most: headers 2 + 2, a leading zero, GeneralizedTime 17, reason 14. */
const ENTRY_REST = 36
const MAX_SERIAL = 64
const DAY_S = 86_400
const ZERO = 0x30
const Z = 0x5a

/** Everything about a list but its entries. */
export interface ListHead {
  readonly scheme: SchemeName
  /** DER of the Name. */
  readonly issuer: Buffer
  /** DER of the SubjectPublicKeyInfo. */
  readonly issuerSpki: Buffer
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly number: number
  /** Of a shard: where it is found, as the certificates in it say (RFC 5280, 5.2.5). */
  readonly uri: string | undefined
  /** Certificates that expired after this stay in the list (X.509, 9.5.2.8). */
  readonly expiredSince: Date
}

/** What the times of a day begin with. */
interface Day {
  readonly tag: number
  readonly date: Buffer
}

/**
 * Puts a list together in one piece of memory: entries are appended as they come from the database, what stands before
 * them is written backwards from the first one, and what comes after follows the last. Nothing of it is ever copied, but
 * for a list that turns out to be longer than expected.
 */
export class CrlWriter {
  #buffer: Buffer
  #at = HEAD_ROOM
  #start = HEAD_ROOM
  #entries = 0
  #scheme: SchemeName | undefined
  /**
   * By the day since 1970. Serials are random, so entries that follow each other share no day, and to write a date takes
   * ten times what the rest of an entry does; in all, there are no more days than an authority lives.
   */
  readonly #days = new Map<number, Day>()

  /** @param expected entries */
  constructor(expected = 0) {
    this.#buffer = Buffer.allocUnsafe(HEAD_ROOM + expected * ENTRY_OCTETS + TAIL_ROOM)
  }

  get entries(): number {
    return this.#entries
  }

  /**
   * Appends entries: each u16 length of the serial ‖ serial ‖ i64 seconds since 1970 ‖ i16 CRLReason. As src/db/crls.ts
   * packs them, so that a million of them are never a million objects.
   */
  add(packed: Buffer): void {
    for (let from = 0; from < packed.length;) from = this.#entry(packed, from)
  }

  /** The TBSCertList (RFC 5280, 5.1.2). Entries are not added after this. */
  tbs(head: ListHead): Buffer {
    if (this.#scheme !== undefined) throw new Error('a list is written once')
    this.#scheme = head.scheme
    const entriesLength = this.#at - HEAD_ROOM
    const before = Buffer.concat([
      smallInteger(VERSION_2),
      schemes[head.scheme].algorithmIdentifier,
      head.issuer,
      certificateTime(head.thisUpdate),
      certificateTime(head.nextUpdate),
      // Absent where there is none (5.1.2.6).
      ...(this.#entries === 0 ? [] : [derHeader(TAG.SEQUENCE, entriesLength)]),
    ])
    this.#prepend(before)
    this.#append(listExtensions(head))
    this.#prepend(derHeader(TAG.SEQUENCE, this.#at - this.#start))
    return this.#whole()
  }

  /** The CertificateList. @param signature as the token gives it: r ‖ s for ECDSA. */
  signed(signature: Buffer): Buffer {
    const scheme = this.#scheme
    if (scheme === undefined) throw new Error('a list is written before it is signed')
    this.#append(schemes[scheme].algorithmIdentifier)
    this.#append(signatureBits(signatureValue(scheme, signature)))
    this.#prepend(derHeader(TAG.SEQUENCE, this.#at - this.#start))
    return this.#whole()
  }

  #whole(): Buffer {
    return this.#buffer.subarray(this.#start, this.#at)
  }

  /** The one that stands here. @returns where the next one does */
  #entry(packed: Buffer, from: number): number {
    const end = from + 2 + packed.readUInt16BE(from)
    if (end === from + 2 || end > from + 2 + MAX_SERIAL) throw new Error('not a serial')
    // The seconds of the next millions of years need six octets of the eight.
    if (packed.readUInt16BE(end) !== 0) throw new Error('not a time')
    this.#room(end - from + ENTRY_REST)
    const start = this.#at
    this.#at += 2
    this.#integer(packed, from + 2, end)
    this.#time(packed.readUIntBE(end + 2, 6))
    const reason = packed.readInt16BE(end + 8)
    // unspecified is said by saying nothing (5.3.1).
    if (reason !== 0) this.#few(REASONS[reason] ?? reasonExtension(reason))
    // Always below 128: the serial is bounded.
    this.#buffer[start] = TAG.SEQUENCE
    this.#buffer[start + 1] = this.#at - start - 2
    this.#entries++
    return end + 10
  }

  #integer(magnitude: Buffer, from: number, end: number): void {
    let first = from
    while (first < end - 1 && magnitude[first] === 0) first++
    const padding = (magnitude[first] ?? 0) >= 0x80 ? 1 : 0
    const buffer = this.#buffer
    buffer[this.#at++] = TAG.INTEGER
    buffer[this.#at++] = end - first + padding
    if (padding === 1) buffer[this.#at++] = 0
    for (let at = first; at < end; at++) buffer[this.#at++] = magnitude[at] ?? 0
  }

  #time(seconds: number): void {
    const day = Math.floor(seconds / DAY_S)
    const { tag, date } = this.#days.get(day) ?? this.#newDay(day)
    const second = seconds - day * DAY_S
    const buffer = this.#buffer
    buffer[this.#at++] = tag
    buffer[this.#at++] = date.length + 7
    this.#few(date)
    this.#twoDigits(Math.floor(second / 3600))
    this.#twoDigits(Math.floor(second / 60) % 60)
    this.#twoDigits(second % 60)
    buffer[this.#at++] = Z
  }

  /** For a few octets a loop is quicker than `copy`. */
  #few(octets: Buffer): void {
    for (let at = 0; at < octets.length; at++) this.#buffer[this.#at++] = octets[at] ?? 0
  }

  #newDay(day: number): Day {
    const written = certificateTime(new Date(day * DAY_S * 1000))
    // Without 000000Z.
    const made = { tag: written[0] ?? 0, date: written.subarray(2, -7) }
    this.#days.set(day, made)
    return made
  }

  #twoDigits(value: number): void {
    this.#buffer[this.#at++] = ZERO + Math.floor(value / 10)
    this.#buffer[this.#at++] = ZERO + (value % 10)
  }

  #append(octets: Buffer): void {
    this.#room(octets.length)
    this.#at += octets.copy(this.#buffer, this.#at)
  }

  #prepend(octets: Buffer): void {
    if (octets.length > this.#start) throw new Error('the head of a list is too long')
    this.#start -= octets.length
    octets.copy(this.#buffer, this.#start)
  }

  #room(more: number): void {
    if (this.#at + more <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(this.#buffer.length * 2 + more)
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }
}

/** crlEntryExtensions with a reasonCode (RFC 5280, 5.3.1). */
const reasonExtension = (reason: number): Buffer => sequence(extension(OID.cRLReason, enumerated(reason)))
const REASONS: readonly Buffer[] = Array.from({ length: 11 }, (_, reason) => reasonExtension(reason))

function listExtensions({ issuerSpki, number, uri, expiredSince }: ListHead): Buffer {
  return context(
    0,
    sequence(
      authorityKeyIdentifier(issuerSpki),
      extension(OID.cRLNumber, smallInteger(number)),
      ...(uri === undefined ? [] : [issuingDistributionPoint(uri)]),
      extension(OID.expiredCertsOnCRL, generalizedTime(expiredSince)),
    ),
  )
}

/** Critical: who does not know that a list is a part of a whole must not take it for the whole (RFC 5280, 5.2.5). */
function issuingDistributionPoint(uri: string): Buffer {
  const fullName = context(0, primitive(6, Buffer.from(uri, 'ascii')))
  return extension(OID.issuingDistributionPoint, sequence(context(0, fullName)), { critical: true })
}
