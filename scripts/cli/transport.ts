import { readFileSync } from 'node:fs'
import { request as overHttp } from 'node:http'
import { request as overTls } from 'node:https'
import { Failure } from './failure.ts'

/** How the command line connects: PEM files, all optional. */
export interface Connection {
  /** The authorities that the service's certificate is checked with; those that come with Node where absent. */
  readonly ca: string | undefined
  /** The operator's own certificate and key, where the service requires one. */
  readonly certificate: string | undefined
  readonly key: string | undefined
}

export interface Outgoing {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly timeoutMs: number
}

export interface Incoming {
  readonly status: number
  readonly text: string
}

/**
 * Sends one request. (`fetch` can show no certificate.)
 * @throws Failure 'unreachable' where there is no answer, 'usage' for files that cannot be read
 */
export async function send(outgoing: Outgoing, connection: Connection): Promise<Incoming> {
  const { method, url, headers, body, timeoutMs } = outgoing
  const isTls = new URL(url).protocol === 'https:'
  const options = {
    method,
    headers: { ...headers, 'content-length': String(body.length) },
    signal: AbortSignal.timeout(timeoutMs),
    ...(isTls ? tlsOptions(connection) : {}),
  }
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(unreachable(url, error))
    const sent = (isTls ? overTls : overHttp)(url, options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', failed)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
      )
    })
    sent.on('error', failed)
    sent.end(body)
  })
}

function tlsOptions({ ca, certificate, key }: Connection): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  if ((certificate === undefined) !== (key === undefined))
    throw new Failure('usage', 'A certificate goes together with its key: --certificate and --key.')
  return {
    ...(ca === undefined ? {} : { ca: fileOf(ca) }),
    ...(certificate === undefined ? {} : { cert: fileOf(certificate) }),
    ...(key === undefined ? {} : { key: fileOf(key) }),
  }
}

function fileOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException
    throw new Failure('usage', `${path} cannot be read (${code}).`)
  }
}

function unreachable(url: string, error: unknown): Failure {
  const { code, name, message } = error as NodeJS.ErrnoException
  // OpenSSL's own words say what the service did not like, or what is not to like about it.
  const alert = /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1]
  return new Failure('unreachable', `${new URL(url).origin} cannot be reached (${alert ?? code ?? name}).`)
}
