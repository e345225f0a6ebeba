import type { SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import type { CertificateRow } from '../db/certificates.ts'
import { findKey, keyRecord } from '../db/keys.ts'
import { findResponder } from '../db/ocsp.ts'
import { oneAtATime } from '../db/startLock.ts'
import { unavailable, type Refusal } from '../refusal.ts'
import { likelyTime } from './clock.ts'
import { issuerOf } from './issuers.ts'
import type { Authority } from './ocspAuthorities.ts'
import { makeServiceSigner } from './serviceSigner.ts'
import { schemeOf } from './tbsCertificate.ts'

/** Who signs answers about an authority's certificates: delegated by it (RFC 6960, 4.2.2.2). */
export interface Responder {
  readonly certificateId: string
  /** DER. */
  readonly certificate: Buffer
  readonly key: Sealed<KeyRecord>
  readonly scheme: SchemeName
  readonly notAfter: Date
}

/** How long one is used until it is looked whether there is a newer one, or it is not to be used any more. */
const BELIEVED_MS = 5_000

/** Strangers ask for responders: one that could not be made is not tried again for each of them. */
const MAKE_AGAIN_MS = 10_000

/** The responders that sign now: one for each authority, made when it is first needed. */
export class Responders {
  readonly #ctx: Context
  readonly #known = new Map<string, { readonly responder: Responder; readonly at: number }>()
  readonly #finding = new Map<string, Promise<Responder>>()
  #failedAt = -Infinity

  constructor(ctx: Context) {
    this.#ctx = ctx
  }

  /** @throws Refusal unavailable */
  async of(authority: Authority): Promise<Responder> {
    const { id } = authority.row
    const known = this.#known.get(id)
    if (known !== undefined && performance.now() - known.at < BELIEVED_MS) return known.responder
    const finding =
      this.#finding.get(id) ??
      this.#find(authority).finally(() => {
        this.#finding.delete(id)
      })
    this.#finding.set(id, finding)
    return finding
  }

  /** A certificate of one was revoked: whoever signs next is looked for. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * Where half of the life of an authority's responder is over, there is a new one from here on; answers of the old one
   * stay good. Authorities that nobody ever asked about have none.
   */
  async rollOver(authority: Authority): Promise<void> {
    const isDue = async (): Promise<boolean> => {
      const row = await findResponder(this.#ctx.db, authority.row.id)
      return row !== undefined && likelyTime(this.#ctx) > middleOf(row)
    }
    if (!(await isDue())) return
    await oneAtATime(this.#ctx.db, async () => {
      if (await isDue()) await this.#make(authority)
    })
    this.forget()
  }

  async #find(authority: Authority): Promise<Responder> {
    const { db } = this.#ctx
    const at = performance.now()
    const { id } = authority.row
    let row = await findResponder(db, id)
    if (row === undefined) {
      await oneAtATime(db, async () => {
        if ((await findResponder(db, id)) === undefined) await this.#make(authority)
      })
      row = await findResponder(db, id)
    }
    const key = row && (await findKey(db, row.keyId))
    if (row === undefined || key === undefined) throw new Error('there is no responder')
    const record = keyRecord(key)
    const responder = {
      certificateId: row.id,
      certificate: row.der,
      key: record,
      scheme: schemeOf(record),
      notAfter: row.notAfter,
    }
    this.#known.set(id, { responder, at })
    return responder
  }

  async #make({ row }: Authority): Promise<void> {
    if (performance.now() - this.#failedAt < MAKE_AGAIN_MS) throw notMade()
    try {
      await makeServiceSigner(this.#ctx, 'ocsp', await issuerOf(this.#ctx, row))
    } catch (error) {
      this.#failedAt = performance.now()
      this.#ctx.log.error({ err: error }, 'no OCSP responder could be made; it is tried again soon')
      throw notMade(error)
    }
  }
}

const notMade = (cause?: unknown): Refusal => unavailable('There is no OCSP responder at the moment', cause)

const middleOf = ({ notBefore, notAfter }: CertificateRow): number =>
  (notBefore.getTime() + notAfter.getTime()) / 2
