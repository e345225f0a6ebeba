import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A client that has not sent its headers by then is not one. */
const HEADERS_TIMEOUT_MS = 10_000
/** Bodies are small; a slower sender holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 30_000
/** Longer than reverse proxies keep an idle connection, so that it is never us who closes it under a request. */
const KEEP_ALIVE_MS = 75_000
/** While draining, connections that went idle after their answer are closed this often. */
const DRAIN_POLL_MS = 50

/** A listening socket. It answers 503 until it is given what it serves, so that a port in use shows at once. */
export class Listener {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #live = new Set<ServerResponse>()
  #handler: RequestListener = starting
  #draining = false

  private constructor(server: Server) {
    this.#server = server
    server.headersTimeout = HEADERS_TIMEOUT_MS
    server.requestTimeout = REQUEST_TIMEOUT_MS
    server.keepAliveTimeout = KEEP_ALIVE_MS
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (request, response) => {
      this.#live.add(response)
      response.on('close', () => this.#live.delete(response))
      if (this.#draining) response.setHeader('Connection', 'close')
      this.#handler(request, response)
    })
  }

  /** @throws Error with code EADDRINUSE, EADDRNOTAVAIL or EACCES. Port 0 takes a free one. */
  static async open(address: { readonly host: string; readonly port: number }): Promise<Listener> {
    const server = createServer()
    const listener = new Listener(server)
    server.listen({ host: address.host, port: address.port })
    await once(server, 'listening')
    return listener
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  serve(handler: RequestListener): void {
    this.#handler = handler
  }

  /** Takes no new connection, lets requests under way end, and cuts what is left at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true
    for (const response of this.#live) {
      if (!response.headersSent) response.setHeader('Connection', 'close')
    }
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const poll = setInterval(() => this.#closeIdle(), DRAIN_POLL_MS)
    const deadline = setTimeout(() => this.#server.closeAllConnections(), deadlineMs)
    await closed
    clearInterval(poll)
    clearTimeout(deadline)
  }

  #closeIdle(): void {
    this.#server.closeIdleConnections()
    // Node counts a connection as idle only after its first request; browsers open some that never have one.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

const starting: RequestListener = (_request, response) => {
  response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' })
  response.end('The service is starting.\n')
}
