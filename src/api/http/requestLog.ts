import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Context } from '../../context.ts'
import { traceRequest } from '../../tracing.ts'
import type { Asked, Step } from './direct.ts'

interface Noted {
  readonly id: string
  /** Of the trace that the request belongs to, where it belongs to one. */
  readonly traceId: string | undefined
  client?: string
  refusal?: string
}

/** What is known of requests under way, until their line is written. */
const notes = new WeakMap<ServerResponse, Noted>()

/**
 * One line for each request, when it ends, one count and one span. Neither query nor headers nor bodies are in the line:
 * they may hold secrets. The id is ours, never the caller's, and is told to the caller as X-Request-Id.
 */
export function requestLog({ log, metrics }: Pick<Context, 'log' | 'metrics'>): Step {
  return (request, response, next) => {
    const { method = '' } = request
    const trace = traceRequest(method, request.headers)
    const noted: Noted = { id: randomUUID(), traceId: trace.traceId }
    const [path = ''] = (request.originalUrl ?? request.url ?? '').split('?', 1)
    const start = performance.now()
    notes.set(response, noted)
    response.setHeader('X-Request-Id', noted.id)
    response.on('close', () => {
      const { id: requestId, ...more } = noted
      const ms = Math.round(performance.now() - start)
      // A caller that went away before its answer did.
      const aborted = response.writableFinished ? {} : { aborted: true }
      const { statusCode: status } = response
      log.info({ requestId, method, path, status, ms, ...more, ...aborted }, 'request')
      const [face, endpoint] = [faceOf(path), endpointOf(request)]
      const mount = mountOf(path)
      metrics.request({ face, mount, endpoint, status, startedAt: start, refusal: noted.refusal })
      trace.end({ name: `${method} ${face} ${endpoint}`, status, attributes: { 'http.route': endpoint } })
    })
    trace.run(next)
  }
}

/** One count for each request, and no line: for what nothing is to say who asked for. */
export function requestCount({ metrics }: Pick<Context, 'metrics'>): Step {
  return (request, response, next) => {
    const noted: Noted = { id: randomUUID(), traceId: undefined }
    const [path = ''] = (request.originalUrl ?? request.url ?? '').split('?', 1)
    const startedAt = performance.now()
    notes.set(response, noted)
    response.on('close', () => {
      const [face, endpoint] = [faceOf(path), endpointOf(request)]
      const { statusCode: status } = response
      metrics.request({ face, mount: mountOf(path), endpoint, status, startedAt, refusal: noted.refusal })
    })
    next()
  }
}

/** Where each face is mounted (src/app.ts). What is asked for elsewhere is somebody's text, and stands in no label. */
const faces: ReadonlyMap<string, string> = new Map([
  ['csc', 'csc'],
  ['oauth2', 'oauth'],
  ['.well-known', 'oauth'],
  ['admin', 'admin'],
  ['enrol', 'enrol'],
  ['pki', 'pki'],
  ...['generate', 'delete', 'activate', 'sign', 'keys'].map((path) => [path, 'keyservice'] as const),
  ...['credentials', 'presentations'].map((path) => [path, 'vc'] as const),
  ...['status', 'issuers', '1.0'].map((path) => [path, 'public'] as const),
])

function faceOf(path: string): string {
  const end = path.indexOf('/', 1)
  return faces.get(path.slice(1, end === -1 ? path.length : end)) ?? 'none'
}

/** Where the editions of the CSC API are mounted (src/app.ts). */
const MOUNT = /^\/csc\/(v1|v2)\//

function mountOf(path: string): string {
  return MOUNT.exec(path)?.[1] ?? 'none'
}

/** The pattern of the route that answered, such as /credentials/:id. */
function endpointOf({ route }: Asked): string {
  const { path } = (route ?? {}) as { path?: unknown }
  return typeof path === 'string' ? path : 'none'
}

/** For lines that belong to a request. */
export function idsOf(response: ServerResponse): { readonly requestId?: string; readonly traceId?: string } {
  const noted = notes.get(response)
  if (noted === undefined) return {}
  const { id: requestId, traceId } = noted
  return traceId === undefined ? { requestId } : { requestId, traceId }
}

/** Puts the client, or the code of a refusal, on the request's line. */
export function note(response: ServerResponse, what: { client?: string; refusal?: string }): void {
  Object.assign(notes.get(response) ?? {}, what)
}
