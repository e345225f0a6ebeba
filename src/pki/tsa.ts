import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import type { Context } from '../context.ts'
import type { TimestampRecord } from '../db/timestamps.ts'
import { Refusal, unavailable } from '../refusal.ts'
import { permitForService, type Timed } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import { ClockRefusal, trustedTime } from './clock.ts'
import { timestampRequest, TimestampFailure, type Failure, type TimestampRequest } from './tsaRequest.ts'
import { granted, rejected, signedAttributes, timestampToken, tstInfo } from './tsaToken.ts'
import { forgetUnit, timestampUnit, type TimestampUnit } from './tsaUnit.ts'

/** A serial number: the time in milliseconds, and so many random octets. No counter that a restored backup would set back. */
const TIME_OCTETS = 6
const RANDOM_OCTETS = 10

export interface Asking {
  readonly request: TimestampRequest
  /** As the audit log names who asks, and whose turn it is in the token's queue; absent: nobody that is known. */
  readonly actor?: string
  readonly flow?: string
}

/** What the operator decided of timestamps. @throws Refusal 'not_implemented' */
export function timestampPolicy({ config }: Pick<Context, 'config'>): NonNullable<Config['tsa']> {
  if (config.tsa === undefined) throw new Refusal('not_implemented', 'There are no timestamps here')
  return config.tsa
}

/**
 * A timestamp: DER of a TimeStampToken (RFC 3161). Recorded as every signature is: its serial number is durable before the
 * time is taken, and the time is taken before the token is asked. One that was signed too late for its time is discarded.
 * @throws Refusal 'unavailable', a ClockRefusal where it is for the time
 */
export async function timestamp(ctx: Context, asking: Asking): Promise<Buffer> {
  const unit = await readyUnit(ctx)
  const stamp = new Stamp(ctx, unit, asking.request)
  const { actor, flow } = asking
  const permit = permitForService({
    key: unit.key,
    scheme: unit.signer.scheme,
    messages: [],
    act: 'timestamp',
    subjects: [`certificate:${unit.certificateId}`],
    ...(actor === undefined ? {} : { actor }),
    ...(flow === undefined ? {} : { flow }),
    timed: stamp,
  })
  const [signature] = await sign(ctx, permit).catch((error: unknown) => {
    forgetUnit(ctx)
    throw error
  })
  if (signature === undefined) throw new Error('no signature')
  return stamp.token(signature)
}

/** Nothing is reserved while nobody knows the time, or nobody may sign it. */
async function readyUnit(ctx: Context): Promise<TimestampUnit> {
  trustedTime(ctx)
  const unit = await timestampUnit(ctx)
  checkSigns(ctx, unit)
  return unit
}

/** @returns the time. @throws Refusal */
function checkSigns(ctx: Context, unit: TimestampUnit): number {
  const now = trustedTime(ctx)
  if (now > unit.signsUntil) throw unavailable("The time-stamping unit's key signs no more")
  return now
}

class Stamp implements Timed {
  readonly record: TimestampRecord
  readonly #ctx: Context
  readonly #unit: TimestampUnit
  readonly #request: TimestampRequest
  #made: { readonly genTime: Date; readonly at: number; tst: Buffer; attributes: Buffer } | undefined

  constructor(ctx: Context, unit: TimestampUnit, request: TimestampRequest) {
    this.#ctx = ctx
    this.#unit = unit
    this.#request = request
    const { hash, imprint } = request
    this.record = { serial: newSerial(ctx), certificateId: unit.certificateId, hash, imprint }
  }

  make(): Buffer {
    if (this.#made !== undefined) throw new Error('a timestamp is made once')
    const { policy, accuracyMs, qualified } = timestampPolicy(this.#ctx)
    const at = performance.now()
    const genTime = new Date(checkSigns(this.#ctx, this.#unit))
    const { messageImprint, nonce } = this.#request
    const { serial } = this.record
    const { signer } = this.#unit
    const tst = tstInfo(signer, { policy, messageImprint, nonce, serial, genTime, accuracyMs, qualified })
    const attributes = signedAttributes(signer, tst)
    this.#made = { genTime, at, tst, attributes }
    return attributes
  }

  get genTime(): Date {
    return this.#whole().genTime
  }

  isLate(): boolean {
    return performance.now() - this.#whole().at > timestampPolicy(this.#ctx).accuracyMs
  }

  /** @param signature as the token gives it */
  token(signature: Buffer): Buffer {
    const { tst, attributes } = this.#whole()
    const { certReq: withCertificates } = this.#request
    return timestampToken(this.#unit.signer, { tst, attributes, signature, withCertificates })
  }

  #whole() {
    if (this.#made === undefined) throw new Error('the timestamp is not made yet')
    return this.#made
  }
}

function newSerial(ctx: Context): Buffer {
  const serial = Buffer.alloc(TIME_OCTETS + RANDOM_OCTETS)
  serial.writeUIntBE(Math.max(0, Math.floor(ctx.clock())), 0, TIME_OCTETS)
  randomBytes(RANDOM_OCTETS).copy(serial, TIME_OCTETS)
  return serial
}

export interface TimestampAnswer {
  /** DER of a TimeStampResp. */
  readonly body: Buffer
  /** Undefined: there is a timestamp in it. */
  readonly failure?: Failure
}

/** What a TimeStampReq is answered, whatever it is. @throws what is a bug */
export async function timestampAnswer(ctx: Context, query: Buffer): Promise<TimestampAnswer> {
  try {
    const request = timestampRequest(query, timestampPolicy(ctx))
    return { body: granted(await timestamp(ctx, { request })) }
  } catch (error) {
    const failed = failureOf(error)
    if (failed === undefined) throw error
    return refusing(failed)
  }
}

/** No timestamp, and why not. */
export function refusing({ failure, message }: TimestampFailure): TimestampAnswer {
  return { body: rejected(failure, message), failure }
}

function failureOf(error: unknown): TimestampFailure | undefined {
  if (error instanceof TimestampFailure) return error
  if (error instanceof ClockRefusal) return new TimestampFailure('timeNotAvailable', error.message)
  return error instanceof Refusal ? new TimestampFailure('systemFailure', error.message) : undefined
}
