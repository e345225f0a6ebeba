import { z } from 'zod'
import { listAudit, type AuditRow } from '../../db/audit.ts'
import { parsed, type Endpoints } from './endpoint.ts'
import { page, pageQuery } from './page.ts'

const auditQuery = z.strictObject({
  ...pageQuery,
  /** Only this act, such as 'credential.create'. */
  act: z.string().min(1).max(64).optional(),
  /** Only what touched this, such as 'credential:4f…'. */
  subject: z.string().min(1).max(200).optional(),
})

export const auditEndpoints: Endpoints<'audit'> = {
  'GET /audit': async (ctx, call) => {
    const query = parsed(auditQuery, call.query)
    const { act, subject } = query
    const found = await page(
      query,
      ({ limit, after }) =>
        listAudit(ctx.db, {
          limit,
          ...(after === undefined ? {} : { before: after }),
          ...(act === undefined ? {} : { act }),
          ...(subject === undefined ? {} : { subject }),
        }),
      (row) => row.cursor,
    )
    return { body: { items: found.rows.map(shown), next: found.next } }
  },
}

function shown(row: AuditRow): Record<string, unknown> {
  const { detail } = JSON.parse(row.body.toString('utf8')) as { detail?: unknown }
  const { id, at, kind, act, actor, subjects, signatureId } = row
  return {
    id,
    at,
    kind,
    act,
    actor,
    subjects,
    ...(signatureId === null ? {} : { signatureId }),
    ...(detail === undefined ? {} : { detail }),
  }
}
