import { Router, type Request, type Response } from 'express'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { beginTotp, finishTotp } from '../../signing/totpEnrolment.ts'
import { isOtp, keyUri, typedOtp } from '../../signing/totp.ts'
import { readOctets } from '../http/body.ts'
import type { Html } from '../http/html.ts'
import { preferredLanguage } from '../http/language.ts'
import { note } from '../http/requestLog.ts'
import { beginPage, confirmPage, setUpPage, type CodesShown } from './codesPage.ts'
import { codesStrings, type CodesMistake } from './codesStrings.ts'

/** A number, a PIN and a code; or a confirmation and a code. */
const BODY_LIMIT = 4096
/** More than a PIN can have, and less than would cost anything to hash. */
const PIN_MAX = 256
const CREDENTIAL_ID = /^[A-Za-z0-9_-]{1,100}$/
/** Seconds: the page says "in a minute". */
const RETRY_AFTER_S = '60'

/** Where a holder sets up one-time codes, or moves them to another phone. The seed stands on one answer and nowhere else. */
export function codesRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true })
  const dress = (request: Request) => ({
    service: ctx.config.csc.name,
    language: preferredLanguage(request, codesStrings),
  })
  router.get('/', (request, response) => {
    const { credential } = request.query
    const known = typeof credential === 'string' && CREDENTIAL_ID.test(credential) ? credential : ''
    send(response, { status: 200, page: beginPage(dress(request), known) })
  })
  router.post('/', async (request, response) => {
    send(response, await begin(ctx, dress(request), await formOf(request)))
  })
  router.post('/confirm', async (request, response) => {
    send(response, await confirm(ctx, dress(request), await formOf(request)))
  })
  return router
}

interface Answer {
  readonly status: number
  readonly page: Html
  /** For the log and the count. */
  readonly refusal?: string
}

async function formOf(request: Request): Promise<URLSearchParams> {
  const octets = await readOctets(request, BODY_LIMIT).catch((error: unknown) => {
    // A form that is larger than any has nothing of ours in it.
    if (error instanceof Refusal && error.code === 'too_large') return Buffer.alloc(0)
    throw error
  })
  return new URLSearchParams(octets.toString('utf8'))
}

async function begin(ctx: Context, shown: CodesShown, form: URLSearchParams): Promise<Answer> {
  const typed = (form.get('credential') ?? '').trim()
  const [pin, otp] = [form.get('pin') ?? '', typedOtp(form.get('otp'))]
  const again = (mistake: CodesMistake): Html => beginPage({ ...shown, mistake }, typed)
  if (typed === '' || pin === '' || pin.length > PIN_MAX) {
    return { status: 400, refusal: 'invalid_request', page: again('missing') }
  }
  // A slip, and no attempt.
  if (otp !== undefined && !isOtp(otp)) return { status: 400, refusal: 'otp_invalid', page: again('login') }
  try {
    // No credential has the empty id: it costs what an unknown one does.
    const credentialId = CREDENTIAL_ID.test(typed) ? typed : ''
    const { seed, confirmation } = await beginTotp(ctx, { credentialId, pin, otp })
    const uri = keyUri(seed, { issuer: ctx.config.csc.name, account: credentialId })
    return { status: 200, page: confirmPage(shown, { confirmation, secret: { seed, uri } }) }
  } catch (error) {
    const { mistake, ...answer } = mistakeOf(ctx, error)
    return { ...answer, page: again(mistake) }
  }
}

async function confirm(ctx: Context, shown: CodesShown, form: URLSearchParams): Promise<Answer> {
  const confirmation = form.get('confirmation') ?? ''
  const otp = typedOtp(form.get('code'))
  const again = (mistake: CodesMistake): Html =>
    mistake === 'over'
      ? beginPage({ ...shown, mistake }, '')
      : confirmPage({ ...shown, mistake }, { confirmation })
  if (!isOtp(otp)) return { status: 400, refusal: 'otp_invalid', page: again('code') }
  try {
    const { credentialId } = await finishTotp(ctx, { confirmation, otp })
    return { status: 200, page: setUpPage(shown, credentialId) }
  } catch (error) {
    const { mistake, ...answer } = mistakeOf(ctx, error)
    const isCode = error instanceof Refusal && error.code === 'otp_failed'
    return { ...answer, page: again(isCode ? 'code' : mistake) }
  }
}

/** What is refused, in the pages' own words. */
const mistakes: Readonly<Partial<Record<RefusalCode, readonly [number, CodesMistake]>>> = {
  credential_unknown: [400, 'login'],
  activation_failed: [400, 'login'],
  otp_failed: [400, 'login'],
  credential_locked: [400, 'locked'],
  credential_disabled: [400, 'unusable'],
  certificate_expired: [400, 'unusable'],
  certificate_revoked: [400, 'unusable'],
  certificate_suspended: [400, 'unusable'],
  not_found: [404, 'over'],
  // Something else about the credential was changed at the same moment.
  conflict: [409, 'over'],
  unavailable: [503, 'unavailable'],
}

function mistakeOf(
  ctx: Context,
  error: unknown,
): { readonly status: number; readonly mistake: CodesMistake; readonly refusal: string } {
  const known = error instanceof Refusal ? mistakes[error.code] : undefined
  if (known === undefined || !(error instanceof Refusal)) {
    ctx.log.error({ err: error }, 'setting up one-time codes failed')
    return { status: 500, mistake: 'internal', refusal: 'bug' }
  }
  const [status, mistake] = known
  return { status, mistake, refusal: error.code }
}

function send(response: Response, { status, page, refusal }: Answer): void {
  if (refusal !== undefined) note(response, { refusal })
  if (status === 503) response.set('Retry-After', RETRY_AFTER_S)
  response.status(status).type('html').send(page.markup)
}
