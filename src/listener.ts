import { constants } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { Server as NetServer, type AddressInfo, type BlockList, type Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { ListenerTls } from '../config/listeners.ts'
import { keepClientCertificate } from './clientCertificate.ts'
import type { TlsMaterial } from './tlsFiles.ts'

/** A client that has not sent its headers by then is not one. */
const HEADERS_TIMEOUT_MS = 10_000
/** Bodies are small; a slower sender holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 30_000
/** Longer than reverse proxies keep an idle connection, so that it is never us who closes it under a request. */
const KEEP_ALIVE_MS = 75_000
/** A handshake is two round trips. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** For TLS 1.2, where it is allowed: forward secrecy and authenticated encryption only. Those with TLS_ are of TLS 1.3. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
].join(':')
/** While draining, connections that went idle after their answer are closed this often. */
const DRAIN_POLL_MS = 50
/**
 * A client that works without a pause sends its next request sooner than this after an answer. Closing its connection
 * before would meet a request that is on its way, of which the client could not tell whether it was begun.
 */
const DRAIN_QUIET_MS = 250

export interface Address {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Absent: plain HTTP. */
  readonly tls?: { readonly config: ListenerTls; readonly material: TlsMaterial } | undefined
  /** Who gets in; anyone where absent. */
  readonly allowed?: BlockList | undefined
  /** Is told of handshakes that came to nothing: anyone can make them fail. */
  readonly onHandshakeFailed?: (error: Error) => void
}

/** A listening socket. It answers 503 until it is given what it serves, so that a port in use shows at once. */
export class Listener {
  readonly #server: Server | TlsServer
  readonly #tls: ListenerTls | undefined
  readonly #sockets = new Set<Socket>()
  readonly #live = new Set<ServerResponse>()
  /** Since when connections that carried a request carry none, by performance.now(). */
  readonly #idleSince = new Map<Socket, number>()
  #handler: RequestListener = starting
  #draining = false

  private constructor(server: Server | TlsServer, { tls, allowed, onHandshakeFailed }: Address) {
    this.#server = server
    this.#tls = tls?.config
    server.headersTimeout = HEADERS_TIMEOUT_MS
    server.requestTimeout = REQUEST_TIMEOUT_MS
    server.keepAliveTimeout = KEEP_ALIVE_MS
    server.on('connection', (socket: Socket) => {
      if (allowed !== undefined && !isAllowed(allowed, socket)) socket.destroy()
      else this.#follow(socket)
    })
    server.on('secureConnection', (socket: TLSSocket) => this.#secured(socket))
    if (onHandshakeFailed !== undefined) server.on('tlsClientError', onHandshakeFailed)
    server.on('request', (request, response) => {
      const { socket } = request
      this.#live.add(response)
      this.#idleSince.delete(socket)
      response.on('close', () => {
        this.#live.delete(response)
        if (this.#sockets.has(socket)) this.#idleSince.set(socket, performance.now())
      })
      if (this.#draining) response.setHeader('Connection', 'close')
      this.#handler(request, response)
    })
  }

  /** @throws Error with code EADDRINUSE, EADDRNOTAVAIL or EACCES. Port 0 takes a free one. */
  static async open(address: Address): Promise<Listener> {
    const server = address.tls === undefined ? createServer() : createTlsServer(serverOptions(address.tls))
    const listener = new Listener(server, address)
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

  /** New connections get this certificate; those that are open keep theirs. */
  renew(material: TlsMaterial): void {
    if (this.#tls === undefined || !('setSecureContext' in this.#server)) return
    this.#server.setSecureContext(contextOptions({ config: this.#tls, material }))
  }

  /** Takes no new connection, lets requests under way end, and cuts what is left at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true
    for (const response of this.#live) {
      if (!response.headersSent) response.setHeader('Connection', 'close')
    }
    // Of net, which stops to listen: that of http would also close what is idle, at once.
    const closed = new Promise<void>((resolve) =>
      NetServer.prototype.close.call(this.#server, () => resolve()),
    )
    const poll = setInterval(() => this.#closeIdle(), DRAIN_POLL_MS)
    const deadline = setTimeout(() => this.#server.closeAllConnections(), deadlineMs)
    await closed
    clearInterval(poll)
    clearTimeout(deadline)
  }

  #follow(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#idleSince.delete(socket)
    })
  }

  #secured(socket: TLSSocket): void {
    const { clientCa, clientCertificates } = this.#tls ?? {}
    if (clientCertificates !== 'none') keepClientCertificate(socket, { trusted: clientCa !== undefined })
    // Without an authority of ours the handshake lets everyone through.
    const isNobody = clientCertificates === 'require' && socket.getPeerX509Certificate() === undefined
    if (isNobody) socket.destroy()
    else this.#follow(socket)
  }

  #closeIdle(): void {
    const quiet = performance.now() - DRAIN_QUIET_MS
    for (const [socket, since] of this.#idleSince) if (since < quiet) socket.destroy()
    // Browsers open connections that never carry a request.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

function serverOptions(tls: NonNullable<Address['tls']>) {
  const { clientCa, clientCertificates } = tls.config
  return {
    ...contextOptions(tls),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    requestCert: clientCertificates !== 'none',
    // 'request' lets those in who show none; what they do then is the faces' business.
    rejectUnauthorized: clientCertificates === 'require' && clientCa !== undefined,
  }
}

function contextOptions({ config, material }: NonNullable<Address['tls']>): SecureContextOptions {
  const { SSL_OP_NO_TICKET, SSL_OP_NO_RENEGOTIATION } = constants
  return {
    ...material,
    minVersion: config.minVersion,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A resumed session is not verified again: where certificates say who it is, each connection shows its own.
    secureOptions: SSL_OP_NO_RENEGOTIATION | (config.clientCertificates === 'none' ? 0 : SSL_OP_NO_TICKET),
  }
}

function isAllowed(allowed: BlockList, socket: Socket): boolean {
  const { remoteAddress, remoteFamily } = socket
  if (remoteAddress === undefined) return false
  return allowed.check(remoteAddress, remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4')
}

const starting: RequestListener = (_request, response) => {
  response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' })
  response.end('The service is starting.\n')
}
