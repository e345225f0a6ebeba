import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { refusing, timestampAnswer, timestampPolicy, type TimestampAnswer } from '../../pki/tsa.ts'
import { TimestampFailure } from '../../pki/tsaRequest.ts'
import { readOctets } from '../http/body.ts'
import { idsOf, note } from '../http/requestLog.ts'
import { Quota } from './quota.ts'

/** A request is some hundred octets. */
const BODY_OCTETS = 4096
const QUERY_TYPE = /^application\/timestamp-query *(;|$)/i
const REPLY_TYPE = 'application/timestamp-reply'
/** Requests of callers that nobody knows, at once: there is room beside them for those who have something to sign. */
const UNDER_WAY = 64
const RETRY_AFTER_S = '1'

export type Serve = (request: IncomingMessage, response: ServerResponse) => void

/** POST /pki/tsa (RFC 3161, 3.4): every request of the protocol is answered in the protocol, with HTTP status 200. */
export function serveTimestamps(ctx: Context): Serve {
  const quota = new Quota({ perSecond: timestampPolicy(ctx).anonymousPerSecond, underWay: UNDER_WAY })
  return (request, response) => {
    if (!quota.enter()) {
      response.setHeader('Retry-After', RETRY_AFTER_S)
      send(response, 503, refusing(new TimestampFailure('systemFailure', 'Too many requests at once')))
      return
    }
    answer(ctx, request)
      .then((answered) => send(response, 200, answered))
      .catch((error: unknown) => {
        ctx.log.error({ err: error, ...idsOf(response) }, 'a request failed')
        send(response, 500, refusing(new TimestampFailure('systemFailure', 'The service failed')))
      })
      .finally(() => quota.leave())
  }
}

async function answer(ctx: Context, request: IncomingMessage): Promise<TimestampAnswer> {
  try {
    const query = await readOctets(request, BODY_OCTETS)
    if (!QUERY_TYPE.test(request.headers['content-type'] ?? '')) {
      return refusing(new TimestampFailure('badRequest', 'Content-Type is not application/timestamp-query'))
    }
    return await timestampAnswer(ctx, query)
  } catch (error) {
    // What is too long, compressed or cut off is no request.
    if (error instanceof Refusal) return refusing(new TimestampFailure('badDataFormat', error.message))
    throw error
  }
}

function send(response: ServerResponse, status: number, { body, failure }: TimestampAnswer): void {
  if (failure !== undefined) note(response, { refusal: failure })
  response.statusCode = status
  response.setHeader('Content-Type', REPLY_TYPE)
  response.setHeader('Content-Length', body.length)
  response.end(body)
}
