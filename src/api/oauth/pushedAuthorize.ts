import type { Request, Response } from 'express'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Context } from '../../context.ts'
import { storeOauthObject, takeOauthObject } from '../../db/oauth.ts'
import { Refusal } from '../../refusal.ts'
import { bearerHash } from '../../signing/permit.ts'
import { provenKey } from '../http/dpop.ts'
import { note } from '../http/requestLog.ts'
import { withAccount } from './accountToken.ts'
import { asClient } from './asClient.ts'
import { AuthorizationError } from './authorizationError.ts'
import { newBearer } from './bearer.ts'
import { readDetails } from './details.ts'
import { readForm } from './form.ts'
import { errors, type ServeLibrary } from './library.ts'
import { readParameters, type Parameters } from './parameters.ts'
import { authorizationRequest, destinationOf } from './request.ts'

/** From the answer to the browser's first request. */
const LIFE_S = 60
const MODEL = 'PushedRequest'
/** RFC 9126, 2.2. */
const PREFIX = 'urn:ietf:params:oauth:request_uri:'

/** Octets of a form or of an address with as many hashes as an authorisation may hold, labels and all. */
export function formLimit({ config }: Context): number {
  return 64 * 1024 + config.csc.maxSignatures * 512
}

/**
 * RFC 9126; CSC API v2.2, 8.2.3. What is pushed is checked whole, so that a client hears of a mistake at once and in JSON.
 * Ours and not the library's: see authorize.ts.
 */
export async function pushedAuthorize(
  { ctx, serve }: { readonly ctx: Context; readonly serve: ServeLibrary },
  request: Request,
  response: Response,
): Promise<void> {
  const form = await readForm(request, formLimit(ctx))
  await asClient(serve, { request, response, form }, async (koa, clientId) => {
    const proofKey = await proofKeyOf(ctx, request)
    const parameters = await checked(ctx, { clientId, form, proofKey }).catch((error: unknown) => {
      throw inJson(error)
    })
    const requestUri = newBearer()
    await storeOauthObject(ctx.db, {
      model: MODEL,
      idHash: bearerHash(requestUri),
      payload: { parameters },
      clientId,
      expiresIn: LIFE_S,
    })
    answer(koa, { clientId, requestUri })
  })
}

function answer(koa: KoaContextWithOIDC, made: { clientId: string; requestUri: string }): void {
  note(koa.res, { client: made.clientId })
  koa.status = 201
  koa.set('Cache-Control', 'no-cache, no-store')
  koa.body = { request_uri: `${PREFIX}${made.requestUri}`, expires_in: LIFE_S }
}

/** RFC 9449, 10.1: a proof that comes with the request says which key its token will be bound to. */
async function proofKeyOf(ctx: Context, request: Request): Promise<string | undefined> {
  const proven = await provenKey(ctx, request)
  if (proven === 'wrong') throw new errors.InvalidDpopProof('The DPoP proof is invalid')
  return proven === 'none' ? undefined : proven.thumbprint
}

interface Pushed {
  readonly clientId: string
  readonly form: URLSearchParams
  readonly proofKey: string | undefined
}

async function checked(ctx: Context, { clientId, form, proofKey }: Pushed): Promise<Parameters> {
  const given = readDetails(ctx, readParameters(form))
  if (given.request_uri !== undefined) throw new Refusal('invalid_request', 'Invalid parameter request_uri')
  // A client that is let in by a header need not say its name again.
  const named = { ...given, client_id: clientId, ...(proofKey === undefined ? {} : { dpop_jkt: proofKey }) }
  if (given.dpop_jkt !== undefined && given.dpop_jkt !== named.dpop_jkt) {
    throw new Refusal('invalid_request', 'Invalid parameter dpop_jkt')
  }
  const destination = await destinationOf(ctx, named)
  const parameters = await withAccount(ctx, destination.client, named)
  await authorizationRequest(ctx, destination, parameters)
  return parameters
}

function inJson(error: unknown): unknown {
  if (error instanceof AuthorizationError) {
    return new errors.CustomOIDCProviderError(error.code, error.message)
  }
  return error instanceof Refusal && error.code === 'invalid_request'
    ? new errors.InvalidRequest(error.message)
    : error
}

/**
 * What was pushed; it works once, whatever becomes of it.
 * @throws Refusal 'invalid_request': unknown, used, too old, or another client's
 */
export async function takePushed(ctx: Context, requestUri: string, clientId: string): Promise<Parameters> {
  const id = requestUri.startsWith(PREFIX) ? requestUri.slice(PREFIX.length) : ''
  const found = await takeOauthObject(ctx.db, { model: MODEL, idHash: bearerHash(id), clientId })
  if (found === undefined) throw new Refusal('invalid_request', 'Invalid parameter request_uri')
  return found['parameters'] as Parameters
}
