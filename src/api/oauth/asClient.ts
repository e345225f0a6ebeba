import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { errors } from './library.ts'

type Then = (koa: KoaContextWithOIDC, clientId: string) => Promise<void>

/** A grant that nobody can ask for: at the token endpoint it is none. */
const GRANT = 'urn:intaglio:client'
/** What the library authenticates a client by, besides headers and certificates. */
const CREDENTIALS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

const waiting = new WeakMap<IncomingMessage, Then>()

/** The grants that a client of the library must have for `asClient`. */
export const CLIENT_GRANTS: readonly string[] = [GRANT]

/**
 * Endpoints of ours that want a client authenticated as the token endpoint does it, in one place and by one code: the
 * library has no door for that but its own endpoints, whose other checks do not fit the CSC API's parameters. So the
 * client's credentials, and nothing else of the form, go through the token endpoint to a grant of our own.
 */
export function registerClientGrant(provider: Provider): void {
  provider.registerGrantType(GRANT, async (koa) => {
    const then = waiting.get(koa.req)
    if (then === undefined) throw new errors.UnsupportedGrantType()
    await then(koa, koa.oidc.client.clientId)
  })
}

/** Answers the request, by `then` where its client is who it says, or by the library's refusal. */
export async function asClient(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  asked: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly form: URLSearchParams
  },
  then: Then,
): Promise<void> {
  const { request, response, form } = asked
  const fields = new URLSearchParams({ grant_type: GRANT })
  for (const [name, value] of form) if (CREDENTIALS.includes(name)) fields.append(name, value)
  const body = Buffer.from(fields.toString())
  const headers = { ...request.headers, 'content-length': String(body.length) }
  delete headers['transfer-encoding']
  const inner = Object.assign(Readable.from([body]), {
    method: 'POST',
    url: '/token',
    originalUrl: '/oauth2/token',
    baseUrl: '/oauth2',
    httpVersion: request.httpVersion,
    socket: request.socket,
    headers,
  }) as unknown as IncomingMessage
  waiting.set(inner, then)
  await serve(inner, response)
}
