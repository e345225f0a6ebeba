import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { certificateChain, newestCertificate } from '../db/certificates.ts'
import type { Database } from '../db/database.ts'
import { oneAtATime } from '../db/startLock.ts'
import { keyEnd, profiles } from './profiles.ts'
import { makeServiceSigner, serviceSigner, type ServiceSigner } from './serviceSigner.ts'
import { schemeOf } from './tbsCertificate.ts'
import { timestampSigner, type TimestampSigner } from './tsaToken.ts'

const DAY_MS = 86_400_000
/** Before a unit's key signs no more, another one has taken over; so long is there to mend what keeps it from being made. */
const ROLL_OVER_MS = 30 * DAY_MS
/** What another replica made, or an operator revoked, is known after this. */
const KNOWN_MS = 10_000

/** A time-stamping unit: a key, and until when it signs. */
export interface TimestampUnit {
  readonly certificateId: string
  readonly key: Sealed<KeyRecord>
  readonly signer: TimestampSigner
  /** Milliseconds since 1970. */
  readonly signsUntil: number
}

const known = new WeakMap<Database, { readonly until: number; readonly unit: Promise<TimestampUnit> }>()

/** The unit that signs now; made where there is none, and in time before the last one ends, by one replica. */
export function timestampUnit(ctx: Context): Promise<TimestampUnit> {
  const now = performance.now()
  const last = known.get(ctx.db)
  if (last !== undefined && last.until > now) return last.unit
  const unit = loadUnit(ctx)
  known.set(ctx.db, { until: now + KNOWN_MS, unit })
  unit.catch(() => forgetUnit(ctx))
  return unit
}

/** It did not serve: the next one who asks looks anew. */
export function forgetUnit(ctx: Context): void {
  known.delete(ctx.db)
}

async function loadUnit(ctx: Context): Promise<TimestampUnit> {
  const { certificateId, key, notBefore, notAfter } = await currentSigner(ctx)
  const chain = await certificateChain(ctx.db, certificateId)
  // Whoever relies on a timestamp has the root from elsewhere.
  const signer = timestampSigner(schemeOf(key), chain.length > 1 ? chain.slice(0, -1) : chain)
  return { certificateId, key, signer, signsUntil: endOf({ notBefore, notAfter }) }
}

async function currentSigner(ctx: Context): Promise<ServiceSigner> {
  const current = await serviceSigner(ctx, 'tsu')
  if (!isEnding(ctx, current)) return current
  try {
    await oneAtATime(ctx.db, async () => {
      const newest = await newestCertificate(ctx.db, 'tsu')
      if (newest === undefined || isEnding(ctx, newest)) await makeServiceSigner(ctx, 'tsu')
    })
  } catch (error) {
    ctx.log.warn({ err: error }, 'the next time-stamping unit is not made yet; it is tried again')
    return current
  }
  return serviceSigner(ctx, 'tsu')
}

type Period = Pick<ServiceSigner, 'notBefore' | 'notAfter'>

const isEnding = (ctx: Context, period: Period): boolean => ctx.clock() > endOf(period) - ROLL_OVER_MS

const endOf = ({ notBefore, notAfter }: Period): number =>
  (keyEnd(profiles.tsu, notBefore) ?? notAfter).getTime()
