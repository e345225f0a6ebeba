import { z } from 'zod'
import type { Context } from '../../context.ts'
import { certificateBySerial } from '../../db/certificates.ts'
import { certificateStatus } from '../../db/certificateStatus.ts'
import { listedReasons, type RevocationReason } from '../../db/revocations.ts'
import {
  DUTY_S,
  listStatusChanges,
  PUBLICATION_DUTY_S,
  reportStatusChanges,
  type StatusChangeRow,
} from '../../db/statusChanges.ts'
import { likelyTime } from '../../pki/clock.ts'
import { reinstate, revoke, suspend } from '../../pki/revoke.ts'
import { Refusal } from '../../refusal.ts'
import { actorOf, found, parsed, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'
import { hex, moment, serial } from './values.ts'

const reasons = Object.keys(listedReasons).filter((name) => name !== 'certificateHold') as RevocationReason[]

const common = {
  serial,
  /** When the request came in, where that was not now: by phone, by letter. */
  requestedAt: moment.optional(),
}
const changeSchema = z.discriminatedUnion('change', [
  z.strictObject({ change: z.literal('revoke'), reason: z.enum(reasons).default('unspecified'), ...common }),
  z.strictObject({ change: z.literal('suspend'), ...common }),
  z.strictObject({ change: z.literal('reinstate'), ...common }),
])

const DAY_MS = 86_400_000
/** What a report is about where nobody says. */
const REPORT_DAYS = 30

/** The status of certificates: what is changed, when it was asked for, decided and published. */
export const revocationEndpoints: Endpoints<'revocations'> = {
  'GET /revocations': async (ctx, call) => {
    const query = parsed(z.strictObject({ ...pageQuery, serial: serial.optional() }), call.query)
    const certificateId = query.serial && (await certificateOf(ctx, query.serial)).id
    const listed = await page(
      query,
      ({ limit, after }) => listStatusChanges(ctx.db, { limit, certificateId, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: listed.rows.map(shown), next: listed.next } }
  },

  'POST /revocations': async (ctx, call) => {
    const wanted = parsed(changeSchema, call.body)
    // Nobody is kept from revoking by a clock that was set back: it is recorded as no later than the database's time.
    const latest = Math.max(likelyTime(ctx), ctx.clock())
    if (wanted.requestedAt !== undefined && wanted.requestedAt.getTime() > latest)
      throw new Refusal('invalid_request', 'requestedAt: is yet to come')
    const { id: certificateId, credentialId } = await certificateOf(ctx, wanted.serial)
    const request = {
      certificateId,
      credentialId: credentialId ?? undefined,
      actor: actorOf(call),
      requestedAt: wanted.requestedAt,
    }
    if (wanted.change === 'revoke') await revoke(ctx, { ...request, reason: wanted.reason })
    else await (wanted.change === 'suspend' ? suspend : reinstate)(ctx, request)
    const status = await certificateStatus(ctx.db, { serial: wanted.serial })
    return { body: { serial: hex(wanted.serial), certificateId, ...status } }
  },

  'GET /revocations/report': async (ctx, call) => {
    const query = parsed(z.strictObject({ from: moment.optional(), to: moment.optional() }), call.query)
    const to = query.to ?? new Date(ctx.clock())
    const from = query.from ?? new Date(to.getTime() - REPORT_DAYS * DAY_MS)
    if (from >= to) throw new Refusal('invalid_request', 'from: is not before to')
    const report = await reportStatusChanges(ctx.db, { from, to })
    return { body: { from, to, ...report, dutySeconds: DUTY_S, publicationDutySeconds: PUBLICATION_DUTY_S } }
  },
}

async function certificateOf(
  ctx: Context,
  octets: Buffer,
): Promise<{ readonly id: string; readonly credentialId: string | null }> {
  return found(await certificateBySerial(ctx.db, octets), 'certificate')
}

function shown(row: StatusChangeRow): Record<string, unknown> {
  const { id, certificateId, change, actor, requestedAt, decidedAt, publishedAt } = row
  const reason = row.reason === null ? {} : { reason: row.reason }
  return {
    id,
    serial: hex(row.serial),
    certificateId,
    change,
    ...reason,
    actor,
    requestedAt,
    decidedAt,
    publishedAt,
  }
}
