/** What relying parties fetch by addresses that stand in certificates: it is found quickly, and cached by everybody. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { findCertificate } from '../../db/certificates.ts'
import { PART_OCTETS } from '../../db/crls.ts'
import { currentList, listPart, type CurrentList } from '../../db/publishedLists.ts'
import { likelyTime } from '../../pki/clock.ts'
import { profiles, type ProfileRow } from '../../pki/profiles.ts'
import { matchesEtag } from '../http/etag.ts'

/** A list may be kept so long though there may be a newer one: relying parties of a revoked certificate wait no longer. */
const LIST_CACHE_S = 300
/** An authority's certificate never changes. */
const CERTIFICATE_CACHE_S = 86_400
/** Which list is the newest is asked once in so long, however many want it. */
const CURRENT_MS = 1_000
/** Addresses that are remembered: of others there is nothing. */
const MAX_CURRENT = 4_096
/** Lists in memory; one that is larger than a part of the store is read anew for each who wants it. */
const MAX_OCTETS = 64 * 1024 * 1024

/** Something to be sent, with what caches want to know. */
export interface Sent {
  readonly type: string
  readonly etag: string
  readonly lastModified: Date
  readonly maxAgeS: number
  readonly length: number
  readonly body: Buffer | (() => AsyncIterable<Buffer>)
}

/** Answers GET and HEAD, also conditional ones (RFC 9110, 13). */
export async function answer(request: Request, response: Response, sent: Sent): Promise<void> {
  response.setHeader('Cache-Control', `public, max-age=${String(sent.maxAgeS)}`)
  response.setHeader('ETag', sent.etag)
  response.setHeader('Last-Modified', sent.lastModified.toUTCString())
  if (isKnown(request, sent)) {
    response.status(304).end()
    return
  }
  response.setHeader('Content-Type', sent.type)
  response.setHeader('Content-Length', sent.length)
  if (request.method === 'HEAD') response.end()
  else if (Buffer.isBuffer(sent.body)) response.end(sent.body)
  // One that goes away in the middle is nobody's fault.
  else await pipeline(Readable.from(sent.body()), response).catch(() => undefined)
}

/**
 * Whether the caller has it already (RFC 9110, 13.1.2 and 13.1.3). Not Express's `fresh`: that sends everything again to whom
 * wants it from the origin, who has asked the origin.
 */
function isKnown({ headers }: Request, { etag, lastModified }: Sent): boolean {
  const wanted = headers['if-none-match']
  if (wanted !== undefined) return matchesEtag(wanted, etag)
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Math.floor(lastModified.getTime() / 1000) * 1000 <= since
}

export const etagOf = (octets: Buffer): string =>
  `"${createHash('sha256').update(octets).digest('hex').slice(0, 32)}"`

export class Published {
  readonly #ctx: Context
  readonly #certificates = new Map<string, Sent>()
  readonly #current = new Map<
    string,
    { readonly at: number; readonly list: Promise<CurrentList | undefined> }
  >()
  /** Octets of lists, the one that was wanted last at the end. */
  readonly #octets = new Map<string, { readonly length: number; readonly body: Promise<Buffer> }>()
  #held = 0

  constructor(ctx: Context) {
    this.#ctx = ctx
  }

  /** Of an authority; those of persons and services are handed out by nobody here. */
  async certificate(id: string): Promise<Sent | undefined> {
    const known = this.#certificates.get(id)
    if (known !== undefined) return known
    const row = await findCertificate(this.#ctx.db, id)
    const profile = (profiles as Readonly<Record<string, ProfileRow | undefined>>)[row?.profile ?? '']
    if (row === undefined || profile?.authority === undefined) return undefined
    const sent: Sent = {
      type: 'application/pkix-cert',
      etag: etagOf(row.der),
      lastModified: row.notBefore,
      maxAgeS: CERTIFICATE_CACHE_S,
      length: row.der.length,
      body: row.der,
    }
    this.#certificates.set(id, sent)
    return sent
  }

  async list(issuerId: string, shard: number | null): Promise<Sent | undefined> {
    const list = await this.#newest(issuerId, shard)
    if (list === undefined) return undefined
    const { thisUpdate, nextUpdate, octets, sha256, number } = list
    const left = Math.floor((nextUpdate.getTime() - likelyTime(this.#ctx)) / 1000)
    const isSmall = octets <= PART_OCTETS
    return {
      type: 'application/pkix-crl',
      etag: `"${String(number)}-${sha256.toString('hex').slice(0, 32)}"`,
      lastModified: thisUpdate,
      maxAgeS: Math.max(0, Math.min(LIST_CACHE_S, left)),
      length: octets,
      body: isSmall ? await this.#small(list) : () => this.#parts(list),
    }
  }

  #newest(issuerId: string, shard: number | null): Promise<CurrentList | undefined> {
    const key = `${issuerId} ${String(shard)}`
    const known = this.#current.get(key)
    const now = performance.now()
    if (known !== undefined && now - known.at < CURRENT_MS) return known.list
    if (this.#current.size > MAX_CURRENT) this.#current.clear()
    const list = currentList(this.#ctx.db, { issuerId, shard })
    this.#current.set(key, { at: now, list })
    list.catch(() => this.#current.delete(key))
    return list
  }

  #small(list: CurrentList): Promise<Buffer> {
    const key = `${list.listId} ${String(list.number)}`
    const known = this.#octets.get(key)
    const held = known ?? { length: list.octets, body: this.#part(list, 0) }
    if (known === undefined) this.#held += held.length
    this.#octets.delete(key)
    this.#octets.set(key, held)
    for (const oldest of this.#octets.keys()) {
      if (this.#held <= MAX_OCTETS) break
      this.#forget(oldest)
    }
    if (known === undefined) held.body.catch(() => this.#forget(key))
    return held.body
  }

  #forget(key: string): void {
    this.#held -= this.#octets.get(key)?.length ?? 0
    this.#octets.delete(key)
  }

  async *#parts(list: CurrentList): AsyncGenerator<Buffer> {
    for (let part = 0; part * PART_OCTETS < list.octets; part++) yield await this.#part(list, part)
  }

  async #part({ listId, number }: CurrentList, part: number): Promise<Buffer> {
    const octets = await listPart(this.#ctx.db, { listId, number, part })
    if (octets === undefined) throw new Error('a revocation list was replaced while it was read')
    return octets
  }
}
