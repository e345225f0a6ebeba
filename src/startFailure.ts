import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/load.ts'
import { TokenError } from '../hsm/token.ts'

/** One sentence on why the service did not start, and what to do about it. Never a stack, never a secret. */
export function startFailure(error: unknown, config: Config | undefined): string {
  if (error instanceof ConfigError)
    return `The configuration cannot be used:\n  ${error.problems.join('\n  ')}`
  for (const cause of causes(error)) {
    const sentence = listening(cause, config) ?? database(cause, config) ?? token(cause, config)
    if (sentence !== undefined) return sentence
  }
  const message = error instanceof Error ? error.message : String(error)
  return `Intaglio did not start: ${message} (INTAGLIO_LOG_LEVEL=debug logs more.)`
}

/** An error, what caused it, and what several attempts at once ran into. */
function causes(error: unknown): Error[] {
  if (!(error instanceof Error)) return []
  const several = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return [error, ...causes(error.cause), ...several.flatMap(causes)]
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

function listening(error: Error, config: Config | undefined): string | undefined {
  if ((error as { syscall?: unknown }).syscall !== 'listen' && codeOf(error) !== 'EADDRINUSE')
    return undefined
  const { host, port } = config?.http ?? { host: '', port: 0 }
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is in use: stop what listens there, or set PORT.`,
    EADDRNOTAVAIL: `${host} is no address of this machine: set http.host.`,
    EACCES: `Port ${port} is reserved for root: set PORT to one above 1023.`,
  }
  return reasons[codeOf(error)]
}

function database(error: Error, config: Config | undefined): string | undefined {
  const where = config === undefined ? 'The database' : `The database at ${addressOf(config.database.url)}`
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'cannot be reached: start it, or set DATABASE_URL.',
    ENOTFOUND: 'has a host name that nobody knows: set DATABASE_URL.',
    ETIMEDOUT: 'does not answer: start it, or set DATABASE_URL.',
    '28P01': 'refused the password: set DATABASE_URL.',
    '28000': 'refused the login: set DATABASE_URL.',
    '3D000': 'does not exist: create it, or set DATABASE_URL.',
    '42501':
      'does not let this role do what it must: set database.ownerUrl to the role that owns the tables.',
    '57P03': 'is starting up or shutting down: try again.',
  }
  const reason = reasons[codeOf(error)]
  if (reason !== undefined) return `${where} ${reason}`
  return /timeout exceeded when trying to connect|Connection terminated/.test(error.message)
    ? `${where} does not answer: start it, or set DATABASE_URL.`
    : undefined
}

/** Host, port and database; never the password. */
function addressOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `${host}${pathname}`
  } catch {
    return 'its address'
  }
}

function token(error: Error, config: Config | undefined): string | undefined {
  if (!(error instanceof TokenError)) return undefined
  const [first] = config?.tokens ?? []
  const detail = error.message.endsWith('.') ? error.message : `${error.message}.`
  const remedy =
    error.kind === 'unavailable' ? ' Check tokens.0 in the configuration: module, label, environment.' : ''
  return `The token "${first?.label ?? ''}" cannot be used: ${detail}${remedy}`
}
