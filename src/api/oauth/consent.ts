import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { findOauthObject, storeOauthObject, takeOauthObject } from '../../db/oauth.ts'
import { bearerHash } from '../../signing/permit.ts'
import { note } from '../http/requestLog.ts'
import { AuthorizationError } from './authorizationError.ts'
import { newBearer } from './bearer.ts'
import { CONSENT } from './codes.ts'
import { consentPage, failedPage, type Shown } from './consentPage.ts'
import { decide } from './decide.ts'
import { readForm } from './form.ts'
import { languageOf } from './language.ts'
import { sendPage } from './pages.ts'
import type { Parameters } from './parameters.ts'
import { refuseTo, sendTo } from './redirect.ts'
import { authorizationRequest, destinationOf, type AuthorizationRequest } from './request.ts'

/** Seconds to read, to look for the PIN, and to type it. */
const LIFE_S = 600
/** A PIN, a credential's id, and which button. */
const BODY_LIMIT = 4096
const COOKIE = 'intaglio_consent'
const COOKIE_VALUE = new RegExp(`(?:^|; *)${COOKIE}=([A-Za-z0-9_-]{43})(?:;|$)`)
const ID = /^[A-Za-z0-9_-]{43}$/

/** A consent is known by its id, in the address, to the browser that has its cookie, and to no other. */
interface Open {
  readonly id: string
  readonly cookie: string
  readonly parameters: Parameters
  readonly clientId: string
}

/** Begins a consent: the browser gets a cookie for this one page, and is sent there. */
export async function openConsent(
  ctx: Context,
  response: Response,
  { parameters, clientId }: { readonly parameters: Parameters; readonly clientId: string },
): Promise<void> {
  const [id, cookie] = [newBearer(), newBearer()]
  await storeOauthObject(ctx.db, {
    model: CONSENT,
    idHash: bearerHash(id),
    payload: { parameters, clientId, cookieHash: bearerHash(cookie).toString('hex') },
    clientId,
    expiresIn: LIFE_S,
  })
  const path = `/oauth2/consent/${id}`
  const secure = ctx.config.baseUrl.startsWith('https:') ? '; Secure' : ''
  // Lax: the client's page sends the browser here. What is posted carries a value of its own besides.
  response.setHeader(
    'Set-Cookie',
    `${COOKIE}=${cookie}; Path=${path}; Max-Age=${LIFE_S}; HttpOnly; SameSite=Lax${secure}`,
  )
  response.statusCode = response.req.method === 'POST' ? 303 : 302
  response.setHeader('Location', path)
  response.end()
}

export async function showConsent(ctx: Context, request: Request, response: Response): Promise<void> {
  const open = await openOf(ctx, request)
  const language = languageOf(request, open?.parameters.lang)
  if (open === undefined) {
    refusePage(ctx, response, language)
    return
  }
  const asked = await askedOf(ctx, response, open)
  if (asked === undefined) return
  const shown: Shown = { service: ctx.config.csc.name, language, request: asked, token: tokenOf(open.cookie) }
  sendPage(response, { status: 200, page: consentPage(ctx, shown), redirectUri: asked.redirectUri })
}

/** What the holder says: the PIN, or no. */
export async function answerConsent(ctx: Context, request: Request, response: Response): Promise<void> {
  const form = await readForm(request, BODY_LIMIT)
  const open = await openOf(ctx, request)
  const language = languageOf(request, open?.parameters.lang)
  if (open === undefined || !isEqual(form.get('token') ?? '', tokenOf(open.cookie))) {
    refusePage(ctx, response, language)
    return
  }
  const asked = await askedOf(ctx, response, open)
  if (asked === undefined) return
  if (form.get('answer') !== 'approve') {
    await end(ctx, open)
    refuseTo(ctx, response, { destination: asked, error: new AuthorizationError('access_denied', DENIED) })
    return
  }
  const typed = { pin: form.get('pin') ?? '', credentialId: (form.get('credential') ?? '').trim() }
  const outcome = await decide(ctx, { consent: open, asked, typed })
  if (outcome.code !== undefined) {
    sendTo(ctx, response, { destination: asked, answer: { code: outcome.code } })
    return
  }
  if (outcome.error !== undefined) {
    await end(ctx, open)
    refuseTo(ctx, response, { destination: asked, error: outcome.error })
    return
  }
  const { mistake } = outcome
  if (mistake.name === 'gone') {
    refusePage(ctx, response, language)
    return
  }
  note(response, { refusal: mistake.refusal })
  const shown: Shown = { service: ctx.config.csc.name, language, request: asked, token: tokenOf(open.cookie) }
  const page = consentPage(ctx, { ...shown, mistake: mistake.name, credentialId: typed.credentialId })
  sendPage(response, { status: mistake.status, page, redirectUri: asked.redirectUri })
}

const DENIED = 'The request was denied'

/** The request as it is now: credential and client may have changed since it was made. @returns undefined: answered */
async function askedOf(
  ctx: Context,
  response: Response,
  open: Open,
): Promise<AuthorizationRequest | undefined> {
  const destination = await destinationOf(ctx, open.parameters)
  try {
    return await authorizationRequest(ctx, destination, open.parameters)
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error
    await end(ctx, open)
    refuseTo(ctx, response, { destination, error })
    return undefined
  }
}

async function end(ctx: Context, { id, clientId }: Open): Promise<void> {
  await takeOauthObject(ctx.db, { model: CONSENT, idHash: bearerHash(id), clientId })
}

function refusePage(ctx: Context, response: Response, language: Shown['language']): void {
  note(response, { refusal: 'not_found' })
  sendPage(response, { status: 404, page: failedPage({ service: ctx.config.csc.name, language }, 'gone') })
}

/** The consent that the address names, if this browser began it. */
async function openOf(ctx: Context, request: Request): Promise<Open | undefined> {
  const id = request.params['id']
  const cookie = COOKIE_VALUE.exec(request.headers.cookie ?? '')?.[1]
  if (typeof id !== 'string' || !ID.test(id) || cookie === undefined) return undefined
  const found = await findOauthObject(ctx.db, { model: CONSENT, idHash: bearerHash(id) })
  if (found === undefined) return undefined
  const { parameters, clientId, cookieHash } = found as {
    parameters: Parameters
    clientId: string
    cookieHash: string
  }
  if (!timingSafeEqual(Buffer.from(cookieHash, 'hex'), bearerHash(cookie))) return undefined
  return { id, cookie, parameters, clientId }
}

/** What the page's form carries and no other page knows: derived from the cookie, which scripts cannot read. */
function tokenOf(cookie: string): string {
  return createHash('sha256').update('intaglio consent form v1').update(cookie).digest('base64url')
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
