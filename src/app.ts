import express, { type Express } from 'express'
import { adminRouter } from './api/admin/router.ts'
import { cscRouter } from './api/csc/router.ts'
import { enrolRouter } from './api/enrol/router.ts'
import { cors } from './api/http/cors.ts'
import { securityHeaders } from './api/http/headers.ts'
import { requestLog } from './api/http/requestLog.ts'
import { oauthMetadata, oauthRouter } from './api/oauth/router.ts'
import { nowhere } from './api/ops/nowhere.ts'
import { opsRouter } from './api/ops/router.ts'
import type { Context } from './context.ts'

/** Mounts every face: the map of the product. Each renders its own errors. */
export function createApp(ctx: Context): Express {
  const app = express()
  app.disable('x-powered-by')
  // Nothing here is cached by its content, and hashing each answer costs.
  app.disable('etag')
  app.set('query parser', 'simple')
  app.set('trust proxy', ctx.config.http.trustedProxies)

  // Before the log: a probe every second is no news.
  app.use(securityHeaders(ctx.config.baseUrl))
  app.use(opsRouter(ctx))
  app.use(requestLog(ctx.log))
  app.use(cors(ctx.config.http.corsOrigins))

  app.use('/oauth2', oauthRouter(ctx))
  // RFC 8414, 3.1: where the metadata of an issuer with a path is looked for.
  app.get('/.well-known/oauth-authorization-server/oauth2', oauthMetadata(ctx))
  app.use('/csc/v2', cscRouter(ctx))
  app.use('/admin/v1', adminRouter(ctx))
  app.use('/enrol', enrolRouter(ctx))
  app.use(nowhere(ctx))
  return app
}
