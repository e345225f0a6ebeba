import { Agent, request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Issued } from './authority.ts'

export interface HttpsAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
  /** Of the server's certificate. */
  readonly serial: string | undefined
  readonly protocol: string | null
}

export interface HttpsRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A client that believes one authority, and may show a certificate; one connection for each request unless told otherwise. */
export class HttpsClient {
  readonly #agent: Agent

  constructor(options: {
    readonly ca: string
    readonly shows?: Issued | undefined
    readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
    readonly keepAlive?: boolean
  }) {
    const { ca, shows, maxVersion, keepAlive = false } = options
    this.#agent = new Agent({
      ca,
      keepAlive,
      ...(shows === undefined ? {} : { cert: shows.certificate, key: shows.key }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
    })
  }

  /** @throws Error as node:tls says it, where there is no connection */
  send(url: string, { method = 'GET', headers = {}, body }: HttpsRequest = {}): Promise<HttpsAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent: this.#agent }, (response) => {
        const secure = response.socket as unknown as Pick<TLSSocket, 'getPeerX509Certificate' | 'getProtocol'>
        const serial = secure.getPeerX509Certificate()?.serialNumber
        const protocol = secure.getProtocol()
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8')
          const { statusCode: status = 0, headers: received } = response
          resolve({ status, headers: received, body: parsed(text), serial, protocol })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** What OpenSSL or Node say of a request that ends in an error; 'answered' where it does not. */
  async failure(url: string, request: HttpsRequest = {}): Promise<string> {
    return this.send(url, request).then(
      () => 'answered',
      (error: unknown) => {
        const { code, message } = error as NodeJS.ErrnoException
        return /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? code ?? message
      },
    )
  }

  close(): void {
    this.#agent.destroy()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
