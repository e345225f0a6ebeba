import { createHash } from 'node:crypto'
import type { StoredAnswer } from '../db/ocsp.ts'

/** An answer that was signed ahead, as it is given out. */
export interface Ready {
  readonly der: Buffer
  /** As HTTP writes it. */
  readonly etag: string
  readonly signerId: string
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Milliseconds since 1970: from here on it is signed anew, if it was asked for. */
  readonly refreshAt: number
  /** Since it was signed, or was found. */
  wasAskedFor: boolean
}

/** Share of an answer's life after which it is signed anew: a half, and a little more, so that replicas take turns. */
const HALF = 0.5
const SPREAD = 0.1

export function ready({ der, signerId, thisUpdate, nextUpdate }: StoredAnswer): Ready {
  const life = nextUpdate.getTime() - thisUpdate.getTime()
  return {
    der,
    etag: `"${createHash('sha256').update(der).digest('hex').slice(0, 40)}"`,
    signerId,
    thisUpdate,
    nextUpdate,
    refreshAt: thisUpdate.getTime() + life * (HALF + SPREAD * Math.random()),
    wasAskedFor: false,
  }
}
