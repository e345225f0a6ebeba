import { Router } from 'express'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { renderErrors, type Render } from '../http/errors.ts'

const statuses: Readonly<Partial<Record<RefusalCode, number>>> = { invalid_request: 400, not_found: 404 }

const render: Render = (refusal) => {
  const status = refusal && statuses[refusal.code]
  if (status === undefined) return { status: 500, body: { error: 'server_error' } }
  return { status, body: { error: refusal?.code, error_description: refusal?.message } }
}

/**
 * What is at no face's address, and what went wrong before a face was reached. Mounted last: express' own last handler
 * would answer with a stack.
 */
export function nowhere(ctx: Context): Router {
  const router = Router()
  router.use(() => {
    throw new Refusal('not_found', 'There is nothing at this address')
  })
  router.use(renderErrors(ctx.log, render))
  return router
}
