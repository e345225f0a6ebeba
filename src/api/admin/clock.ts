import { z } from 'zod'
import type { Context } from '../../context.ts'
import { clockState, vouchForClock } from '../../pki/clock.ts'
import { Refusal } from '../../refusal.ts'
import { actorOf, parsed, type Endpoints } from './endpoint.ts'
import { moment } from './values.ts'

const vouchSchema = z.strictObject({
  /** Each replica has a clock of its own: the one that was looked at. */
  instance: z.uuid(),
  /** What the operator's own clock says. */
  now: moment,
})

/** The clock of the replica that answers. */
export const clockEndpoints: Endpoints<'clock'> = {
  'GET /clock': (ctx) => Promise.resolve({ body: shown(ctx) }),

  'POST /clock/vouch': async (ctx, call) => {
    const { instance, now } = parsed(vouchSchema, call.body)
    if (instance !== ctx.instanceId)
      throw new Refusal('conflict', 'Another replica answers than the one that was looked at.')
    await vouchForClock(ctx, { actor: actorOf(call), now })
    return { body: shown(ctx) }
  },
}

function shown(ctx: Context): Record<string, unknown> {
  const { isTrusted, troubles, now } = clockState(ctx)
  return { instance: ctx.instanceId, trusted: isTrusted, troubles, now }
}
