import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { findOauthObject, storeOauthObject, takeOauthObject } from '../../db/oauth.ts'
import { Refusal } from '../../refusal.ts'
import { bearerHash } from '../../signing/permit.ts'
import { typedOtp } from '../../signing/totp.ts'
import { note } from '../http/requestLog.ts'
import { AuthorizationError } from './authorizationError.ts'
import { newBearer } from './bearer.ts'
import { CONSENT } from './codes.ts'
import { consentPage, failedPage, type Shown } from './consentPage.ts'
import { decide } from './decide.ts'
import type { Typed } from './decided.ts'
import { readForm } from './form.ts'
import { languageOf } from './language.ts'
import { sendPage } from './pages.ts'
import type { Parameters } from './parameters.ts'
import { refuseTo, sendTo } from './redirect.ts'
import { authorizationRequest, destinationOf, type AuthorizationRequest } from './request.ts'
import { sendOnPage } from './sendOnPage.ts'
import type { Language } from './strings.ts'

/** Seconds to read, to look for the PIN, and to type it. */
const LIFE_S = 600
/** A PIN, a new one twice, a one-time code, a credential's id, and which button. */
const BODY_LIMIT = 8192
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

export function showConsent(ctx: Context, request: Request, response: Response): Promise<void> {
  return asPages(ctx, { request, response }, async (open, language) => {
    const asked = await askedOf(ctx, response, open)
    if (asked === undefined) return
    const page = consentPage(ctx, shownOf(ctx, { open, asked, language }))
    sendPage(response, { status: 200, page, redirectUri: asked.redirectUri })
  })
}

/** What the holder says: the PIN, or no, or that a code is to be sent. */
export async function answerConsent(ctx: Context, request: Request, response: Response): Promise<void> {
  const form = await readForm(request, BODY_LIMIT)
  await asPages(ctx, { request, response }, async (open, language) => {
    if (!isEqual(form.get('token') ?? '', tokenOf(open))) throw gone()
    const asked = await askedOf(ctx, response, open)
    if (asked === undefined) return
    const credentialId = (form.get('credential') ?? '').trim()
    const shown = { ...shownOf(ctx, { open, asked, language }), credentialId }
    const answer = form.get('answer')
    if (answer === 'send') {
      await send(ctx, response, { open, asked, shown })
    } else if (answer === 'approve') {
      await approve(ctx, response, { open, asked, shown, typed: typedIn(form, credentialId) })
    } else {
      await refuse(ctx, response, { open, asked, error: new AuthorizationError('access_denied', DENIED) })
    }
  })
}

function typedIn(form: URLSearchParams, credentialId: string): Typed {
  const [pin = '', newPin = '', again = ''] = ['pin', 'newPin', 'again'].map((name) => form.get(name) ?? '')
  return { pin, newPin, again, credentialId, otp: typedOtp(form.get('otp')) }
}

interface Answered {
  readonly open: Open
  readonly asked: AuthorizationRequest
  readonly shown: Shown & { readonly credentialId: string }
}

async function approve(
  ctx: Context,
  response: Response,
  { open, asked, shown, typed }: Answered & { readonly typed: Typed },
): Promise<void> {
  const outcome = await decide(ctx, { consent: open, asked, typed })
  switch (outcome.kind) {
    case 'gone':
      throw gone()
    case 'refuse':
      await refuse(ctx, response, { open, asked, error: outcome.error })
      break
    case 'code':
      sendTo(ctx, response, { destination: asked, answer: { code: outcome.code } })
      break
    case 'ask again': {
      const { mistake, status, refusal } = outcome
      note(response, { refusal })
      const page = consentPage(ctx, { ...shown, mistake })
      sendPage(response, { status, page, redirectUri: asked.redirectUri })
    }
  }
}

async function refuse(
  ctx: Context,
  response: Response,
  { open, asked, error }: Pick<Answered, 'open' | 'asked'> & { readonly error: AuthorizationError },
): Promise<void> {
  await end(ctx, open)
  refuseTo(ctx, response, { destination: asked, error })
}

/** The holder wants a code to be sent. */
async function send(ctx: Context, response: Response, { open, asked, shown }: Answered): Promise<void> {
  const { credential } = asked
  const told = await sendOnPage(ctx, response, {
    clientId: open.clientId,
    credentialId: credential?.id ?? shown.credentialId,
    isLogin: credential === undefined,
    lang: open.parameters.lang ?? shown.language,
  })
  const page = consentPage(ctx, { ...shown, told })
  sendPage(response, { status: 200, page, redirectUri: asked.redirectUri })
}

const gone = (): Refusal => new Refusal('not_found', 'The page is no longer valid')

/** Works with the consent that the address names. A browser gets a page, whatever goes wrong that is no bug of ours. */
async function asPages(
  ctx: Context,
  { request, response }: { readonly request: Request; readonly response: Response },
  work: (open: Open, language: Language) => Promise<void>,
): Promise<void> {
  let language = languageOf(request, undefined)
  try {
    const open = await openOf(ctx, request)
    if (open === undefined) throw gone()
    language = languageOf(request, open.parameters.lang)
    await work(open, language)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    note(response, { refusal: error.code })
    const isAway = error.code === 'unavailable'
    const page = failedPage({ service: ctx.config.csc.name, language }, isAway ? 'unavailable' : 'gone')
    sendPage(response, { status: isAway ? 503 : 404, page })
  }
}

function shownOf(
  { config }: Context,
  { open, asked, language }: { open: Open; asked: AuthorizationRequest; language: Language },
): Shown {
  return { service: config.csc.name, language, request: asked, token: tokenOf(open) }
}

const DENIED = 'The request was denied'

/**
 * The request as it is now: credential and client may have changed since it was made.
 * @returns undefined: answered
 * @throws Refusal where the client, or its address, is none any more
 */
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

/**
 * What the page's form carries and no other page knows: derived from the cookie, which scripts cannot read, over what the
 * page shows. What somebody alters in the database meanwhile is not what is approved.
 */
function tokenOf({ cookie, parameters }: Open): string {
  const shown = createHash('sha256').update(JSON.stringify(parameters)).digest()
  const hash = createHash('sha256').update('intaglio consent form v1').update(cookie).update(shown)
  return hash.digest('base64url')
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
