import type { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * The OAuth library writes to the console when it is loaded on Node 20 ("Unsupported runtime"; it works, and the tests
 * here run on it). A service's output is its log, so what the library says while loading is kept for the log instead.
 */
const PREFIX = 'oidc-provider '
const said: string[] = []

async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  const keep =
    (otherwise: (...values: unknown[]) => void) =>
    (...values: unknown[]): void => {
      const [first] = values
      if (typeof first === 'string' && first.includes(PREFIX)) said.push(first)
      else otherwise(...values)
    }
  console.warn = keep(warn)
  console.info = keep(info)
  try {
    return await work()
  } finally {
    console.warn = warn
    console.info = info
  }
}

export const { Provider, errors } = await quietly(() => import('oidc-provider'))

/** Where the library keeps the request that it is at. */
const STORAGE = 'oidc-provider/lib/helpers/als.js'
const { default: storage } = (await import(STORAGE)) as { readonly default: AsyncLocalStorage<unknown> }

export type ServeLibrary = (request: IncomingMessage, response: ServerResponse) => Promise<void>

let underWay = 0

/**
 * From the first request that was kept, Node calls hooks for every promise of the process, whoever made it: some 4 % of what
 * a signature costs the service. So nothing is kept any longer than some request is with the library.
 */
export function lettingGo(serve: ServeLibrary): ServeLibrary {
  return async (request, response) => {
    underWay++
    try {
      await serve(request, response)
    } finally {
      underWay--
      if (underWay === 0) storage.disable()
    }
  }
}

/** What the library said when it was loaded. */
export const notices: readonly string[] = said
