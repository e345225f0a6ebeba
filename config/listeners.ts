import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import type { Config } from './config.ts'

/**
 * TABLE of the faces that a listener can serve: the mounts of src/app.ts. 'ops' is health and metrics, 'pki' what relying
 * parties fetch, 'public' what verifiers of credentials fetch.
 */
export const faces = ['csc', 'oauth', 'keyservice', 'vc', 'admin', 'enrol', 'pki', 'public', 'ops'] as const
export type Face = (typeof faces)[number]

/** Faces whose requests carry a bearer token, a secret or a PIN, so that nobody on the way may read them. */
const SECRET_FACES: readonly Face[] = ['csc', 'oauth', 'keyservice', 'vc', 'admin', 'enrol']

const tls = z
  .strictObject({
    /** PEM: the listener's own certificate first, then those of intermediate authorities. Read again when it changes. */
    certificate: z.string().min(1),
    /** PEM, unencrypted, mode 0600. Read again when it changes. */
    key: z.string().min(1),
    /** PEM: the authorities whose client certificates are believed. Without it any certificate can be registered. */
    clientCa: z.string().min(1).optional(),
    /** 'request': may be shown. 'require': nobody connects without, and operators come with theirs. */
    clientCertificates: z.enum(['none', 'request', 'require']).default('none'),
    /** Oldest version of TLS that is spoken. */
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.3'),
  })
  .superRefine(({ clientCa, clientCertificates }, issues) => {
    if (clientCa !== undefined && clientCertificates === 'none') {
      issues.addIssue({
        code: 'custom',
        path: ['clientCa'],
        message: "is of no use while clientCertificates is 'none'",
      })
    }
  })

export const listenerSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free one. */
  port: z.int().min(0).max(65535),
  faces: z.array(z.enum(faces)).min(1),
  /** Public base URL of what stands here, where it is not `baseUrl`: operators sign it into their requests. */
  url: z
    .url()
    .refine(isOrigin, 'scheme, host and port only, such as https://admin.example.org:8443')
    .optional(),
  /** Absent: plain HTTP. */
  tls: tls.optional(),
})

export type ListenerConfig = z.infer<typeof listenerSchema>
export type ListenerTls = NonNullable<ListenerConfig['tls']>

/** Addresses are made by appending to it; and what stands below a path would need every page to know that path. */
export function isOrigin(url: string): boolean {
  const { origin, protocol } = new URL(url)
  return url === origin && ['http:', 'https:'].includes(protocol)
}

/** What is listened on: the list, or one address with everything. */
export function listenersOf(config: Config): readonly ListenerConfig[] {
  const { host, port } = config.http
  return config.listeners ?? [{ host, port, faces: [...faces] }]
}

/** Listeners of a face at which callers may, or must, show certificates. */
export function listenersWithCertificates(config: Config, face: Face): readonly ListenerConfig[] {
  return listenersOf(config).filter(
    (listener) => listener.faces.includes(face) && (listener.tls?.clientCertificates ?? 'none') !== 'none',
  )
}

/** Where each listener stands in the configuration, for sentences about it. */
export function pathOf(config: Config, index: number): string {
  return config.listeners === undefined ? 'http' : `listeners.${index}`
}

/**
 * Contradictions, and what production does not do. Each sentence begins with the path.
 * @param raw the configuration as it was given, before defaults
 */
export function listenerProblems(config: Config, raw: unknown): string[] {
  const problems = [...statedTwice(config, raw), ...missingFaces(config), ...sharedAddresses(config)]
  config.http.trustedProxies.forEach((proxy, index) => {
    if (!addTo(new BlockList(), proxy)) {
      problems.push(
        `http.trustedProxies.${index}: ${proxy} is no address, no subnet such as 10.1.0.0/16, and not loopback`,
      )
    }
  })
  if (config.profile === 'production') problems.push(...readableByOthers(config))
  return problems
}

function statedTwice(config: Config, raw: unknown): string[] {
  if (config.listeners === undefined) return []
  const { http } = raw as { http?: Record<string, unknown> }
  return ['host', 'port']
    .filter((name) => http?.[name] !== undefined)
    .map((name) => `http.${name}: listeners say where the service listens; leave it out`)
}

function missingFaces(config: Config): string[] {
  const served = new Set(listenersOf(config).flatMap((listener) => listener.faces))
  return faces.filter((face) => !served.has(face)).map((face) => `listeners: none serves the face '${face}'`)
}

function sharedAddresses(config: Config): string[] {
  const problems: string[] = []
  const listeners = listenersOf(config)
  listeners.forEach((listener, index) => {
    if (new Set(listener.faces).size !== listener.faces.length)
      problems.push(`${pathOf(config, index)}.faces: a face stands twice`)
    const other = listeners.slice(0, index).findIndex((earlier) => collide(earlier, listener))
    if (other >= 0) problems.push(`${pathOf(config, index)}: has the address of ${pathOf(config, other)}`)
  })
  return problems
}

const ANYWHERE = ['0.0.0.0', '::']

function collide(one: ListenerConfig, other: ListenerConfig): boolean {
  if (one.port !== other.port || one.port === 0) return false
  return one.host === other.host || ANYWHERE.includes(one.host) || ANYWHERE.includes(other.host)
}

/** Plain HTTP in production: on this machine, or from proxies that are named, where TLS ends. */
function readableByOthers(config: Config): string[] {
  return listenersOf(config).flatMap((listener, index) => {
    if (listener.tls !== undefined || isLoopback(listener.host)) return []
    const secret = listener.faces.filter((face) => SECRET_FACES.includes(face))
    if (secret.length === 0 || config.http.trustedProxies.length > 0) return []
    return [
      `${pathOf(config, index)}: production serves ${secret.join(', ')} by TLS, on a loopback address, or behind ` +
        'http.trustedProxies',
    ]
  })
}

/**
 * Who may connect to a listener; undefined: anyone. Where plain HTTP is only right because TLS ends at a proxy, only that
 * proxy, and this machine, gets in.
 */
export function mayConnect(config: Config, listener: ListenerConfig): BlockList | undefined {
  const open = listener.tls !== undefined || isLoopback(listener.host) || config.profile !== 'production'
  if (open || !listener.faces.some((face) => SECRET_FACES.includes(face))) return undefined
  const allowed = new BlockList()
  for (const proxy of ['loopback', ...config.http.trustedProxies]) addTo(allowed, proxy)
  return allowed
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const list = new BlockList()
  addTo(list, 'loopback')
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** The names that Express knows for `trust proxy`. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** @returns false for what is no address, no subnet and no name */
function addTo(list: BlockList, text: string): boolean {
  const named = NAMED[text]
  if (named !== undefined) return named.every((range) => addTo(list, range))
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  const type = family === 6 ? 'ipv6' : 'ipv4'
  if (prefix === undefined) list.addAddress(address, type)
  else if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > (family === 6 ? 128 : 32)) return false
  else list.addSubnet(address, Number(prefix), type)
  return true
}
