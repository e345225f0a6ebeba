import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import { Refusal, unavailable } from '../refusal.ts'
import { inSpan } from '../tracing.ts'
import { clientWith, isTlsError } from './tls.ts'

/** SQL with its values. A name makes it a prepared statement on each connection: hot paths have one. */
export interface Statement {
  readonly name?: string
  readonly text: string
  readonly values?: readonly unknown[]
  /** SQLSTATEs by which it answers its caller: errors, and no failures. */
  readonly answers?: readonly string[]
}

/** What src/db functions need: the pool, or one transaction. */
export interface Queries {
  query<Row = unknown>(statement: Statement): Promise<Row[]>
}

/** A statement that takes longer is stuck behind something; callers have been told 503 by then. */
const STATEMENT_TIMEOUT_MS = 8_000
/** Longer than the server's own limit, so that only a server that no longer answers trips it. */
const QUERY_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 3_000
/**
 * Every statement finds its rows by an index, and is planned once on each connection: planning the hot ones anew costs
 * more than running them, and a plan made while a table was small must not read it whole when it has grown.
 */
const PLANNER = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off'
/** Serialisation failures and deadlocks are the database asking to be asked again. */
const RETRIES = 5
const RETRIED = new Set(['40001', '40P01'])
/** Classes of SQLSTATE that mean "not now": connection, login, resources, operator intervention, system error. */
const AWAY_CLASSES = new Set(['08', '28', '53', '57', '58'])
const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  // OpenSSL's alerts, where they come in the middle of a read or a write.
  'EPROTO',
  'ENOENT',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  // A database that was set read-only (disk full, failover) records nothing, so nothing is signed.
  '25006',
  // A database that was closed to connections, or is being dropped and made anew.
  '55000',
  '3D000',
])

/** How every statement begins its part that records something. */
export const AUDIT_INTO = 'insert into audit '

export interface StatementFailure {
  /** '' for a statement without a name. */
  readonly name: string
  /** SQLSTATE or errno name; '' where there is none. */
  readonly code: string
  /** Callers were told 503. */
  readonly isAway: boolean
  /** It would have written to the audit log. */
  readonly isRecord: boolean
}

/** Is told how statements fare, and none of their values. */
export interface DatabaseObserver {
  /** A statement with a name went well. @param startedAt by performance.now() */
  statement(name: string, startedAt: number): void
  statementFailed(failure: StatementFailure): void
  /** One statement, by this name, served so many requests. */
  batch(name: string, requests: number): void
}

/** Connections of the pool, and callers that wait for one. */
export interface PoolState {
  readonly inUse: number
  readonly idle: number
  readonly waiting: number
}

const nobody: DatabaseObserver = {
  statement: () => undefined,
  statementFailed: () => undefined,
  batch: () => undefined,
}

export interface DatabaseOptions {
  readonly url: string
  /** The TLS of a connection that is opened now; false: plain. Absent: as pg reads the URL. */
  readonly ssl?: () => ConnectionOptions | false
  readonly connections: number
  /** A connection that failed while no statement was under way on it: worth a line, never a crash. */
  readonly onError: (error: Error) => void
  readonly observer?: DatabaseObserver
}

export class Database implements Queries {
  readonly observer: DatabaseObserver
  readonly #pool: pg.Pool

  constructor(options: DatabaseOptions) {
    this.observer = options.observer ?? nobody
    this.#pool = new pg.Pool({
      connectionString: options.url,
      // Given, so that no PGSSLMODE of the environment decides.
      ssl: false,
      ...(options.ssl === undefined ? {} : { Client: clientWith(options.ssl) }),
      max: options.connections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
      options: PLANNER,
      application_name: 'intaglio',
    })
    this.#pool.on('error', options.onError)
    // The pool listens while a connection is idle in it; between the statements of a transaction nobody else would.
    this.#pool.on('connect', (client) => client.on('error', options.onError))
  }

  /** @throws Refusal 'unavailable' when Postgres cannot be reached or cannot record. */
  async query<Row = unknown>(statement: Statement): Promise<Row[]> {
    return retried(() => run<Row>(this.#pool, statement, this.observer))
  }

  /** Runs `work` in one transaction, again from its start if the database asks for it: it must have no other effects. */
  async transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    return retried(() => this.#transactionOnce(work))
  }

  get pool(): PoolState {
    const { totalCount, idleCount, waitingCount } = this.#pool
    return { inUse: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #transactionOnce<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw translated(error)
    })
    let broken: Error | undefined
    try {
      await run(client, { text: 'begin' }, this.observer)
      const result = await work({ query: (statement) => run(client, statement, this.observer) })
      await run(client, { text: 'commit' }, this.observer)
      return result
    } catch (error) {
      await client.query('rollback').catch((failed: unknown) => {
        broken = failed instanceof Error ? failed : new Error('rollback failed')
      })
      throw error
    } finally {
      client.release(broken)
    }
  }
}

async function run<Row>(
  on: pg.Pool | pg.PoolClient,
  statement: Statement,
  observer: DatabaseObserver,
): Promise<Row[]> {
  const { name, text, values = [] } = statement
  const startedAt = performance.now()
  try {
    const query = { ...(name === undefined ? {} : { name }), text, values: [...values] }
    const result = await inSpan(`db ${name ?? 'statement'}`, () => on.query<Row & pg.QueryResultRow>(query))
    if (name !== undefined) observer.statement(name, startedAt)
    return result.rows
  } catch (error) {
    const thrown = translated(error)
    const code = sqlState(error)
    if (statement.answers?.includes(code) !== true)
      observer.statementFailed({
        name: name ?? '',
        code,
        isAway: thrown instanceof Refusal,
        isRecord: text.includes(AUDIT_INTO),
      })
    throw thrown
  }
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= RETRIES || !RETRIED.has(sqlState(error))) throw error
    }
  }
}

function translated(error: unknown): unknown {
  const state = sqlState(error)
  const away =
    AWAY_CODES.has(state) ||
    (state.length === 5 && AWAY_CLASSES.has(state.slice(0, 2))) ||
    isTlsError(state) ||
    // pg's own errors for a connection that ended or never came have no code.
    (state === '' && error instanceof Error && /connection|timeout|pool/i.test(error.message))
  return away ? unavailable('The service cannot record anything at the moment', error) : error
}

/** SQLSTATE, or the errno name of a socket error; '' where there is none. */
export function sqlState(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** The row that must be there. */
export function one<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('the statement returned no row')
  return row
}
