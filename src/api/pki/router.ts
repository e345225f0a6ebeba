import { Router } from 'express'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import type { Direct } from '../http/direct.ts'
import { renderErrors, type Render } from '../http/errors.ts'
import { ocspMethods, type OcspMethods } from './ocsp.ts'
import { serveTimestamps, type Serve } from './tsa.ts'

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

/** What relying parties ask for, without being known. By plain HTTP as a rule (RFC 5280, 8). */
export function pkiRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true, strict: true })
  // What asks rightly is served without a router: pkiMethods.
  router.all(['/ocsp', '/ocsp/*request'], (_request, response) => {
    response.setHeader('Allow', 'GET, POST')
    throw new Refusal('method_not_allowed', 'OCSP is asked by GET and by POST')
  })
  if (ctx.config.tsa !== undefined) {
    router.post('/tsa', serverOf(ctx))
    router.all('/tsa', (_request, response) => {
      response.setHeader('Allow', 'POST')
      throw new Refusal('method_not_allowed', 'Timestamps are asked for by POST')
    })
  }
  router.use(() => {
    throw new Refusal('not_found', 'There is nothing at this address')
  })
  router.use(renderErrors(ctx.log, render))
  return router
}

/** What is asked for a thousand times a second, without a router. */
export function pkiMethods(ctx: Context, mountedAt: string): OcspMethods {
  const { exact, below } = ocspMethods(ctx, mountedAt)
  if (ctx.config.tsa === undefined) return { exact, below }
  const timestamps: Direct = { path: '/tsa', serve: serverOf(ctx) }
  return { exact: [...exact, [`POST ${mountedAt}/tsa`, timestamps]], below }
}

/** One for a context, so that what callers may take is counted together, wherever they come in. */
const servers = new WeakMap<Context, Serve>()

function serverOf(ctx: Context): Serve {
  const serve = servers.get(ctx) ?? serveTimestamps(ctx)
  servers.set(ctx, serve)
  return serve
}
