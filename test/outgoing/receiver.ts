import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Authority } from '../support/authority.ts'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** The address that was called. */
  readonly at: string | undefined
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Somebody's HTTPS server, on this machine, by a certificate for some names that only a test's authority vouches for. */
export class Receiver {
  readonly port: number
  /** PEM. */
  readonly ca: string
  readonly received: Received[] = []
  /** How it answers from now on. */
  answer: Answer = (_request, response) => void response.writeHead(204).end()
  readonly #server: Server
  #waiting: (() => void)[] = []

  private constructor(server: Server, ca: string) {
    this.#server = server
    this.ca = ca
    this.port = (server.address() as AddressInfo).port
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const { method = '', url: path = '', headers, socket } = request
        const body = Buffer.concat(parts).toString('utf8')
        this.received.push({ method, path, headers, body, at: socket.localAddress })
        this.answer(request, response)
        for (const tell of this.#waiting.splice(0)) tell()
      })
    })
  }

  static async start(hosts: readonly string[] = ['localhost']): Promise<Receiver> {
    const authority = await Authority.create('Receivers')
    const { certificate, key } = await authority.issue({ name: 'receiver', hosts })
    const server = createServer({ cert: certificate, key })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    return new Receiver(server, authority.pem)
  }

  /** Resolves when so many requests have come in, since it was started. */
  async until(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
