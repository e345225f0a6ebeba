import { readFileSync } from 'node:fs'
import { Router, type Request, type Response } from 'express'
import helmet from 'helmet'
import type { Context } from '../../context.ts'
import { enrol } from '../../pki/enrol.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { readOctets } from '../http/body.ts'
import type { Html } from '../http/html.ts'
import { note } from '../http/requestLog.ts'
import { codesRouter } from './codes.ts'
import { donePage, formPage, mistakePage, type Shown } from './page.ts'
import type { Mistake } from './strings.ts'

const script = readFileSync(new URL('../http/assets/fragment.js', import.meta.url), 'utf8')
const style = readFileSync(new URL('../http/assets/page.css', import.meta.url), 'utf8')

/** A code and two PINs. */
const BODY_LIMIT = 4096
/** Seconds: the page says "in a minute". */
const RETRY_AFTER_S = '60'

/** The holder's page: whoever has the link sets the PIN, and thereby makes the key. Nobody else ever knows the PIN. */
export function enrolRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true })
  const shown: Shown = { service: ctx.config.csc.name, language: 'en' }
  router.use(pageHeaders(ctx))
  router.get('/', (_request, response) => send(response, 200, formPage(shown, { code: '' })))
  router.get('/enrol.js', (_request, response) => void response.type('text/javascript').send(script))
  router.get('/enrol.css', (_request, response) => void response.type('text/css').send(style))
  router.post('/', async (request, response) => {
    const answer = await submit(ctx, shown, request)
    if (answer.refusal !== undefined) note(response, { refusal: answer.refusal })
    send(response, answer.status, answer.page)
  })
  router.use('/codes', codesRouter(ctx))
  router.use((_request, response) => send(response, 404, mistakePage(shown, 'page')))
  return router
}

/** Nothing from elsewhere, nothing inline, no frame, and no address of this page in anybody's log. */
function pageHeaders(ctx: Context) {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: ctx.config.baseUrl.startsWith('https:'),
  })
}

interface Answer {
  readonly status: number
  /** For the log and the count. */
  readonly refusal?: string
  readonly page: Html
}

async function submit(ctx: Context, shown: Shown, request: Request): Promise<Answer> {
  let code = ''
  try {
    const form = new URLSearchParams((await readOctets(request, BODY_LIMIT)).toString('utf8'))
    code = (form.get('code') ?? '').trim()
    const [pin, again] = [form.get('pin') ?? '', form.get('again') ?? '']
    const mistake = mistakeIn({ code, pin, again })
    if (mistake !== undefined)
      return { status: 400, refusal: 'invalid_request', page: formPage(shown, { code, mistake }) }
    const { credentialId } = await enrol(ctx, { code, pin })
    return { status: 200, page: donePage(shown, credentialId) }
  } catch (error) {
    return refused(ctx, shown, { code, error })
  }
}

function mistakeIn(form: { code: string; pin: string; again: string }): Mistake | undefined {
  if (form.code === '' || form.pin === '' || form.again === '') return 'missing'
  return form.pin.normalize('NFC') === form.again.normalize('NFC') ? undefined : 'mismatch'
}

/** What `enrol` refuses, in the page's own words. */
const mistakes: Readonly<Partial<Record<RefusalCode, readonly [number, Mistake]>>> = {
  invalid_request: [400, 'pin'],
  too_large: [413, 'missing'],
  not_found: [404, 'code'],
  unavailable: [503, 'unavailable'],
}

function refused(ctx: Context, shown: Shown, { code, error }: { code: string; error: unknown }): Answer {
  const known = error instanceof Refusal ? mistakes[error.code] : undefined
  if (known === undefined) ctx.log.error({ err: error }, 'an enrolment failed')
  const [status, mistake] = known ?? [500, 'internal']
  const refusal = known !== undefined && error instanceof Refusal ? error.code : 'bug'
  // A code that is no good is not given back: the holder pastes another.
  return { status, refusal, page: formPage(shown, { code: mistake === 'code' ? '' : code, mistake }) }
}

function send(response: Response, status: number, page: Html): void {
  if (status === 503) response.set('Retry-After', RETRY_AFTER_S)
  response.status(status).type('html').send(page.markup)
}
