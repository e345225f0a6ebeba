import { readFileSync } from 'node:fs'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { version } from '../../version.ts'
import { openapi, type About, type Operation } from '../http/openapi.ts'
import { docsPage } from './page.ts'

const style = readFileSync(new URL('assets/docs.css', import.meta.url), 'utf8')
/** Nothing from elsewhere, nothing inline, no script at all, no form, no frame. */
const POLICY = "default-src 'none';style-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'"

/**
 * The API described: for programs at /openapi.json, for people at /docs. Both are written when they are first asked for.
 * @param operations what is served at this door, and nothing else
 */
export function docsRouter(
  ctx: Context,
  { url, operations }: { readonly url: string; readonly operations: () => readonly Operation[] },
): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const about: About = { title: ctx.config.csc.name, version, url, oauthUrl: ctx.config.baseUrl }
  const json = once(() => JSON.stringify(openapi(operations(), about)))
  const page = once(() => docsPage(operations(), about).markup)
  router.get('/openapi.json', (_request, response) => void response.type('json').send(json()))
  router.get('/docs', (_request, response) => {
    response.setHeader('Content-Security-Policy', POLICY)
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.type('html').send(page())
  })
  router.get('/docs/docs.css', (_request, response) => void response.type('text/css').send(style))
  return router
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
