import { readFileSync, statSync } from 'node:fs'
import { Router, type NextFunction, type Request, type Response } from 'express'
import { ConfigError } from '../../../config/load.ts'
import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { CRL_SHARDS } from '../../pki/publication.ts'
import { UUID, WHOLE_UUID } from '../../uuid.ts'
import { renderErrors, type Render } from '../http/errors.ts'
import type { Html } from '../http/html.ts'
import { preferredLanguage } from '../http/language.ts'
import { notFoundPage, repositoryPage, type Shown } from './page.ts'
import { answer, etagOf, Published, type Sent } from './published.ts'
import { askedOf, authoritiesShown } from './repository.ts'
import { strings } from './strings.ts'

const style = readFileSync(new URL('../http/assets/page.css', import.meta.url), 'utf8')
/** Nothing from elsewhere, nothing inline, no script at all, no frame; the one form asks this service. */
const POLICY = "default-src 'none';style-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'"
const CERTIFICATE = new RegExp(`^(${UUID})\\.cer$`)
const LIST = new RegExp(`^(${UUID})\\.crl$`)
const SHARD = /^(0|[1-9][0-9]{0,3})\.crl$/
const DOCUMENT_CACHE_S = 3_600
const TYPES: Readonly<Record<string, string>> = { pdf: 'application/pdf', txt: 'text/plain; charset=utf-8' }

/** For anyone, without asking who: what certificates say where it is found, and a page for people. */
export function pkiRouter(ctx: Context): Router {
  const router = Router({ caseSensitive: true })
  const published = new Published(ctx)
  const documents = readDocuments(ctx)
  // What asks rightly is served without a router: methods.ts.
  refuseOtherMethods(router, ['/ocsp', '/ocsp/*request'], 'GET, POST')
  if (ctx.config.tsa !== undefined) refuseOtherMethods(router, ['/tsa'], 'POST')
  router.get('/ca/:name', async (request, response, next) => {
    const [, id] = CERTIFICATE.exec(request.params.name) ?? []
    const sent = id === undefined ? undefined : await published.certificate(id)
    await send(sent, { request, response, next })
  })
  router.get('/crl/:name', async (request, response, next) => {
    const [, issuer] = LIST.exec(request.params.name) ?? []
    const sent = issuer === undefined ? undefined : await published.list(issuer, null)
    await send(sent, { request, response, next })
  })
  router.get('/crl/:issuer/:name', async (request, response, next) => {
    const { issuer, name } = request.params
    const [, shard] = SHARD.exec(name) ?? []
    const isOne = shard !== undefined && Number(shard) < CRL_SHARDS && WHOLE_UUID.test(issuer)
    const sent = isOne ? await published.list(issuer, Number(shard)) : undefined
    await send(sent, { request, response, next })
  })
  router.get('/documents/:name', async (request, response, next) => {
    const sent = documents.get(request.params.name)
    await send(sent, { request, response, next })
  })
  router.get('/pki.css', (_request, response) => void response.type('text/css').send(style))
  router.get('/', async (request, response) => {
    const page = repositoryPage(shownTo(ctx, request), {
      authorities: await authoritiesShown(ctx),
      documents: ctx.config.ca.documents,
      asked: await askedOf(ctx, request.query['serial']),
    })
    sendPage(response, 200, page)
  })
  router.use((request, response) => sendPage(response, 404, notFoundPage(shownTo(ctx, request))))
  router.use(renderErrors(ctx.log, render))
  return router
}

function refuseOtherMethods(router: Router, at: string[], allowed: string): void {
  router.all(at, (_request, response) => {
    response.setHeader('Allow', allowed)
    throw new Refusal('method_not_allowed', `It is asked by ${allowed.replace(', ', ' and by ')}`)
  })
}

/** What is not there is answered as everything that is not. */
async function send(
  sent: Sent | undefined,
  { request, response, next }: { request: Request; response: Response; next: NextFunction },
): Promise<void> {
  if (sent === undefined) next()
  else await answer(request, response, sent)
}

function shownTo(ctx: Context, request: Request): Shown {
  return { service: ctx.config.csc.name, language: preferredLanguage(request, strings) }
}

function sendPage(response: Response, status: number, page: Html): void {
  response.setHeader('Content-Security-Policy', POLICY)
  response.status(status).type('html').send(page.markup)
}

/**
 * The files of the configuration, as they are at the start.
 * @throws ConfigError for one that cannot be read
 */
function readDocuments({ config }: Context): ReadonlyMap<string, Sent> {
  return new Map(
    config.ca.documents.map(({ name, file }, index) => {
      try {
        const body = readFileSync(file)
        const sent: Sent = {
          type: TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
          etag: etagOf(body),
          lastModified: statSync(file).mtime,
          maxAgeS: DOCUMENT_CACHE_S,
          length: body.length,
          body,
        }
        return [name, sent]
      } catch (error) {
        const { code = 'unreadable' } = error as NodeJS.ErrnoException
        throw new ConfigError([`ca.documents.${String(index)}.file: ${file} cannot be read (${code})`])
      }
    }),
  )
}

const statuses: Readonly<Partial<Record<RefusalCode, number>>> = {
  invalid_request: 400,
  method_not_allowed: 405,
  unavailable: 503,
}

const render: Render = (refusal) => {
  const status = refusal && statuses[refusal.code]
  if (status === undefined) return { status: 500, body: { error: 'server_error' } }
  return { status, body: { error: refusal?.code, error_description: refusal?.message } }
}
