import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'

interface Noted {
  readonly id: string
  client?: string
  refusal?: string
}

/** What is known of requests under way, until their line is written. */
const notes = new WeakMap<ServerResponse, Noted>()

/**
 * One line for each request, when it ends. Neither query nor headers nor bodies are in it: they may hold secrets.
 * The id is ours, never the caller's, and is told to the caller as X-Request-Id.
 */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const noted: Noted = { id: randomUUID() }
    const { method } = request
    const [path] = request.originalUrl.split('?', 1)
    const start = performance.now()
    notes.set(response, noted)
    response.setHeader('X-Request-Id', noted.id)
    response.on('close', () => {
      const { id: requestId, ...more } = noted
      const ms = Math.round(performance.now() - start)
      // A caller that went away before its answer did.
      const aborted = response.writableFinished ? {} : { aborted: true }
      log.info({ requestId, method, path, status: response.statusCode, ms, ...more, ...aborted }, 'request')
    })
    next()
  }
}

/** For lines that belong to a request. */
export function requestIdOf(response: ServerResponse): string | undefined {
  return notes.get(response)?.id
}

/** Puts the client, or the code of a refusal, on the request's line. */
export function note(response: ServerResponse, what: { client?: string; refusal?: string }): void {
  Object.assign(notes.get(response) ?? {}, what)
}
