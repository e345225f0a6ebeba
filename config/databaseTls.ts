import { z } from 'zod'
import type { Config } from './config.ts'
import { isLoopback } from './listeners.ts'

/** In the words of libpq, less those that may end in plain text. */
const modes = ['verify-full', 'verify-ca', 'require', 'disable'] as const

export const databaseTlsSchema = z.strictObject({
  /**
   * verify-full: the server's certificate is checked, and that it is the host's. verify-ca: not whose it is. require:
   * encrypted, to whomever (not in production). disable: plain.
   */
  mode: z.enum(modes).default('verify-full'),
  /** PEM: the authorities that the server's certificate is checked with; 'system': those that come with Node. */
  ca: z.string().min(1).optional(),
  /** PEM: the service's certificate for the database, and its key; both or neither. */
  certificate: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  /** Those of ownerUrl's role, where the database wants each role to have its own. Absent: the two above. */
  ownerCertificate: z.string().min(1).optional(),
  ownerKey: z.string().min(1).optional(),
})

/** The authorities that come with Node, in place of a file. */
export const SYSTEM_CA = 'system'

/** How a role's connections are encrypted. A path names where each came from, for sentences about it. */
export interface DatabaseTls {
  readonly mode: Exclude<(typeof modes)[number], 'disable'>
  readonly ca?: Named
  readonly certificate?: Named
  readonly key?: Named
}

/** A file, and where the configuration names it. */
export interface Named {
  readonly file: string
  readonly path: string
}

export type DatabaseRole = 'url' | 'ownerUrl'
type DatabaseConfig = Config['database']

/** Parameters of a connection URL that speak of TLS. `ssl` and `uselibpqcompat` are pg's own. */
const PARAMETER = /^(ssl.*|uselibpqcompat)$/
const CONTRADICTION = 'says something of TLS, and so does database.tls: say it in one place'

/** The TLS of a role's connections, from database.tls or from the URL's parameters; undefined: none. */
export function databaseTls(database: DatabaseConfig, role: DatabaseRole): DatabaseTls | undefined {
  const stated = statedTls(database, role)
  if (stated.mode === undefined || stated.mode === 'disable') return undefined
  const { mode, ca, certificate, key } = stated
  return {
    mode: mode as DatabaseTls['mode'],
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
  }
}

interface Stated {
  readonly mode?: string | undefined
  readonly modePath: string
  readonly ca?: Named | undefined
  readonly certificate?: Named | undefined
  readonly key?: Named | undefined
}

function statedTls(database: DatabaseConfig, role: DatabaseRole): Stated {
  if (database.tls === undefined) return inUrl(database[role] ?? '', `database.${role}`)
  const { mode, ca, ...files } = database.tls
  const own = role === 'ownerUrl' && (files.ownerCertificate ?? files.ownerKey) !== undefined
  const [certificate, key] = own
    ? (['ownerCertificate', 'ownerKey'] as const)
    : (['certificate', 'key'] as const)
  return {
    mode,
    modePath: 'database.tls.mode',
    ca: named(ca, 'database.tls.ca'),
    certificate: named(files[certificate], `database.tls.${certificate}`),
    key: named(files[key], `database.tls.${key}`),
  }
}

function inUrl(url: string, path: string): Stated {
  const parameters = tlsParameters(url)
  const on = [...parameters.keys()].some((name) => name !== 'ssl')
  const ssl = parameters.get('ssl')
  const asked = ssl === undefined ? on : !['0', 'false'].includes(ssl)
  const mode = parameters.get('sslmode') ?? (asked ? 'verify-full' : undefined)
  return {
    mode,
    modePath: `${path}: sslmode`,
    ca: named(parameters.get('sslrootcert'), `${path}: sslrootcert`),
    certificate: named(parameters.get('sslcert'), `${path}: sslcert`),
    key: named(parameters.get('sslkey'), `${path}: sslkey`),
  }
}

function named(file: string | undefined, path: string): Named | undefined {
  return file === undefined ? undefined : { file, path }
}

const UNDERSTOOD = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey']

/** What is wrong with the TLS of the database. Each sentence begins with the path. */
export function databaseProblems(config: Config): string[] {
  const { database } = config
  const { url, ownerUrl, tls } = database
  // A laptop has one role for everything: what is wrong with it is said once.
  const isOne = ownerUrl === undefined || (ownerUrl === url && !(tls?.ownerCertificate ?? tls?.ownerKey))
  const roles: DatabaseRole[] = isOne ? ['url'] : ['url', 'ownerUrl']
  const problems = roles.flatMap((role) => {
    const parameters = [...tlsParameters(database[role] ?? '').keys()]
    if (database.tls !== undefined && parameters.length > 0) return [`database.${role}: ${CONTRADICTION}`]
    const unknown = parameters.find((name) => !UNDERSTOOD.includes(name))
    if (unknown !== undefined)
      return [`database.${role}: ${unknown} is not supported; there are ${UNDERSTOOD.slice(1).join(', ')}`]
    const stated = statedTls(database, role)
    return [...statedProblems(stated, database[role] ?? ''), ...productionOnly(config, role, stated)]
  })
  return [...new Set(problems)]
}

function statedProblems({ mode, modePath, ca, certificate, key }: Stated, url: string): string[] {
  if (mode === undefined) return []
  if (!(modes as readonly string[]).includes(mode))
    return [`${modePath}: ${mode} is not supported; there are ${modes.join(', ')}`]
  const files = [ca, certificate, key].flatMap((file) => (file === undefined ? [] : [file.path]))
  if (mode === 'disable') return files.map((path) => `${path}: is of no use without TLS`)
  const problems: string[] = []
  if (addressOf(url).host.startsWith('/')) problems.push(`${modePath}: a Unix socket has no TLS`)
  if (ca === undefined && mode !== 'require')
    problems.push(`${modePath}: ${mode} needs the authorities to verify with: ca (sslrootcert in a URL)`)
  if (ca !== undefined && mode === 'require')
    problems.push(`${ca.path}: require verifies nothing; say verify-full or verify-ca`)
  if (ca?.file === SYSTEM_CA && mode === 'verify-ca')
    problems.push(`${ca.path}: anyone can get a certificate of a public authority; say verify-full`)
  if (certificate !== undefined && key === undefined)
    problems.push(`${certificate.path}: a certificate goes together with its key`)
  if (key !== undefined && certificate === undefined)
    problems.push(`${key.path}: a key goes together with its certificate`)
  return problems
}

function productionOnly(config: Config, role: DatabaseRole, { mode, modePath }: Stated): string[] {
  if (config.profile !== 'production') return []
  if (mode === 'require')
    return [`${modePath}: require encrypts, and does not know to whom: production says verify-full`]
  if (mode !== undefined && mode !== 'disable') return []
  const { host } = addressOf(config.database[role] ?? '')
  if (host.startsWith('/') || isLoopback(host)) return []
  return [`database.${role}: production reaches a database on another machine by TLS: set database.tls`]
}

/** A connection URL without what it says of TLS: pg would take that for more than ours. */
export function withoutTls(url: string): string {
  const query = queryOf(url)
  const kept = query.split('&').filter((pair) => !PARAMETER.test(decoded(pair.split('=', 1)[0] ?? '')))
  const address = url.slice(0, url.length - query.length)
  return kept.length === 0 ? address.replace(/\?$/, '') : `${address}${kept.join('&')}`
}

function tlsParameters(url: string): Map<string, string> {
  return new Map([...new URLSearchParams(queryOf(url))].filter(([name]) => PARAMETER.test(name)))
}

/** All after the first question mark: what stands before it in a URL is encoded. */
function queryOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** Host, or the directory of a Unix socket, and database, as pg reads them; host '' where the URL has none. */
export function addressOf(url: string): { readonly host: string; readonly shown: string } {
  if (url.startsWith('/')) return { host: url, shown: url }
  const asked = new URLSearchParams(queryOf(url)).get('host')
  try {
    // pg takes postgres://user@/database for one without a host; URL does not.
    const { hostname, host, pathname, protocol } = new URL(url.replace('@/', '@nowhere.invalid/'))
    if (protocol === 'socket:') return { host: pathname, shown: pathname }
    const none = hostname === 'nowhere.invalid'
    const bare = none ? '' : decoded(hostname).replace(/^\[(.+)\]$/, '$1')
    return { host: asked ?? bare, shown: `${asked ?? (none ? '' : host)}${pathname}` }
  } catch {
    return { host: asked ?? '', shown: 'its address' }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
