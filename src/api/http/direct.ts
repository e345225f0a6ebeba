import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/** A request, with what a router adds to it. */
export type Asked = IncomingMessage & { readonly originalUrl?: string; readonly route?: unknown }

/** What is done to every request before it is served; needs no more than Node has. */
export type Step = (request: Asked, response: ServerResponse, next: () => void) => void

/** What answers one method of one address. */
export interface Direct {
  /** As a router names its routes. */
  readonly path: string
  serve(request: IncomingMessage, response: ServerResponse): void
}

/** What is served without the router. */
export interface Routes {
  /** By method and exact address, such as 'POST /csc/v2/info'. */
  readonly exact: ReadonlyMap<string, Direct>
  /** By method and how the address begins: what follows is the caller's own, and stands in no log. */
  readonly below: readonly (readonly [string, Direct])[]
}

/**
 * Serves what is called thousands of times a second without the router, which takes some 100 µs to find a route and to
 * dress up request and response: four times what Node needs to read a request and to answer it.
 * @param steps what the router would do first, in its order
 * @param others everything else
 */
export function straight(routes: Routes, steps: readonly Step[], others: RequestListener): RequestListener {
  return (request, response) => {
    const asked = `${request.method ?? ''} ${request.url ?? ''}`
    const below = routes.exact.has(asked)
      ? undefined
      : routes.below.find(([begin]) => asked.startsWith(begin))
    const route = routes.exact.get(asked) ?? below?.[1]
    if (route === undefined) {
      others(request, response)
      return
    }
    Object.assign(request, { route, ...(below && { originalUrl: below[0].slice(asked.indexOf(' ') + 1) }) })
    let serve = (): void => route.serve(request, response)
    for (const step of steps.toReversed()) {
      const next = serve
      serve = () => step(request, response, next)
    }
    serve()
  }
}
