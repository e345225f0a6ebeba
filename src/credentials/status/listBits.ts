/** Lists of others, as octets: unpacked with a limit, and read at an index. */
import { gunzipSync, inflateSync } from 'node:zlib'
import { fromBase64url } from '../../signing/base64url.ts'
import { Flaw } from '../../signing/flaw.ts'
import { MIN_LENGTH } from './statusBits.ts'

/** 16 Mi entries of one bit. What claims to be more is not unpacked: a kilobyte can be made to claim a megabyte. */
const MAX_OCTETS = 2 * 1024 * 1024

export interface ListBits {
  readonly octets: Buffer
  /** Bits of an entry: 1, 2, 4 or 8. */
  readonly bits: number
  /** Where in its octet the first entry stands. */
  readonly first: 'highest' | 'lowest'
}

/** The value at an index. @returns undefined where the list has no such entry */
export function valueAt({ octets, bits, first }: ListBits, index: number): number | undefined {
  const perOctet = 8 / bits
  const octet = octets[Math.floor(index / perOctet)]
  if (octet === undefined) return undefined
  const place = index % perOctet
  return (octet >> (bits * (first === 'lowest' ? place : perOctet - 1 - place))) & (2 ** bits - 1)
}

/**
 * `encodedList` of a Bitstring Status List (1.0, 2.2 and 3.3): multibase `u`, gzip.
 * @throws Flaw 'malformed'; 'status-list-too-short' below the entries that every list must have
 */
export function bitstringOf(encodedList: unknown): ListBits {
  const packed =
    typeof encodedList === 'string' && encodedList.startsWith('u')
      ? fromBase64url(encodedList.slice(1))
      : undefined
  if (packed === undefined) throw new Flaw('malformed', 'encodedList: not in base64url, as multibase')
  const octets = unpacked('encodedList', () => gunzipSync(packed, { maxOutputLength: MAX_OCTETS }))
  if (octets.length * 8 < MIN_LENGTH)
    throw new Flaw('status-list-too-short', `encodedList: fewer than ${String(MIN_LENGTH)} entries`)
  return { octets, bits: 1, first: 'highest' }
}

/** The claim `status_list` of a status list token (Token Status List, 4.2). @throws Flaw 'malformed' */
export function tokenListOf({ bits, lst }: { readonly bits?: unknown; readonly lst?: unknown }): ListBits {
  if (bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8)
    throw new Flaw('malformed', 'status_list.bits: not 1, 2, 4 or 8')
  const packed = typeof lst === 'string' ? fromBase64url(lst) : undefined
  if (packed === undefined) throw new Flaw('malformed', 'status_list.lst: not in base64url')
  const octets = unpacked('status_list.lst', () => inflateSync(packed, { maxOutputLength: MAX_OCTETS }))
  return { octets, bits, first: 'lowest' }
}

function unpacked(member: string, unpack: () => Buffer): Buffer {
  try {
    return unpack()
  } catch (error) {
    const isLong = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    throw new Flaw('malformed', `${member}: ${isLong ? 'unpacks to more than 2 MiB' : 'cannot be unpacked'}`)
  }
}
