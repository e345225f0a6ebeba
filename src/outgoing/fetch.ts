import type { LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import { request as openRequest, type RequestOptions } from 'node:https'
import { isIP, type LookupFunction, type TcpNetConnectOpts } from 'node:net'
import { isPublicAddress } from './addresses.ts'
import { Deadlines, type Limits } from './deadlines.ts'
import { OutgoingError } from './errors.ts'
import { resolveHost, type Resolve } from './resolve.ts'

/** What the service calls others for. Each purpose has its own list of hosts. */
export type OutgoingPurpose = 'notification' | 'message' | 'did-web' | 'status-list'

/**
 * TABLE: octets of an answer's body, by purpose. What clients and the operator's gateway say is a note to us, of which nobody
 * reads more than the beginning; a document of keys is read, and one with a hundred of them fits; so does a status list of some
 * ten million entries, of which one in fifty is revoked.
 */
const MAX_OCTETS: Readonly<Record<OutgoingPurpose, number>> = {
  notification: 16 * 1024,
  message: 16 * 1024,
  'did-web': 64 * 1024,
  'status-list': 1024 * 1024,
}

export interface OutgoingRequest {
  readonly purpose: OutgoingPurpose
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Ends the request early: the service drains. */
  readonly signal?: AbortSignal
}

/** Whatever the other side said. Nothing of it is believed here; fetchObject.ts reads what is a document. */
export interface OutgoingAnswer {
  readonly status: number
  readonly body: Buffer
}

/**
 * One request to somebody else's server, by https, to a public address.
 * @throws OutgoingError, and nothing else
 */
export type Fetch = (request: OutgoingRequest) => Promise<OutgoingAnswer>

export interface OutgoingOptions {
  /** Hosts that may be called, by purpose: names, or `*.name` for all below. Undefined: any public one. */
  readonly hosts: Readonly<Record<OutgoingPurpose, readonly string[] | undefined>>
  /** Hosts whose addresses may be private, whatever they are called for: a laptop's and a test's. */
  readonly privateHosts: readonly string[]
  /** The same for one purpose: what stands in the operator's own network. */
  readonly privateFor?: Readonly<Partial<Record<OutgoingPurpose, readonly string[]>>>
  /** PEM: authorities that are believed in place of the system's. */
  readonly ca?: string | Buffer | undefined
  readonly resolve?: Resolve
  readonly limits?: Limits
}

/**
 * Long enough for a server across the world that starts a process for the request; short enough that a slow one holds a
 * place for seconds only.
 */
const LIMITS: Limits = { connectMs: 5_000, headersMs: 10_000, wholeMs: 15_000 }
/** Milliseconds for one of a host's addresses before the next is tried. */
const NEXT_ADDRESS_MS = 1_000
/** Octets of the answer's headers. */
const MAX_HEADERS = 8 * 1024

/**
 * The only way out of the service, apart from its database and its token. A host is resolved once, every address is
 * checked, and the connection goes to what was checked: a name that answers differently the next time gains nothing.
 */
export function guardedFetch(options: OutgoingOptions): Fetch {
  const { limits = LIMITS, privateHosts, privateFor = {} } = options
  return async (request) => {
    const host = checkedHost(options, request)
    const isPrivate = privateHosts.includes(host) || privateFor[request.purpose]?.includes(host) === true
    const resolve = options.resolve ?? resolveHost(isPrivate)
    const deadlines = new Deadlines(limits, request.signal)
    try {
      const addresses = await deadlines.race(resolve(host))
      checkAddresses(addresses, isPrivate)
      return await exchange(request, { tls: connection(options, host, addresses), deadlines, limits })
    } catch (error) {
      throw OutgoingError.of(error)
    } finally {
      deadlines.end()
    }
  }
}

/** A name, or an address without brackets: as lists of hosts have it. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** @throws OutgoingError */
function checkedHost({ hosts }: OutgoingOptions, { url, purpose }: OutgoingRequest): string {
  if (url.protocol !== 'https:') throw new OutgoingError('not_https')
  if (url.username !== '' || url.password !== '') throw new OutgoingError('host_not_allowed')
  const host = hostOf(url)
  const allowed = hosts[purpose]
  if (allowed !== undefined && !allowed.some((pattern) => isCovered(host, pattern)))
    throw new OutgoingError('host_not_allowed')
  return host
}

function isCovered(host: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}

/** One address that is not public makes the name suspicious, whichever would be taken. */
function checkAddresses(addresses: readonly LookupAddress[], mayBePrivate: boolean): void {
  if (addresses.length === 0) throw new OutgoingError('not_resolved')
  if (!mayBePrivate && !addresses.every(({ address }) => isPublicAddress(address)))
    throw new OutgoingError('address_not_allowed')
}

/** The types know only what HTTP adds to a socket's options. */
type Connection = RequestOptions &
  Pick<TcpNetConnectOpts, 'autoSelectFamily' | 'autoSelectFamilyAttemptTimeout'>

function connection({ ca }: OutgoingOptions, host: string, addresses: readonly LookupAddress[]): Connection {
  const lookup: LookupFunction = (_host, { all }, callback) => {
    const [first] = addresses
    if (all === true) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
  return {
    host,
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    // The name, not the address, is what the certificate is for.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // Said here, so that no variable of the environment turns it off.
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  }
}

interface Way {
  readonly tls: RequestOptions
  readonly deadlines: Deadlines
  readonly limits: Limits
}

function exchange(asked: OutgoingRequest, { tls, deadlines, limits }: Way): Promise<OutgoingAnswer> {
  const { purpose, url, method, headers = {}, body } = asked
  return new Promise((resolve, reject) => {
    const sent = openRequest({
      ...tls,
      method,
      port: url.port === '' ? 443 : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: {
        ...headers,
        // Whoever asks for a status list is nobody in particular.
        ...(purpose === 'status-list' ? {} : { 'user-agent': 'intaglio' }),
        ...(body === undefined ? {} : { 'content-length': body.length }),
      },
      // A connection of its own: none that is open already leads to an address that nobody has checked now.
      agent: false,
      maxHeaderSize: MAX_HEADERS,
    })
    const fail = (error: unknown): void => {
      reject(OutgoingError.of(error))
      sent.destroy()
    }
    deadlines.onEnd(fail)
    sent.on('error', fail)
    sent.on('socket', (socket) => socket.once('secureConnect', () => deadlines.connected()))
    sent.on('response', (response) => {
      deadlines.answered()
      read(response, limits.maxOctets ?? MAX_OCTETS[purpose]).then(resolve, fail)
    })
    sent.end(body)
  })
}

async function read(response: IncomingMessage, maxOctets: number): Promise<OutgoingAnswer> {
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400) throw new OutgoingError('redirected')
  const parts: Buffer[] = []
  let octets = 0
  for await (const part of response) {
    octets += (part as Buffer).length
    if (octets > maxOctets) throw new OutgoingError('too_large')
    parts.push(part as Buffer)
  }
  return { status, body: Buffer.concat(parts) }
}
