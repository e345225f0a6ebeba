import { z } from 'zod'
import type { Context } from '../../context.ts'
import { NOTIFY_FOR_S } from '../../db/asynchronousEnds.ts'
import { findJob, listJobs, replayJob, type JobRow } from '../../db/jobs.ts'
import { wake } from '../../jobs.ts'
import { Refusal } from '../../refusal.ts'
import { actorOf, found, parsed, recordAct, uuidParam, type Call, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'

const KIND = 'notification'
const listQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(['waiting', 'running', 'done', 'dead']).optional(),
})

/** What clients are told, whether it arrived, and what is to be told again. */
export const deliveryEndpoints: Endpoints<'deliveries'> = {
  'GET /deliveries': async (ctx, call) => {
    const query = parsed(listQuery, call.query)
    const listed = await page(
      query,
      ({ limit, after }) =>
        listJobs(ctx.db, { kind: KIND, limit, state: query.state, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: listed.rows.map(shown), next: listed.next } }
  },

  'GET /deliveries/:id': async (ctx, call) => ({ body: shown(await deliveryOf(ctx, call)) }),

  'POST /deliveries/:id/replay': async (ctx, call) => {
    parsed(z.strictObject({}), call.body)
    const { id, payload } = await deliveryOf(ctx, call)
    await ctx.db.transaction(async (tx) => {
      if (!(await replayJob(tx, id, NOTIFY_FOR_S)))
        throw new Refusal('conflict', 'The delivery is under way.')
      const subjects = [`delivery:${id}`, `client:${payload['clientID'] ?? ''}`]
      await recordAct(tx, { act: 'delivery.replay', actor: actorOf(call), subjects })
    })
    wake(ctx.db, KIND)
    return { body: shown(await deliveryOf(ctx, call)) }
  },
}

async function deliveryOf(ctx: Context, call: Call): Promise<JobRow> {
  const row = await findJob(ctx.db, uuidParam(call, 'delivery'))
  return found(row?.kind === KIND ? row : undefined, 'delivery')
}

function shown(row: JobRow): Record<string, unknown> {
  const { id, kind, state, payload, attempts, lastError, createdAt, runAt, giveUpAt, endedAt } = row
  const { clientID: clientId, responseID, uri = '' } = payload
  // A query may hold what is between the client and its server.
  const [receiver] = uri.split('?', 1)
  const next = state === 'waiting' ? { nextAt: runAt, giveUpAt } : {}
  return { id, kind, state, clientId, responseID, receiver, attempts, lastError, createdAt, ...next, endedAt }
}
