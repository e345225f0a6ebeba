import type { Config } from '../config/config.ts'
import { addressOf } from '../config/databaseTls.ts'
import { listenersOf, pathOf } from '../config/listeners.ts'
import { ConfigError } from '../config/load.ts'
import { TokenError } from '../hsm/token.ts'
import { isTlsError } from './db/tls.ts'

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
  const { address = '', port = 0 } = error as { address?: string; port?: number }
  const listeners = config === undefined ? [] : listenersOf(config)
  const index = listeners.findIndex((listener) => listener.host === address && listener.port === port)
  const isList = config?.listeners !== undefined
  const path = config === undefined ? 'http' : pathOf(config, Math.max(index, 0))
  const setPort = isList ? `set ${path}.port` : 'set PORT'
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${address} is in use: stop what listens there, or ${setPort}.`,
    EADDRNOTAVAIL: `${address} is no address of this machine: set ${path}.host.`,
    EACCES: `Port ${port} is reserved for root: ${setPort} to one above 1023.`,
  }
  return reasons[codeOf(error)]
}

function database(error: Error, config: Config | undefined): string | undefined {
  const where =
    config === undefined ? 'The database' : `The database at ${addressOf(config.database.url).shown}`
  const mistrust = tlsReason(error)
  if (mistrust !== undefined) return `${where} ${mistrust}`
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'cannot be reached: start it, or set DATABASE_URL.',
    ENOTFOUND: 'has a host name that nobody knows: set DATABASE_URL.',
    ETIMEDOUT: 'does not answer: start it, or set DATABASE_URL.',
    ECONNRESET: 'ended the connection: its own log says why.',
    EPIPE: 'ended the connection: its own log says why.',
    '28P01': 'refused the password: set DATABASE_URL.',
    '28000': 'refused the login: set DATABASE_URL.',
    '3D000': 'does not exist: create it, or set DATABASE_URL.',
    '42501':
      'does not let this role do what it must: set database.ownerUrl to the role that owns the tables.',
    '57P03': 'is starting up or shutting down: try again.',
  }
  // A Unix socket that is not there; of a file, ENOENT says nothing of the database.
  const isNoSocket = codeOf(error) === 'ENOENT' && (error as { syscall?: unknown }).syscall === 'connect'
  const reason = reasons[isNoSocket ? 'ECONNREFUSED' : codeOf(error)]
  if (reason !== undefined) return `${where} ${reason}`
  return /timeout exceeded when trying to connect|Connection terminated/.test(error.message)
    ? `${where} does not answer: start it, or set DATABASE_URL.`
    : undefined
}

/** TLS is spoken with nobody else during a start. */
function tlsReason(error: Error): string | undefined {
  const [code, { message }] = [codeOf(error), error]
  if (message === 'The server does not support SSL connections')
    return 'does not speak TLS: turn it on there (ssl = on), or name the server that does.'
  if (code === '28000' && /requires a valid client certificate/.test(message))
    return 'wants a client certificate: set database.tls.certificate and database.tls.key.'
  if (code === '28000' && /certificate authentication failed/.test(message))
    return 'does not let the role log in with this client certificate: its common name must be the role (pg_hba.conf, pg_ident.conf).'
  if (code === '28000' && /no encryption|SSL off/.test(message))
    return 'takes no connection without TLS from here (pg_hba.conf): set database.tls.'
  if (/_ALERT_/.test(code) || /SSL routines:.*alert/.test(message))
    return 'refused the client certificate in database.tls.certificate: it has ended, or is of an authority that is not in its ssl_ca_file.'
  return SERVER_CERTIFICATE[code] ?? (isTlsError(code) ? `cannot be reached by TLS: ${message}.` : undefined)
}

const UNKNOWN_AUTHORITY =
  'shows a certificate of an authority that is not in database.tls.ca: name the right file, or the right server.'
const SERVER_CERTIFICATE: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'shows a certificate that has ended: it needs a new one.',
  CERT_NOT_YET_VALID: 'shows a certificate whose time has not begun: check the clocks.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'shows a certificate for another host name: connect to it by the name in its certificate.',
}

function token(error: Error, config: Config | undefined): string | undefined {
  if (!(error instanceof TokenError)) return undefined
  const [first] = config?.tokens ?? []
  const detail = error.message.endsWith('.') ? error.message : `${error.message}.`
  const remedy =
    error.kind === 'unavailable' ? ' Check tokens.0 in the configuration: module, label, environment.' : ''
  return `The token "${first?.label ?? ''}" cannot be used: ${detail}${remedy}`
}
