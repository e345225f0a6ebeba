import type { Context } from '../context.ts'
import { storeAnswer, type CertIdHash, type StatusRow } from '../db/ocsp.ts'
import { unavailable } from '../refusal.ts'
import { likelyTime, trustedTime } from './clock.ts'
import { Authorities, type Authority } from './ocspAuthorities.ts'
import { ready, type Ready } from './ocspReady.ts'
import { readOcspRequest, type CertId, type OcspRequest } from './ocspRequest.ts'
import { Responders, type Responder } from './ocspResponder.ts'
import {
  certId,
  ocspResponse,
  responseData,
  type CertStatus,
  type OcspError,
  type SingleResponse,
} from './ocspResponse.ts'
import { OcspSigning, type Lane } from './ocspSigning.ts'
import { Statuses, type Known } from './ocspStatuses.ts'

/** What is answered to a request. */
export type OcspAnswer =
  | { readonly error: OcspError }
  /** Signed ahead: anybody may keep it for a while. */
  | { readonly ready: Ready; readonly says: Said }
  /** Signed for this one request. */
  | { readonly der: Buffer; readonly says: Said }

/** For the metrics. */
export type Said = CertStatus['kind'] | 'several'

/** Signatures that are begun again because the certificate changed meanwhile. */
const TRIES = 3

/** Answers what the status of certificates is (RFC 6960, in the profile of RFC 5019). One for each context. */
export class Ocsp {
  readonly authorities: Authorities
  readonly responders: Responders
  readonly statuses: Statuses
  readonly #ctx: Context
  readonly #signing: OcspSigning
  /** Answers that are being signed ahead, by certificate and hash: who asks for the same waits for the same. */
  readonly #making = new Map<string, Promise<Ready | undefined>>()

  constructor(ctx: Context) {
    this.#ctx = ctx
    this.authorities = new Authorities(ctx)
    this.responders = new Responders(ctx)
    // A responder's certificate is one like others, and may be among those that changed.
    this.statuses = new Statuses(ctx, () => this.responders.forget())
    this.#signing = new OcspSigning(ctx)
  }

  /**
   * @param der an OCSPRequest, or whatever was sent for one
   * @throws Refusal unavailable, throttled: tryLater; while nobody knows the time, for all that is not signed yet
   */
  async answer(der: Buffer): Promise<OcspAnswer> {
    let request: OcspRequest
    try {
      request = readOcspRequest(der)
    } catch {
      return { error: 'malformedRequest' }
    }
    const [first, ...others] = request.certIds
    const authority = await this.authorities.find(first)
    // RFC 5019, 2.2.3: of somebody else's certificates we can say nothing that anybody would believe, since a responder
    // answers for the authority that it was delegated by. So nothing is signed about them.
    if (authority === undefined) return { error: 'unauthorized' }
    for (const other of others)
      if ((await this.authorities.find(other)) !== authority) return { error: 'unauthorized' }
    if (request.nonce !== undefined || others.length > 0) return this.#live(authority, request)
    const known = await this.#about(authority, first)
    if (known === undefined) return this.#live(authority, request)
    return this.#ahead(authority, first, known)
  }

  /** What is signed ahead about a certificate, signed anew. Another replica may have done that already. */
  async refresh(serial: Buffer, hash: CertIdHash): Promise<void> {
    const known = await this.statuses.reread(serial)
    if (known === undefined) return
    const held = known.answers.get(hash)
    if (held !== undefined && likelyTime(this.#ctx) < held.refreshAt) return
    const authority = await this.authorities.ofIssuer(known.row.issuerId)
    if (authority !== undefined) await this.#make(authority, { hash, serial }, known)
  }

  async #ahead(authority: Authority, id: CertId, first: Known): Promise<OcspAnswer> {
    const { hash, serial } = id
    if (hash === undefined) throw new Error('a hash that is not computed here')
    for (let known: Known | undefined = first, left = TRIES; left > 0; left--) {
      const held = known.answers.get(hash)
      const says = statusOf(known.row).kind
      if (held !== undefined && this.#isUsable(held)) {
        held.wasAskedFor = true
        return { ready: held, says }
      }
      const made = await this.#make(authority, { hash, serial }, known)
      if (made !== undefined) return { ready: made, says }
      this.statuses.forget(known)
      known = await this.#about(authority, id)
      if (known === undefined) break
    }
    throw unavailable('The certificate changes at the moment')
  }

  /** Longer than caches may keep it: what is given out does not end in them. */
  #isUsable({ nextUpdate }: Ready): boolean {
    return likelyTime(this.#ctx) + this.#ctx.config.ocsp.cacheSeconds * 1000 < nextUpdate.getTime()
  }

  #make(
    authority: Authority,
    of: { readonly hash: CertIdHash; readonly serial: Buffer },
    known: Known,
  ): Promise<Ready | undefined> {
    const name = `${known.row.id} ${known.row.version} ${of.hash}`
    const making =
      this.#making.get(name) ??
      this.#makeNow(authority, of, known).finally(() => {
        this.#making.delete(name)
      })
    this.#making.set(name, making)
    return making
  }

  /** Signs, and keeps it for all replicas. @returns undefined if the certificate changed meanwhile: then it says nothing */
  async #makeNow(
    authority: Authority,
    { hash, serial }: { readonly hash: CertIdHash; readonly serial: Buffer },
    known: Known,
  ): Promise<Ready | undefined> {
    trustedTime(this.#ctx)
    const responder = await this.responders.of(authority)
    const id = certId(hash, authority.hashes[hash], serial)
    const single = this.#single(id, { authority, responder, row: known.row })
    const { thisUpdate, nextUpdate } = single
    const der = await this.#sign('ahead', responder, { responses: [single], nonce: undefined })
    const { id: certificateId, version } = known.row
    const answer = { hash, signerId: responder.certificateId, thisUpdate, nextUpdate, der }
    // From here on every replica has it, and whoever revokes takes it away. If we die before: it is signed once more.
    if (!(await storeAnswer(this.#ctx.db, { ...answer, certificateId, version }))) return undefined
    const made = ready(answer)
    this.statuses.keep(known, hash, made)
    return made
  }

  async #live(authority: Authority, { certIds, nonce }: OcspRequest): Promise<OcspAnswer> {
    trustedTime(this.#ctx)
    const responder = await this.responders.of(authority)
    for (let left = TRIES; left > 0; left--) {
      const since = this.statuses.look
      const all = await Promise.all(certIds.map((id) => this.#about(authority, id)))
      const responses = certIds.map(({ whole }, index) =>
        this.#single(whole, { authority, responder, row: all[index]?.row }),
      )
      const der = await this.#sign('live', responder, { responses, nonce })
      // What was true when it was signed must still be so when it leaves.
      await this.statuses.fresh()
      if (!all.every((known) => known === undefined || this.statuses.isCurrent(known, since))) continue
      const [only] = responses
      return { der, says: responses.length === 1 && only !== undefined ? only.status.kind : 'several' }
    }
    throw unavailable('The certificate changes at the moment')
  }

  /** What is known of a certificate that was told of; undefined for one that was planned, or never was. */
  async #about(authority: Authority, { serial }: CertId): Promise<Known | undefined> {
    // Zero is no serial number (RFC 5280, 4.1.2.2).
    const known = serial.length === 0 ? undefined : await this.statuses.of(serial)
    return known && this.authorities.isOf(authority, known.row.issuerId) ? known : undefined
  }

  #single(id: Buffer, about: About): SingleResponse {
    const { row, authority, responder } = about
    const now = Math.floor(trustedTime(this.#ctx) / 1000) * 1000
    const nextUpdate = Math.min(
      now + this.#ctx.config.ocsp.answerSeconds * 1000,
      responder.notAfter.getTime(),
    )
    return {
      certId: id,
      status: row === undefined ? { kind: 'unknown' } : statusOf(row),
      thisUpdate: new Date(now),
      nextUpdate: new Date(nextUpdate),
      // EN 319 411-2, CSS-6.3.10-08: nothing is forgotten, so it reaches back to the authority's first day.
      archiveCutoff: row !== undefined && row.notAfter.getTime() < now ? authority.row.notBefore : undefined,
    }
  }

  async #sign(
    lane: Lane,
    responder: Responder,
    {
      responses,
      nonce,
    }: { readonly responses: readonly SingleResponse[]; readonly nonce: Buffer | undefined },
  ): Promise<Buffer> {
    const producedAt = new Date(trustedTime(this.#ctx))
    const tbs = responseData({ responderSpki: responder.key.spki, producedAt, responses, nonce })
    return ocspResponse(tbs, responder, await this.#signing.sign(lane, responder, tbs))
  }
}

interface About {
  readonly authority: Authority
  readonly responder: Responder
  /** Absent: there is no such certificate. */
  readonly row: StatusRow | undefined
}

/** Good is what is issued, and nothing else. */
function statusOf({ state, revokedAt, reason }: StatusRow): CertStatus {
  if (state === 'issued') return { kind: 'good' }
  // A time is always there; one that is not would mean: ever since.
  const at = revokedAt ?? new Date(0)
  if (state === 'revoked') return { kind: 'revoked', at, reason }
  if (state === 'suspended') return { kind: 'revoked', at, reason: 'certificateHold' }
  return { kind: 'unknown' }
}
