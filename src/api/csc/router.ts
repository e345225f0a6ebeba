import type { IncomingMessage, ServerResponse } from 'node:http'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { findCredential } from '../../db/credentials.ts'
import { notificationKeySet } from '../../deliveries/notificationKeys.ts'
import { bearerAuthentication, tokenOf, type Authenticate, type Caller } from '../http/authenticate.ts'
import { readJson } from '../http/body.ts'
import type { Direct } from '../http/direct.ts'
import { answerErrors, renderErrors } from '../http/errors.ts'
import { note } from '../http/requestLog.ts'
import type { Dialect } from './dialect.ts'
import type { Asker, Endpoint } from './endpoint.ts'
import { logo } from './logo.ts'
import { credentialID as credentialIDs } from './members.ts'

/** Everything but the hashes. */
const BODY_OCTETS = 64 * 1024
/** A SHA-512 digest in base64, its quotes and comma, and room for white space. */
const HASH_OCTETS = 128

/** An edition of the CSC API (Cloud Signature Consortium), to be mounted where it belongs. */
export function cscRouter(ctx: Context, dialect: Dialect): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const face = faceOf(ctx)
  for (const endpoint of dialect.endpoints) {
    router.post(`/${endpoint.name}`, (request, response) => serve(face, endpoint, { request, response }))
    if (endpoint.byGet) {
      router.get(`/${endpoint.name}`, (request, response) => serve(face, endpoint, { request, response }))
    }
    router.all(`/${endpoint.name}`, (_request, response) => {
      response.setHeader('Allow', endpoint.byGet ? 'GET, POST' : 'POST')
      throw new Refusal('method_not_allowed', 'Methods of this API are called by POST')
    })
  }
  for (const name of dialect.notBuilt) {
    router.all(`/${name}`, () => {
      throw new Refusal('not_implemented', `The method ${name} is not implemented`)
    })
  }
  router.get('/logo.png', (_request, response) => {
    response.setHeader('Cache-Control', 'public, max-age=86400')
    response.type('png').end(logo)
  })
  router.get('/jwks.json', async (_request, response) => {
    const keys = await notificationKeySet(ctx)
    response.setHeader('Cache-Control', 'public, max-age=300')
    response.json(keys)
  })
  router.use(() => {
    throw new Refusal('not_found', 'There is no such method')
  })
  router.use(renderErrors(ctx.log, dialect.renderError))
  return router
}

/** Its methods, to be served without a router: they are where the service spends its time. */
export function cscMethods(
  ctx: Context,
  dialect: Dialect,
  mountedAt: string,
): readonly (readonly [string, Direct])[] {
  const face = faceOf(ctx)
  const answerError = answerErrors(ctx.log, dialect.renderError)
  const direct = (endpoint: Endpoint): Direct => ({
    path: `/${endpoint.name}`,
    serve: (request, response) => {
      serve(face, endpoint, { request, response }).catch((error: unknown) => {
        if (!answerError(error, request, response)) response.destroy()
      })
    },
  })
  return dialect.endpoints.map(
    (endpoint) => [`POST ${mountedAt}/${endpoint.name}`, direct(endpoint)] as const,
  )
}

/** One for a context, so that a token that was looked up is known however its bearer came in. */
const faces = new WeakMap<Context, Face>()

function faceOf(ctx: Context): Face {
  const bodyLimit = BODY_OCTETS + ctx.config.csc.maxSignatures * HASH_OCTETS
  const face = faces.get(ctx) ?? { ctx, authenticate: bearerAuthentication(ctx), bodyLimit }
  faces.set(ctx, face)
  return face
}

interface Face {
  readonly ctx: Context
  readonly authenticate: Authenticate
  /** Octets. */
  readonly bodyLimit: number
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function serve(face: Face, endpoint: Endpoint, { request, response }: Exchange): Promise<void> {
  // Who asks, before anything that they send is read.
  const caller = endpoint.open ? undefined : await callerOf(face, endpoint, { request, response })
  const body = request.method === 'GET' ? queryOf(request) : await readJson(request, face.bodyLimit)
  if (caller !== undefined) await refuseOthers(face.ctx, caller, body)
  const answer = await endpoint.serve(face.ctx, { body, ...askerOf(caller, request) })
  response.statusCode = endpoint.status(answer)
  if (response.statusCode === NO_CONTENT) {
    response.end()
    return
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(answer))
}

const NO_CONTENT = 204

/** @throws Refusal 'invalid_request': what is given twice has two meanings */
function queryOf({ url = '' }: IncomingMessage): Record<string, string> {
  const query = new URLSearchParams(url.split('?')[1])
  for (const name of query.keys()) {
    if (query.getAll(name).length > 1)
      throw new Refusal('invalid_request', `Invalid parameter ${name.slice(0, NAME_SHOWN)}`)
  }
  return Object.fromEntries(query)
}

/** Longer names than any of ours are cut: they are the caller's own text. */
const NAME_SHOWN = 64

async function callerOf(face: Face, endpoint: Endpoint, { request, response }: Exchange): Promise<Caller> {
  const caller = await face.authenticate(request)
  note(response, { client: caller.clientId })
  if (!endpoint.scopes.some((scope) => caller.scopes.has(scope))) {
    throw new Refusal('forbidden', `The access token is not of the scope ${endpoint.scopes[0] ?? ''}`)
  }
  return caller
}

function askerOf(caller: Caller | undefined, request: IncomingMessage): Asker {
  if (caller === undefined) return { clientId: '' }
  const { clientId, personId, credentialId, boundTo } = caller
  return {
    clientId,
    ...(boundTo === undefined ? {} : { certificate: boundTo.thumbprint }),
    ...(personId === undefined ? {} : { personId }),
    ...(credentialId === undefined ? {} : { credentialId, sad: tokenOf(request.headers.authorization) }),
  }
}

/**
 * A token that is for one credential, or for one person's, knows no other: what is somebody else's and what there is not
 * get one answer, whatever the endpoint.
 */
async function refuseOthers(
  ctx: Context,
  { clientId, personId, credentialId }: Caller,
  { credentialID: id }: Readonly<Record<string, unknown>>,
): Promise<void> {
  // What is missing or no text at all is the endpoint's to refuse.
  if (typeof id !== 'string') return
  if (credentialId !== undefined && id !== credentialId) throw unknownCredential()
  if (personId === undefined || !credentialIDs.safeParse(id).success) return
  const row = await findCredential(ctx.db, { id, clientId })
  if (row?.personId !== personId) throw unknownCredential()
}

const unknownCredential = (): Refusal => new Refusal('credential_unknown', 'Invalid parameter credentialID')
