import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * pass: as if it were not there · cut: connections are reset and new ones refused at once · silent: connections stay
 * open, and nothing passes either way.
 */
type Mode = 'pass' | 'cut' | 'silent'

/** A wire between the service and its database that a test may cut, silence and slow down. */
export class Proxy {
  readonly #server: Server
  readonly #target: number
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #mode: Mode = 'pass'
  /** Milliseconds that each piece takes longer, each way. */
  latencyMs = 0

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
    server.on('connection', (client) => this.#join(client))
  }

  static async to(target: number): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true })
    const proxy = new Proxy(server, target)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  /** The same database, by way of this wire. */
  through(url: string): string {
    const changed = new URL(url)
    changed.port = String((this.#server.address() as AddressInfo).port)
    return changed.href
  }

  set(mode: Mode): void {
    this.#mode = mode
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        if (mode === 'cut') socket.resetAndDestroy()
        else if (mode === 'silent') socket.pause()
        else socket.resume()
      }
    }
  }

  async close(): Promise<void> {
    this.set('cut')
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    if (this.#mode === 'cut') {
      client.resetAndDestroy()
      return
    }
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true })
    const pair = [client, server] as const
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    for (const [from, to] of [pair, [server, client] as const]) {
      from.setNoDelay(true)
      from.on('error', end)
      from.on('close', end)
      from.on('data', (piece: Buffer) => {
        if (this.latencyMs === 0) to.write(piece)
        else setTimeout(() => to.write(piece), this.latencyMs)
      })
      if (this.#mode === 'pass') from.resume()
      else from.pause()
    }
  }
}
