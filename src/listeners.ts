import type { RequestListener } from 'node:http'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { listenersOf, mayConnect, pathOf, type Face, type ListenerConfig } from '../config/listeners.ts'
import { Listener } from './listener.ts'
import { readTlsFiles, type TlsFiles, type TlsMaterial } from './tlsFiles.ts'
import { watchTlsFiles } from './tlsWatch.ts'

/** What stands at an address. */
export interface Door {
  /** Where it listens, without a trailing slash. */
  readonly address: string
  /** Its public base URL: operators sign it into their requests. */
  readonly url: string
  readonly faces: ReadonlySet<Face>
  /** Whether callers may show certificates here, and whether they must. */
  readonly clientCertificates: 'none' | 'request' | 'require'
}

export interface Listeners {
  readonly doors: readonly Door[]
  /** Until then each answers 503. */
  serve(handler: (door: Door) => RequestListener): void
  /** Takes no new connection, lets requests under way end, and cuts what is left at the deadline. */
  drain(deadlineMs: number): Promise<void>
}

/**
 * Opens every address of the configuration, or none.
 * @throws ConfigError for TLS files that cannot be used; Error with code EADDRINUSE, EADDRNOTAVAIL or EACCES
 */
export async function openListeners(config: Config, log: Logger): Promise<Listeners> {
  // All files first: what is wrong with one shows before any port is taken.
  const planned = listenersOf(config).map((listener, index) => plan(listener, pathOf(config, index)))
  const open: { listener: Listener; door: Door; end: () => void }[] = []
  try {
    for (const { config: wanted, files, material } of planned) {
      const tls = wanted.tls && material && { config: wanted.tls, material }
      const { host, port } = wanted
      const allowed = mayConnect(config, wanted)
      const onHandshakeFailed = (err: Error): void => log.debug({ err, port }, 'a TLS handshake failed')
      const listener = await Listener.open({ host, port, tls, allowed, onHandshakeFailed })
      const end = material
        ? watchTlsFiles({ files, material, log, use: (renewed) => listener.renew(renewed) })
        : () => undefined
      open.push({ listener, door: doorOf(config, wanted, listener.port), end })
    }
  } catch (error) {
    await Promise.all(open.map(({ listener, end }) => (end(), listener.drain(0))))
    throw error
  }
  return {
    doors: open.map(({ door }) => door),
    serve: (handler) => {
      for (const { listener, door } of open) listener.serve(handler(door))
    },
    drain: async (deadlineMs) => {
      for (const { end } of open) end()
      await Promise.all(open.map(({ listener }) => listener.drain(deadlineMs)))
    },
  }
}

interface Planned {
  readonly config: ListenerConfig
  readonly files: TlsFiles
  readonly material: TlsMaterial | undefined
}

function plan(config: ListenerConfig, path: string): Planned {
  if (config.tls === undefined) return { config, files: {}, material: undefined }
  const { certificate, key, clientCa } = config.tls
  const files = {
    certificate: { file: certificate, path: `${path}.tls.certificate` },
    key: { file: key, path: `${path}.tls.key` },
    ...(clientCa === undefined ? {} : { ca: { file: clientCa, path: `${path}.tls.clientCa` } }),
  }
  return { config, files, material: readTlsFiles(files) }
}

function doorOf(config: Config, listener: ListenerConfig, port: number): Door {
  const { host, tls, faces } = listener
  const anywhere = host === '0.0.0.0' || host === '::'
  const name = anywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const address = `${tls === undefined ? 'http' : 'https'}://${name}:${port}`
  return {
    address,
    url: listener.url ?? config.baseUrl ?? address,
    faces: new Set(faces),
    clientCertificates: tls?.clientCertificates ?? 'none',
  }
}

/** The address that callers are told: of the door where tokens are given out, as clients begin there. */
export function derivedUrl(doors: readonly Door[]): string {
  const [first] = doors
  const door = doors.find(({ faces }) => faces.has('oauth')) ?? first
  return door?.url ?? ''
}
