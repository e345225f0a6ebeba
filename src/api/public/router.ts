import { Router } from 'express'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { renderErrors } from '../http/errors.ts'
import { problem, PROBLEM_TYPE } from '../http/problem.ts'
import { requestCount } from '../http/requestLog.ts'
import { issuerDocument } from './issuer.ts'
import { resolve } from './resolve.ts'
import { status } from './status.ts'

const BELOW = ['/status', '/issuers', '/1.0/identifiers'] as const

/** For anyone, without asking who, and without a line in the log that says who asked: what verifiers of credentials fetch. */
export function publicRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router.use([...BELOW], requestCount(ctx), (request, response, next) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (request.method === 'GET' || request.method === 'HEAD') {
      next()
      return
    }
    response.setHeader('Allow', 'GET, HEAD')
    throw new Refusal('method_not_allowed', 'Here is GET, and nothing else.')
  })
  router.get('/status/:list/:form', (request, response) => status(ctx, request, response))
  router.get('/issuers/:id/did.json', (request, response) => issuerDocument(ctx, request, response))
  router.get('/1.0/identifiers/:did', (request, response) => resolve(ctx, request, response))
  router.use([...BELOW], () => {
    throw new Refusal('not_found', 'There is no such address.')
  })
  router.use(renderErrors(ctx.log, problem, PROBLEM_TYPE))
  return router
}
