import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from '../../context.ts'
import { likelyTime } from '../../pki/clock.ts'
import type { OcspAnswer } from '../../pki/ocsp.ts'
import { MAX_OCSP_REQUEST } from '../../pki/ocspRequest.ts'
import { ocspError } from '../../pki/ocspResponse.ts'
import { ocspOf } from '../../pki/ocspWork.ts'
import type { Ready } from '../../pki/ocspReady.ts'
import { Refusal, unavailable } from '../../refusal.ts'
import { readOctets } from '../http/body.ts'
import type { Direct } from '../http/direct.ts'
import { matchesEtag } from '../http/etag.ts'
import { idsOf, note } from '../http/requestLog.ts'

const RESPONSE_TYPE = 'application/ocsp-response'
/** Whoever asks for a status is in the middle of something: sooner 'try later' than an answer that comes too late. */
const DEADLINE_MS = 3_000

/** Both ways of asking (RFC 6960, A.1), served without a router. Whatever goes wrong is said in OCSP's words, by HTTP 200. */
export function ocspMethods(ctx: Context, mountedAt: string): OcspMethods {
  const byGet = direct(ctx, (request) => Promise.resolve(encoded(request.url ?? '', mountedAt)))
  const byPost = direct(ctx, (request) => readOctets(request, MAX_OCSP_REQUEST))
  return {
    exact: [
      [`GET ${mountedAt}/ocsp`, byGet],
      [`POST ${mountedAt}/ocsp`, byPost],
      [`POST ${mountedAt}/ocsp/`, byPost],
    ],
    below: [[`GET ${mountedAt}/ocsp/`, byGet]],
  }
}

export interface OcspMethods {
  readonly exact: readonly (readonly [string, Direct])[]
  readonly below: readonly (readonly [string, Direct])[]
}

type Read = (request: IncomingMessage) => Promise<Buffer>

function direct(ctx: Context, read: Read): Direct {
  return {
    path: '/ocsp',
    serve: (request, response) => {
      serve(ctx, read, { request, response }).catch((error: unknown) => {
        ctx.log.error({ err: error, ...idsOf(response) }, 'a request failed')
        response.destroy()
      })
    },
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function serve(ctx: Context, read: Read, { request, response }: Exchange): Promise<void> {
  const answer = await answerTo(ctx, read, request).catch((error: unknown) => failed(ctx, response, error))
  response.setHeader('Content-Type', RESPONSE_TYPE)
  if ('error' in answer) {
    ctx.metrics.ocsp(answer.error)
    note(response, { refusal: answer.error })
    response.end(ocspError(answer.error))
    return
  }
  ctx.metrics.ocsp(answer.says)
  if ('ready' in answer) {
    sendReady(ctx, answer.ready, { request, response })
    return
  }
  response.end(answer.der)
}

async function answerTo(ctx: Context, read: Read, request: IncomingMessage): Promise<OcspAnswer> {
  const octets = await read(request)
  return inTime(ocspOf(ctx).answer(octets))
}

function failed(ctx: Context, response: ServerResponse, error: unknown): OcspAnswer {
  if (error instanceof Refusal) {
    if (error.code === 'unavailable' || error.code === 'throttled') return { error: 'tryLater' }
    if (error.code === 'too_large' || error.code === 'invalid_request') return { error: 'malformedRequest' }
  }
  ctx.log.error({ err: error, ...idsOf(response) }, 'a request failed')
  return { error: 'internalError' }
}

/** What was signed ahead may be kept on the way, but not for long, and never beyond its own end (RFC 5019, 6.2). */
function sendReady(ctx: Context, { der, etag, thisUpdate, nextUpdate }: Ready, exchange: Exchange): void {
  const { request, response } = exchange
  const now = likelyTime(ctx)
  const left = Math.max(0, Math.floor((nextUpdate.getTime() - now) / 1000))
  const seconds = Math.min(ctx.config.ocsp.cacheSeconds, left)
  response.setHeader('Cache-Control', `max-age=${String(seconds)}, public, no-transform, must-revalidate`)
  response.setHeader('Expires', new Date(now + seconds * 1000).toUTCString())
  response.setHeader('Last-Modified', thisUpdate.toUTCString())
  response.setHeader('ETag', etag)
  if (request.method === 'GET' && matchesEtag(request.headers['if-none-match'], etag)) {
    response.statusCode = 304
    response.end()
    return
  }
  response.end(der)
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * The request in the address of a GET: base64, and that percent-encoded. Clients leave the encoding out, so that slashes,
 * pluses and equals signs stand as they are; put a second slash before it; write base64url; leave out the padding.
 * @throws Refusal invalid_request
 */
function encoded(url: string, mountedAt: string): Buffer {
  const [path = ''] = url.slice(`${mountedAt}/ocsp`.length).split(/[?#]/, 1)
  const text = decoded(path)
    .replace(/^\/+/, '')
    // A plus that somebody took for a space.
    .replaceAll(' ', '+')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
  if (!BASE64.test(text)) throw new Refusal('invalid_request', 'The request is not base64')
  return Buffer.from(text, 'base64')
}

function decoded(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    throw new Refusal('invalid_request', 'The request is not percent-encoded')
  }
}

async function inTime(answering: Promise<OcspAnswer>): Promise<OcspAnswer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable('The answer takes too long')), DEADLINE_MS)
  })
  return Promise.race([answering, late]).finally(() => clearTimeout(timer))
}
