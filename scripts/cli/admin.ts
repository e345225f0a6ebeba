import { signRequest, type Identity } from '../../src/api/admin/identity.ts'
import type { EndpointName } from '../../src/api/admin/matrix.ts'
import { Failure } from './failure.ts'
import { chooseIdentity, serviceUrl, type Surroundings } from './identities.ts'
import { send, type Incoming } from './transport.ts'

/** Longer than any answer but a probe's takes. */
const TIMEOUT_MS = 30_000

export type Item = Readonly<Record<string, unknown>>
export interface Page {
  readonly items: readonly Item[]
  readonly next?: string
}

export interface Request {
  /** Values for the `:names` of the endpoint's path. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly timeoutMs?: number
}

/** Calls the admin face: signs each request with the operator's key. */
export class Admin {
  readonly #where: Surroundings

  constructor(where: Surroundings) {
    this.#where = where
  }

  /** Who makes a request to this endpoint. */
  identity(endpoint: EndpointName): Identity {
    return chooseIdentity(this.#where, endpoint)
  }

  /** @throws Failure 'refused' with the service's own sentence, 'unreachable' when there is no service to say one */
  async call(endpoint: EndpointName, request: Request = {}): Promise<unknown> {
    const identity = this.identity(endpoint)
    const base = serviceUrl(this.#where, identity)
    const [method, pattern] = endpoint.split(' ') as [string, string]
    const url = `${base}/admin/v1${filled(pattern, request.params ?? {})}${queryString(request.query ?? {})}`
    const body = request.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(request.body))
    const authorization = `Bearer ${await signRequest(identity, { method, url, body })}`
    const headers = { authorization, ...(body.length === 0 ? {} : { 'content-type': 'application/json' }) }
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS
    return answer(base, await send({ method, url, headers, body, timeoutMs }, this.#where.connection))
  }

  async item(endpoint: EndpointName, request: Request = {}): Promise<Item> {
    return (await this.call(endpoint, request)) as Item
  }

  async page(endpoint: EndpointName, request: Request = {}): Promise<Page> {
    return (await this.call(endpoint, request)) as Page
  }
}

function filled(pattern: string, params: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/:([a-z]+)/g, (_all, name: string) => encodeURIComponent(params[name] ?? ''))
}

function queryString(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? '' : `?${given.toString()}`
}

function answer(base: string, { status, text }: Incoming): unknown {
  const body = parsedJson(text)
  if (status >= 200 && status < 300 && body !== undefined) return body
  const detail = (body as { detail?: unknown } | undefined)?.detail
  const away = status >= 502 && status <= 504
  if (typeof detail === 'string') throw new Failure(away ? 'unreachable' : 'refused', detail)
  if (away) throw new Failure('unreachable', `${base} is not available (${status}).`)
  throw new Failure('refused', `${base} answered ${status}, and not as Intaglio does.`)
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
