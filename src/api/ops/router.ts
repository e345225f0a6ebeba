import { Router, type RequestHandler, type Response } from 'express'
import type { Context } from '../../context.ts'
import { version } from '../../version.ts'
import { metricsEndpoint } from './metrics.ts'

/** A database that takes longer to say one word is not there for its callers either. */
const CHECK_TIMEOUT_MS = 2_000

type Check = () => Promise<boolean>
type Component = readonly [name: 'database' | 'token', isUp: Check]

/** Health, for people and for Kubernetes' probes, and metrics. */
export function opsRouter(ctx: Context): Router {
  const database = shared(() => databaseIsUp(ctx))
  const token = (): Promise<boolean> => Promise.resolve(ctx.token.health().up)
  const both = health([
    ['database', database],
    ['token', token],
  ])
  const router = Router({ caseSensitive: true, strict: true })
  router.get('/health', both)
  router.get('/health/readiness', both)
  // Restarting this process heals neither a database nor a token, so liveness asks for neither.
  router.get('/health/liveness', health([]))
  router.get('/metrics', metricsEndpoint(ctx.metrics.registry))
  return router
}

function health(components: readonly Component[]): RequestHandler {
  return async (_request, response) => {
    const checked = await Promise.all(components.map(async ([name, isUp]) => ({ name, up: await isUp() })))
    answer(response, checked)
  }
}

function answer(response: Response, checked: readonly { name: string; up: boolean }[]): void {
  const section = (some: typeof checked): Record<string, unknown> =>
    Object.fromEntries(some.map(({ name, up }) => [name, { status: up ? 'up' : 'down' }]))
  const well = checked.every(({ up }) => up)
  response.status(well ? 200 : 503).json({
    status: well ? 'ok' : 'error',
    info: section(checked.filter(({ up }) => up)),
    error: section(checked.filter(({ up }) => !up)),
    details: section(checked),
    service: { name: 'intaglio', version },
  })
}

async function databaseIsUp(ctx: Context): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS)
  })
  const asked = ctx.db.query({ text: 'select 1' }).then(
    () => true,
    () => false,
  )
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

/** Everyone who asks while an answer is under way gets that one: probes by the thousand cost one query at a time. */
function shared(check: Check): Check {
  let running: Promise<boolean> | undefined
  return () => {
    running ??= check().finally(() => {
      running = undefined
    })
    return running
  }
}
