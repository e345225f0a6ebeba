import { hash, randomUUID } from 'node:crypto'
import { TokenError } from '../../hsm/token.ts'
import type { Context } from '../context.ts'
import { beginAsynchronous, completeAsynchronous, postpone } from '../db/asynchronous.ts'
import { closeUnknown, complete, release } from '../db/completions.ts'
import { countedIn } from '../db/groupCommit.ts'
import { reserve, reserveForService, reserveWithKey } from '../db/reservations.ts'
import { completeTimestamp, reserveTimestamp } from '../db/timestamps.ts'
import { Refusal, unavailable } from '../refusal.ts'
import { entry, intentOf, refusedBy, resultOf, timedIntentOf } from './entries.ts'
import { noticeAltered, type Grant, type Permit, type Timed } from './permit.ts'
import { giveUp } from './recover.ts'
import { sha256 } from './sha256.ts'
import { step } from './step.ts'
import { tokenRefusal } from './tokenRefusal.ts'
import { noticeUnknown } from './unknown.ts'

/**
 * The life of a signature, one way for every face. Resolves with one signature for each of the permit's inputs, in
 * their order, as the token makes them (ECDSA: r ‖ s), each verified and recorded.
 * @throws Refusal as permitFromSad; 'unavailable' when the token or Postgres is away
 */
export function sign(ctx: Context, permit: Permit): Promise<Buffer[]> {
  return countedIn(ctx.db, () => live(ctx, permit))
}

async function live(ctx: Context, permit: Permit): Promise<Buffer[]> {
  // 1. Authorise. The permit is spent here, whatever follows. If we die: nothing was written, nothing is lost.
  const grant = permit.redeem()

  // 2. Reserve: transaction 1. If we die after it: these occurrences are burned, and closed as 'outcome unknown'. Those of
  // an asynchronous request were taken when it was accepted; its attempt is opened here, to the same effect. Those of a key
  // that was activated for nothing else were reserved with the activation.
  const attempt = grant.reserved ?? (await step(ctx, 'reserve', () => reserved(ctx, grant)))

  // 3. Sign, and 4. verify each signature with the stored public key: both inside the token layer, which lets nothing
  // out that did not verify. If we die here: burned as above, for the token may have signed.
  const signatures = await step(ctx, 'sign', () => signInToken(ctx, grant, attempt))

  // 5. Complete: transaction 2. If we die before it is durable: burned, and the signatures die with us. If we die
  // after it: the record stands, and the caller, who saw no answer, cannot use the authorisation again.
  const leaves = grant.timed?.isLate() !== true
  await step(ctx, 'complete', () => recordResult(ctx, grant, { attempt, signatures, leaves }))
  if (!leaves) {
    ctx.metrics.attempt('refused')
    throw unavailable('Signing took longer than the accuracy of the time allows')
  }
  ctx.metrics.signed(signatures.length, grant.askedAt)
  return signatures
}

/** @returns the attempt's id. */
function reserved(ctx: Context, grant: Grant): Promise<string> {
  return grant.accepted === undefined ? reserveInputs(ctx, grant) : begin(ctx, grant, grant.accepted)
}

async function reserveInputs(ctx: Context, grant: Grant): Promise<string> {
  const attempt = randomUUID()
  const { activated, inputs, recorded, timed } = grant
  if (timed !== undefined) return reserveTimed(ctx, grant, { attempt, timed })
  const digests = activated === undefined ? await Promise.all(inputs.map(sha256)) : (recorded ?? inputs)
  const intent = intentOf(grant, attempt, digests)
  const common = { attempt, instanceId: ctx.instanceId, intent }
  if (activated === undefined) {
    const reserved = await reserveForService(ctx.db, { keyId: grant.key.keyId, digests, ...common })
    if (!reserved) throw unavailable('The key of the service is not enabled')
    return attempt
  }
  const { authorisationId, digests: sealed } = activated.authorisation
  const named = sealed && (recorded ?? sealed)
  const reserving = activated.credential === undefined ? reserveWithKey : reserve
  const verdict = await reserving(ctx.db, { authorisationId, inputs: digests, named, ...common })
  if (verdict === 'reserved') return attempt
  await noticeAltered(ctx, verdict, { key: grant.key, ...activated })
  throw refusedBy(verdict)
}

/** A timestamp's serial number is taken for good; what will be signed is not known yet. */
async function reserveTimed(
  ctx: Context,
  grant: Grant,
  { attempt, timed }: { readonly attempt: string; readonly timed: Timed },
): Promise<string> {
  const { key } = grant
  const { record } = timed
  const intent = timedIntentOf(grant, attempt, record)
  const reserved = await reserveTimestamp(ctx.db, {
    ...record,
    attempt,
    keyId: key.keyId,
    instanceId: ctx.instanceId,
    intent,
  })
  if (!reserved) throw unavailable('The time-stamping unit does not serve')
  return attempt
}

/** An asynchronous request's attempt, which has its id. */
async function begin(ctx: Context, grant: Grant, attempt: string): Promise<string> {
  // For one that may not be signed any more: it ends here.
  const result = entry(grant, 'result', { signatureId: attempt, detail: { outcome: 'refused' } })
  const verdict = await beginAsynchronous(ctx.db, { attempt, result, instanceId: ctx.instanceId })
  if (verdict === 'begun') return attempt
  if (verdict === 'gone') throw new Refusal('conflict', "The request is somebody else's by now")
  ctx.metrics.attempt('refused')
  throw refusedBy(verdict)
}

async function signInToken(ctx: Context, grant: Grant, attempt: string): Promise<Buffer[]> {
  const { key, scheme, flow, activated } = grant
  try {
    // The time is taken here, as late as can be.
    const inputs = grant.timed === undefined ? grant.inputs : [grant.timed.make()]
    return await ctx.token.sign({ flow, key, scheme, inputs, ...activated })
  } catch (error) {
    await settle(ctx, grant, { attempt, error })
    throw tokenRefusal(ctx, error)
  }
}

/** What a failed attempt leaves behind: free again only if the token definitely signed nothing. */
async function settle(
  ctx: Context,
  grant: Grant,
  failed: { attempt: string; error: unknown },
): Promise<void> {
  const { attempt, error } = failed
  // An asynchronous request has time to wait for a token that is away, and nobody to ask again.
  if (grant.accepted !== undefined && error instanceof TokenError && error.kind === 'unavailable') {
    await postpone(ctx.db, attempt).catch(() => giveUp(ctx, attempt))
    return
  }
  // A refusal comes from what is ours, before the token is asked.
  const nothingSigned =
    error instanceof Refusal ||
    (error instanceof TokenError && (error.kind === 'refused' || error.kind === 'unavailable'))
  const outcome = nothingSigned ? 'refused' : 'unknown'
  const result = entry(grant, 'result', { signatureId: attempt, detail: { outcome } })
  try {
    await (nothingSigned ? release : closeUnknown)(ctx.db, { attempt, result })
    ctx.metrics.attempt(outcome)
    if (!nothingSigned) noticeUnknown(ctx, attempt)
  } catch (lost) {
    // Postgres is away as well: the attempt stays open, and recovery closes it as 'outcome unknown'.
    giveUp(ctx, attempt)
    ctx.log.warn({ err: lost, signature: attempt }, 'an attempt stays open until recovery closes it')
  }
}

async function recordResult(
  ctx: Context,
  grant: Grant,
  made: { attempt: string; signatures: readonly Buffer[]; leaves: boolean },
): Promise<void> {
  const { attempt } = made
  const recorded = await recording(ctx, grant, made).catch((error: unknown) => {
    // It may have been recorded all the same; if it was, recovery finds nothing to close.
    giveUp(ctx, attempt)
    throw error
  })
  if (!recorded) throw unavailable('The signature took too long to be recorded')
}

function recording(
  ctx: Context,
  grant: Grant,
  made: { attempt: string; signatures: readonly Buffer[]; leaves: boolean },
): Promise<boolean> {
  const { attempt, leaves } = made
  const { accepted, timed } = grant
  const signatures = made.signatures.map((signature) => hash('sha256', signature, 'hex'))
  const result = resultOf(grant, attempt, { outcome: leaves ? 'signed' : 'discarded', signatures })
  if (timed !== undefined) {
    const { record, genTime } = timed
    return completeTimestamp(ctx.db, { attempt, result, serial: record.serial, genTime })
  }
  return accepted === undefined
    ? complete(ctx.db, { attempt, result })
    : completeAsynchronous(ctx.db, { attempt, result, signatures: made.signatures })
}
