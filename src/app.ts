import type { RequestListener } from 'node:http'
import express from 'express'
import { adminRouter } from './api/admin/router.ts'
import type { Dialect } from './api/csc/dialect.ts'
import { cscOperations } from './api/csc/operations.ts'
import { cscMethods, cscRouter } from './api/csc/router.ts'
import { version1 } from './api/csc/version1.ts'
import { version2 } from './api/csc/version2.ts'
import { docsRouter } from './api/docs/router.ts'
import { enrolRouter } from './api/enrol/router.ts'
import { cors } from './api/http/cors.ts'
import { straight } from './api/http/direct.ts'
import { securityHeaders } from './api/http/headers.ts'
import type { Operation } from './api/http/openapi.ts'
import { requestLog } from './api/http/requestLog.ts'
import { keyserviceOperations } from './api/keyservice/operations.ts'
import { keyserviceMethods, keyserviceRouter } from './api/keyservice/router.ts'
import { oauthOperations } from './api/oauth/operations.ts'
import { oauthMetadata, oauthRouter } from './api/oauth/router.ts'
import { nowhere } from './api/ops/nowhere.ts'
import { opsRouter } from './api/ops/router.ts'
import { pkiMethods } from './api/pki/methods.ts'
import { pkiRouter } from './api/pki/router.ts'
import { publicRouter } from './api/public/router.ts'
import { vcMethods, vcOperations, vcRouter } from './api/vc/router.ts'
import type { Context } from './context.ts'
import type { Door } from './listeners.ts'

/** Mounts the faces of a door: the map of the product. Each renders its own errors; what is not here is nowhere. */
export function createApp(ctx: Context, door: Door): RequestListener {
  const app = express()
  app.disable('x-powered-by')
  // Nothing here is cached by its content, and hashing each answer costs.
  app.disable('etag')
  app.set('query parser', 'simple')
  app.set('trust proxy', ctx.config.http.trustedProxies)

  const headers = securityHeaders(ctx.config.baseUrl)
  const logged = [requestLog(ctx), cors(ctx.config.http.corsOrigins)]
  app.use(headers)
  // Before the log: a probe every second is no news.
  if (door.faces.has('ops')) app.use(opsRouter(ctx))
  // Before the log, too: nothing says which verifier asked.
  if (door.faces.has('public')) app.use(publicRouter(ctx))
  app.use(...logged)

  if (door.faces.has('oauth')) {
    app.use('/oauth2', oauthRouter(ctx))
    // RFC 8414, 3.1: where the metadata of an issuer with a path is looked for.
    app.get('/.well-known/oauth-authorization-server/oauth2', oauthMetadata(ctx))
  }
  const editions = door.faces.has('csc') ? cscEditions(ctx) : []
  for (const { at, dialect } of editions) app.use(at, cscRouter(ctx, dialect))
  if (door.faces.has('keyservice')) app.use(keyserviceRouter(ctx))
  if (door.faces.has('vc')) app.use(vcRouter(ctx))
  const described = operationsOf(door, editions)
  if (described !== undefined) app.use(docsRouter(ctx, { url: door.url, operations: described }))
  if (door.faces.has('admin')) app.use('/admin/v1', adminRouter(ctx, door))
  if (door.faces.has('enrol')) app.use('/enrol', enrolRouter(ctx))
  if (door.faces.has('pki')) app.use('/pki', pkiRouter(ctx))
  app.use(nowhere(ctx))
  const methods = editions.flatMap(({ at, dialect }) => cscMethods(ctx, dialect, at))
  const { exact, below } = door.faces.has('pki') ? pkiMethods(ctx, '/pki') : { exact: [], below: [] }
  const keys = door.faces.has('keyservice') ? keyserviceMethods(ctx) : []
  const credentials = door.faces.has('vc') ? vcMethods(ctx) : []
  return straight(
    { exact: new Map([...methods, ...keys, ...credentials, ...exact]), below },
    [headers, ...logged],
    app,
  )
}

interface Edition {
  readonly at: string
  readonly dialect: Dialect
}

/** What clients can call at a door, as it is described there; undefined where that is nothing. */
function operationsOf({ faces }: Door, editions: readonly Edition[]): (() => Operation[]) | undefined {
  const isDescribed = (['oauth', 'keyservice', 'vc'] as const).some((face) => faces.has(face))
  if (editions.length === 0 && !isDescribed) return undefined
  return () => [
    ...editions.toReversed().flatMap(({ at, dialect }) => cscOperations(dialect, at)),
    ...(faces.has('keyservice') ? keyserviceOperations() : []),
    ...(faces.has('vc') ? vcOperations() : []),
    ...(faces.has('oauth') ? oauthOperations() : []),
  ]
}

/** The editions of the CSC API, and where they are mounted. */
function cscEditions({ config }: Context): readonly Edition[] {
  return [
    { at: '/csc/v1', dialect: version1(config) },
    { at: '/csc/v2', dialect: version2(config) },
  ]
}
