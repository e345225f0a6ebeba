import { z } from 'zod'
import { raise } from '../alarms.ts'
import type { Context } from '../context.ts'
import { findClient } from '../db/clients.ts'
import type { TakenJob } from '../db/jobs.ts'
import { JobFailure, type JobWork } from '../jobs.ts'
import { OutgoingError } from '../outgoing/errors.ts'
import { isCovered } from './responseUris.ts'
import { signedHeaders } from './signedRequest.ts'

/** Tells these signatures from others that a receiver may meet (RFC 9421, 2.3). */
const TAG = 'intaglio-notification'

const payloadSchema = z.object({ responseID: z.guid(), clientID: z.string(), uri: z.string() })

/** Tells clients that a request has ended, at their `response_uri` (CSC API v2.2, 11.13): that it has, and not how. */
export const notificationWork: JobWork = {
  kind: 'notification',
  // A receiver that does not answer holds a place for 15 s, and a client's receiver two of them at most.
  slots: 32,
  slotsOfLane: 2,
  firstDelayMs: 10_000,
  maxDelayMs: 3_600_000,
  keepDoneS: 7 * 86_400,
  keepDeadS: 90 * 86_400,
  run: deliver,
  audited: (job, reason) => {
    const { responseID, clientID } = payloadSchema.parse(job.payload)
    return {
      act: reason === undefined ? 'notification.deliver' : 'notification.give-up',
      actor: 'service',
      subjects: [`client:${clientID}`, `signature:${responseID}`, `delivery:${job.id}`],
      detail: { attempts: job.attempts, ...(reason === undefined ? {} : { reason }) },
    }
  },
  gaveUp: ({ log }, { id: delivery, attempts }, reason) => {
    raise(log, 'delivery_given_up', { says: 'a notification was given up', delivery, attempts, reason })
  },
}

/** At least once: a receiver that answered, and whose answer was lost with us, is told again. */
async function deliver(ctx: Context, job: TakenJob, signal: AbortSignal): Promise<void> {
  const { responseID, clientID, uri } = payloadSchema.parse(job.payload)
  const client = await findClient(ctx.db, clientID)
  // Asked again, since an operator may have taken the address back meanwhile.
  if (client?.state !== 'enabled' || !isCovered(client.responseUris, uri))
    throw new JobFailure('not_registered', { isFinal: true })
  const url = new URL(uri)
  const body = Buffer.from(JSON.stringify({ responseID }))
  const headers = await signedHeaders(ctx, {
    url,
    body,
    tag: TAG,
    act: 'notification.sign',
    subjects: [`client:${clientID}`, `signature:${responseID}`],
  })
  if (headers === undefined) throw new JobFailure('no_key')
  const { status } = await ctx
    .fetch({ purpose: 'notification', method: 'POST', url, headers, body, signal })
    .catch((error: unknown) => {
      throw error instanceof OutgoingError ? new JobFailure(error.reason, { cause: error }) : error
    })
  if (status < 200 || status > 299) throw new JobFailure(`status_${status}`)
}
