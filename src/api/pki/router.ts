import { Router } from 'express'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { renderErrors, type Render } from '../http/errors.ts'

const statuses: Readonly<Partial<Record<RefusalCode, number>>> = {
  invalid_request: 400,
  not_found: 404,
  method_not_allowed: 405,
}

const render: Render = (refusal) => {
  const status = refusal && statuses[refusal.code]
  if (status === undefined) return { status: 500, body: { error: 'server_error' } }
  return { status, body: { error: refusal?.code, error_description: refusal?.message } }
}

/** What relying parties fetch. Anonymous, and by plain HTTP as a rule (RFC 5280, 8). */
export function pkiRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true, strict: true })
  // What asks rightly is served without a router (ocsp.ts).
  router.all(['/ocsp', '/ocsp/*request'], (_request, response) => {
    response.setHeader('Allow', 'GET, POST')
    throw new Refusal('method_not_allowed', 'OCSP is asked by GET and by POST')
  })
  router.use(() => {
    throw new Refusal('not_found', 'There is nothing at this address')
  })
  router.use(renderErrors(ctx.log, render))
  return router
}
