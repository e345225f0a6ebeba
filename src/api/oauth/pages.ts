import type { Response } from 'express'
import type { Html } from '../http/html.ts'

/** Seconds: the page says "in a minute". */
const RETRY_AFTER_S = '60'

export interface Page {
  readonly status: number
  readonly page: Html
  /** Where the answer to the page's form may send the browser: browsers ask the policy about that, too. */
  readonly redirectUri?: string
  /** It takes what stands after # in its address, by a script of ours. */
  readonly hasFragment?: boolean
}

/** Nothing from elsewhere, nothing inline, no script where none is needed, no frame. */
export function sendPage(response: Response, { status, page, redirectUri, hasFragment }: Page): void {
  const formAction = ["'self'", ...(redirectUri === undefined ? [] : [originOf(redirectUri)])]
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    ...(hasFragment === true ? ["script-src 'self'"] : []),
    `form-action ${formAction.join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  response.setHeader('Content-Security-Policy', policy.join(';'))
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  if (status === 503) response.setHeader('Retry-After', RETRY_AFTER_S)
  response.status(status).type('html').send(page.markup)
}

/** As a policy names a source: an origin, or the scheme of an app, which has none. */
function originOf(redirectUri: string): string {
  const { origin, protocol } = new URL(redirectUri)
  return origin === 'null' ? protocol : origin
}
