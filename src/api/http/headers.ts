import type { Step } from './direct.ts'

/** For an API: nothing is stored, sniffed, framed or run. Routers that serve pages or cacheable files set their own. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
}
/** One year (RFC 6797); only where the service's address is HTTPS. */
const HSTS = 'max-age=31536000'

/** Set once, before any router. @param baseUrl the service's public address. */
export function securityHeaders(baseUrl: string): Step {
  const headers = Object.entries(
    baseUrl.startsWith('https:') ? { ...HEADERS, 'Strict-Transport-Security': HSTS } : HEADERS,
  )
  return (_request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value)
    next()
  }
}
