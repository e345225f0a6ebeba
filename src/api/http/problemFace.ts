import type { IncomingMessage, ServerResponse } from 'node:http'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { acceptable } from './accept.ts'
import { bearerAuthentication, type Authenticate } from './authenticate.ts'
import { JSON_TYPE, readStrictJson } from './body.ts'
import type { Direct } from './direct.ts'
import { answerErrors, renderErrors } from './errors.ts'
import { problem, PROBLEM_TYPE } from './problem.ts'
import type { Endpoint, Reply } from './problemEndpoint.ts'
import { note } from './requestLog.ts'

/** A face whose requests are a client's own, and whose refusals are problems (RFC 9457). */
export interface ProblemFace {
  readonly endpoints: readonly Endpoint[]
  /** Those that are asked for thousands of times a second: served without a router. Their addresses name nothing. */
  readonly hot: readonly Endpoint[]
  /** Octets of a body, at most. */
  readonly bodyOctets: number
  /** Addresses below these are the face's; what is not there is answered in its own words. */
  readonly below: readonly string[]
  /** What something of a media type may be called as well. */
  readonly alsoCalled: (mediaType: string) => readonly string[]
}

export function problemRouter(ctx: Context, face: ProblemFace): Router {
  const router = Router({ caseSensitive: true, strict: true })
  for (const endpoint of face.endpoints) {
    const verb = endpoint.method === 'GET' ? 'get' : 'post'
    router[verb](endpoint.path, (request, response) =>
      serve(ctx, { face, endpoint, request, response, id: String(request.params['id'] ?? '') }),
    )
    router.all(endpoint.path, (_request, response) => {
      response.setHeader('Allow', endpoint.method)
      throw new Refusal('method_not_allowed', `Here is ${endpoint.method}, and nothing else.`)
    })
  }
  router.use([...face.below], () => {
    throw new Refusal('not_found', 'There is no such address.')
  })
  router.use(renderErrors(ctx.log, problem, PROBLEM_TYPE))
  return router
}

export function problemMethods(ctx: Context, face: ProblemFace): readonly (readonly [string, Direct])[] {
  const answerError = answerErrors(ctx.log, problem, PROBLEM_TYPE)
  return face.hot.map((endpoint) => {
    const direct: Direct = {
      path: endpoint.path,
      serve: (request, response) => {
        serve(ctx, { face, endpoint, request, response, id: '' }).catch((error: unknown) => {
          if (!answerError(error, request, response)) response.destroy()
        })
      },
    }
    return [`${endpoint.method} ${endpoint.path}`, direct] as const
  })
}

/** One for a context, so that a token that was looked up is known however its bearer came in. */
const authenticates = new WeakMap<Context, Authenticate>()

function authenticateOf(ctx: Context): Authenticate {
  const authenticate = authenticates.get(ctx) ?? bearerAuthentication(ctx)
  authenticates.set(ctx, authenticate)
  return authenticate
}

interface Exchange {
  readonly face: ProblemFace
  readonly endpoint: Endpoint
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the address names. */
  readonly id: string
}

async function serve(ctx: Context, exchange: Exchange): Promise<void> {
  const { face, endpoint, request, response, id } = exchange
  // Who asks, before anything that they send is read.
  const caller = await authenticateOf(ctx)(request)
  const { clientId } = caller
  note(response, { client: clientId })
  // A token for one person's credentials, or for one of them, is for nothing that is the client's.
  if (!caller.scopes.has('service') || caller.personId !== undefined) {
    throw new Refusal('forbidden', "The access token is not the client's own, of the scope service.")
  }
  const wanted = acceptable(request.headers.accept, endpoint.produces)
  if (wanted === undefined) {
    throw new Refusal('not_acceptable', `What is answered here is ${endpoint.produces.join(', ')}.`)
  }
  const body = endpoint.method === 'GET' ? queryOf(request) : await bodyOf(request, face.bodyOctets)
  const named = request.headers['idempotency-key']
  const idempotencyKey = Array.isArray(named) ? named.join() : named
  const reply = await endpoint.serve(ctx, { clientId, id, body, idempotencyKey })
  answer(response, reply, { accept: request.headers.accept, face })
}

async function bodyOf(request: IncomingMessage, limit: number): Promise<Record<string, unknown>> {
  const { headers } = request
  const isEmpty = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
  if (!isEmpty && headers['content-length'] !== '0') {
    const isPlain = (headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity'
    if (!isPlain || !JSON_TYPE.test(headers['content-type'] ?? '')) {
      throw new Refusal('unsupported_media_type', 'What is read here is application/json, not compressed.')
    }
  }
  return readStrictJson(request, limit)
}

/** @throws Refusal 'invalid_request': what is given twice has two meanings */
function queryOf({ url = '' }: IncomingMessage): Record<string, string> {
  const query = new URLSearchParams(url.split('?')[1])
  const members = [...query]
  if (new Set(query.keys()).size !== members.length) {
    throw new Refusal('invalid_request', 'A parameter is given twice.')
  }
  return Object.fromEntries(members)
}

function answer(
  response: ServerResponse,
  { status, body, mediaType = 'application/json' }: Reply,
  { accept, face }: { readonly accept: string | undefined; readonly face: ProblemFace },
): void {
  response.statusCode = status
  if (body === undefined) {
    response.end()
    return
  }
  // By the name that the caller likes best, of those that are true of it.
  response.setHeader('Content-Type', acceptable(accept, face.alsoCalled(mediaType)) ?? mediaType)
  response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
}
