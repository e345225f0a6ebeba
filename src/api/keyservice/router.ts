import type { IncomingMessage, ServerResponse } from 'node:http'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { formats } from '../../credentials/formats/index.ts'
import { Refusal } from '../../refusal.ts'
import { acceptable } from '../http/accept.ts'
import { bearerAuthentication, type Authenticate } from '../http/authenticate.ts'
import { JSON_TYPE, readJson } from '../http/body.ts'
import type { Direct } from '../http/direct.ts'
import { answerErrors, renderErrors } from '../http/errors.ts'
import { note } from '../http/requestLog.ts'
import { activate } from './activate.ts'
import { remove } from './delete.ts'
import type { Endpoint, Reply } from './endpoint.ts'
import { generate } from './generate.ts'
import { get, list } from './keys.ts'
import { disable, enable, rotate } from './keyState.ts'
import { generalOf } from './mediaTypes.ts'
import { problem, PROBLEM_TYPE } from './problem.ts'
import { signPop } from './signPop.ts'
import { signVc } from './signVc.ts'
import { signVp } from './signVp.ts'

/**
 * Ten credentials of 46 KB in a presentation fit. What is signed with Ed25519 is the message itself, a third longer in
 * base64url, and an authorisation for it goes to the signer in one piece (MAX_AUTHORISED in hsm/wire.ts).
 */
const BODY_OCTETS = 512 * 1024

const signEndpoints = [signVc, signVp, signPop].flatMap((of) => Object.values(formats).map(of))

/** TABLE of the face. */
export const endpoints: readonly Endpoint[] = [
  generate,
  remove,
  activate,
  ...signEndpoints,
  list,
  get,
  disable,
  enable,
  rotate,
]

/** The key service (the interface of EECC's key-service), to be mounted at the root. */
export function keyserviceRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const face = faceOf(ctx)
  for (const endpoint of endpoints) {
    const verb = endpoint.method === 'GET' ? 'get' : 'post'
    router[verb](endpoint.path, (request, response) =>
      serve(face, endpoint, { request, response, id: String(request.params['id'] ?? '') }),
    )
    router.all(endpoint.path, (_request, response) => {
      response.setHeader('Allow', endpoint.method)
      throw new Refusal('method_not_allowed', `Here is ${endpoint.method}, and nothing else.`)
    })
  }
  router.use(['/sign', '/keys'], () => {
    throw new Refusal('not_found', 'There is no such address.')
  })
  router.use(renderErrors(ctx.log, problem, PROBLEM_TYPE))
  return router
}

/** What is asked for thousands of times a second, to be served without a router. */
export function keyserviceMethods(ctx: Context): readonly (readonly [string, Direct])[] {
  const face = faceOf(ctx)
  const answerError = answerErrors(ctx.log, problem, PROBLEM_TYPE)
  const direct = (endpoint: Endpoint): Direct => ({
    path: endpoint.path,
    serve: (request, response) => {
      serve(face, endpoint, { request, response, id: '' }).catch((error: unknown) => {
        if (!answerError(error, request, response)) response.destroy()
      })
    },
  })
  return [activate, ...signEndpoints].map(
    (endpoint) => [`${endpoint.method} ${endpoint.path}`, direct(endpoint)] as const,
  )
}

interface Face {
  readonly ctx: Context
  readonly authenticate: Authenticate
}

/** One for a context, so that a token that was looked up is known however its bearer came in. */
const faces = new WeakMap<Context, Face>()

function faceOf(ctx: Context): Face {
  const face = faces.get(ctx) ?? { ctx, authenticate: bearerAuthentication(ctx) }
  faces.set(ctx, face)
  return face
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the address names. */
  readonly id: string
}

async function serve({ ctx, authenticate }: Face, endpoint: Endpoint, exchange: Exchange): Promise<void> {
  const { request, response, id } = exchange
  // Who asks, before anything that they send is read.
  const caller = await authenticate(request)
  const { clientId } = caller
  note(response, { client: clientId })
  // A token for one person's credentials, or for one of them, is for none of the client's keys.
  if (!caller.scopes.has('service') || caller.personId !== undefined) {
    throw new Refusal('forbidden', "The access token is not the client's own, of the scope service.")
  }
  const wanted = acceptable(request.headers.accept, endpoint.produces)
  if (wanted === undefined) {
    throw new Refusal('not_acceptable', `What is answered here is ${endpoint.produces.join(', ')}.`)
  }
  const body = endpoint.method === 'GET' ? queryOf(request) : await bodyOf(request)
  const named = request.headers['idempotency-key']
  const idempotencyKey = Array.isArray(named) ? named.join() : named
  const reply = await endpoint.serve(ctx, { clientId, id, body, idempotencyKey })
  answer(response, reply, request.headers.accept)
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const { headers } = request
  const isEmpty = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
  if (!isEmpty && headers['content-length'] !== '0') {
    const isPlain = (headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity'
    if (!isPlain || !JSON_TYPE.test(headers['content-type'] ?? '')) {
      throw new Refusal('unsupported_media_type', 'What is read here is application/json, not compressed.')
    }
  }
  return readJson(request, BODY_OCTETS)
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

function answer(response: ServerResponse, reply: Reply, accept: string | undefined): void {
  const { status, body, mediaType = 'application/json' } = reply
  response.statusCode = status
  if (body === undefined) {
    response.end()
    return
  }
  // By the name that the caller likes best, of those that are true of it.
  response.setHeader('Content-Type', acceptable(accept, generalOf(mediaType)) ?? mediaType)
  response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
}
