import type { RequestHandler } from 'express'
import type { Registry } from 'prom-client'

/** Whoever asks within this time of somebody else gets the same text: a thousand scrapers cost as much as one. */
const CACHED_MS = 1_000

/** GET /metrics, in Prometheus' text format. Nothing is waited for: what a scrape shows is known already. */
export function metricsEndpoint(registry: Registry): RequestHandler {
  let rendered: { readonly at: number; readonly text: Promise<string> } | undefined
  return async (_request, response) => {
    const now = performance.now()
    if (rendered === undefined || now - rendered.at > CACHED_MS) {
      rendered = { at: now, text: registry.metrics() }
    }
    response.setHeader('Content-Type', registry.contentType)
    response.end(await rendered.text)
  }
}
