import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ErrorRequestHandler } from 'express'
import type { Logger } from 'pino'
import { Refusal } from '../../refusal.ts'
import { idsOf, note } from './requestLog.ts'

/** A refusal in a protocol's own words. */
export interface Rendered {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** @param refusal undefined: a bug, of which the caller learns nothing. */
export type Render = (refusal: Refusal | undefined) => Rendered

/** Seconds, where a refusal that says "not now" does not say when. */
const RETRY_AFTER_S = 2

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * A face's last handler. Refusals are rendered by the face; anything else that was thrown is a bug: logged whole, and
 * answered bare.
 */
export function renderErrors(log: Logger, render: Render, contentType = JSON_TYPE): ErrorRequestHandler {
  const answer = answerErrors(log, render, contentType)
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (thrown: unknown, request, response, next) => {
    if (!answer(thrown, request, response)) next(thrown)
  }
}

/** @returns false where an answer was begun already, so that nothing can be said any more */
type AnswerError = (thrown: unknown, request: IncomingMessage, response: ServerResponse) => boolean

/** The same, for what is served without Express. */
export function answerErrors(log: Logger, render: Render, contentType = JSON_TYPE): AnswerError {
  return (thrown, request, response) => {
    const refusal = refusalOf(thrown)
    const ids = idsOf(response)
    const [path] = (request.url ?? '').split('?', 1)
    if (refusal === undefined) log.error({ err: thrown, ...ids, path }, 'a request failed')
    else if (refusal.cause !== undefined) log.warn({ err: refusal, ...ids }, 'a request was refused')
    note(response, { refusal: refusal?.code ?? 'bug' })
    if (response.headersSent) return false
    const { status, body, headers = {} } = render(refusal)
    if (status === 429 || status === 503) {
      response.setHeader('Retry-After', String(refusal?.retryAfter ?? RETRY_AFTER_S))
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.statusCode = status
    response.setHeader('Content-Type', contentType)
    response.end(JSON.stringify(body))
    return true
  }
}

/** Express itself refuses addresses that do not decode. */
function refusalOf(thrown: unknown): Refusal | undefined {
  if (thrown instanceof Refusal) return thrown
  return thrown instanceof URIError ? new Refusal('invalid_request', 'Malformed address') : undefined
}
