import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { findAuthorisation } from '../db/authorisations.ts'
import { acceptAsynchronous, findAccepted, tidyAsynchronous } from '../db/asynchronous.ts'
import type { TakenJob } from '../db/jobs.ts'
import { JobFailure, wake, type JobWork } from '../jobs.ts'
import { Refusal } from '../refusal.ts'
import { intentOf, refusedBy } from './entries.ts'
import { noticeAltered, permitForAccepted, type Permit } from './permit.ts'
import { sign } from './sign.ts'
import { step } from './step.ts'

export interface Later {
  readonly clientId: string
  readonly credentialId: string
  /** How long the result is kept. */
  readonly validityMs: number
  /** Checked: one of those that the client may be notified at. */
  readonly responseUri?: string | undefined
}

/**
 * Accepts a permit to be signed by later, and spends it: what it is for is taken, with the audit intent and the job that
 * signs, in one transaction. If we die before that is durable, nothing was written; after it, another process signs, as
 * long as the authorisation may be used. Only one that dies at it leaves the outcome unknown, as with any signature.
 * @returns the request's id, for findOutcome
 * @throws Refusal as sign(), and 'throttled' where the client has too many results here
 */
export async function signLater(ctx: Context, permit: Permit, later: Later): Promise<string> {
  const grant = permit.redeem()
  if (grant.activated === undefined) throw new Error("a service's own rule signs at once")
  const { activated, key, scheme, inputs } = grant
  const { authorisationId, digests: named } = activated.authorisation
  const id = randomUUID()
  const intent = intentOf(grant, id, inputs)
  const reservation = { attempt: id, instanceId: ctx.instanceId, authorisationId, inputs, named, intent }
  const { clientId, credentialId, validityMs, responseUri } = later
  const verdict = await step(ctx, 'reserve', () =>
    acceptAsynchronous(ctx.db, { reservation, clientId, credentialId, scheme, validityMs, responseUri }),
  )
  if (verdict === 'too_many') throw new Refusal('throttled', 'Too many results are kept for this client')
  if (verdict !== 'reserved') {
    await noticeAltered(ctx, verdict, { key, ...activated })
    throw refusedBy(verdict)
  }
  wake(ctx.db, 'signature')
  return id
}

const payload = z.object({ id: z.guid() })

/** Signs what was accepted, by the life of every signature. */
export const signatureWork: JobWork = {
  kind: 'signature',
  // The token's own queue is fair among clients; a client's requests of a thousand hashes must not fill all places.
  slots: 16,
  slotsOfLane: 4,
  // A token that is away comes back within seconds, and an authorisation lives for minutes.
  firstDelayMs: 500,
  maxDelayMs: 5_000,
  // The request's own row says what became of it.
  keepDoneS: 3_600,
  keepDeadS: 2_592_000,
  run: signAccepted,
  tidy: ({ db }) => tidyAsynchronous(db),
}

async function signAccepted(ctx: Context, job: TakenJob): Promise<void> {
  const { id } = payload.parse(job.payload)
  const accepted = await findAccepted(ctx.db, id)
  if (accepted === undefined) return
  const found = await findAuthorisation(ctx.db, accepted.authorisationId)
  if (found === undefined) throw new JobFailure('authorisation_lost')
  try {
    await sign(ctx, permitForAccepted(found, accepted))
  } catch (error) {
    // What can be tried again waits again; anything else has ended the request, and its client is told.
    if ((await findAccepted(ctx.db, id)) !== undefined) throw error
    if (!(error instanceof Refusal))
      ctx.log.error({ err: error, signature: id }, 'a request could not be signed')
  }
  wake(ctx.db, 'notification')
}
