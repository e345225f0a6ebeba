import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Config, RunningConfig } from '../config/config.ts'
import { Token } from '../hsm/token.ts'
import { createApp } from './app.ts'
import type { Context } from './context.ts'
import { findClient } from './db/clients.ts'
import { Database } from './db/database.ts'
import { listKeys } from './db/keys.ts'
import { checkSchema, migrate } from './db/migrate.ts'
import { oneAtATime } from './db/startLock.ts'
import { TokenLogins } from './db/tokenLogin.ts'
import { DEMO_CLIENT_ID, prepareDemo } from './dev/demo.ts'
import { enterOperators } from './enterOperators.ts'
import { holdLease } from './lease.ts'
import { Listener } from './listener.ts'
import { ensureHierarchy } from './pki/hierarchy.ts'
import { startRecovery } from './signing/recover.ts'

export interface Service {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  readonly ctx: Context
  /** Drains and ends: requests under way get `http.drainSeconds`. */
  close(): Promise<void>
}

export interface ServiceOptions {
  readonly config: Config
  readonly log: Logger
}

/** Everything between a configuration and a serving process. What was started is ended again if a later step fails. */
export async function startService({ config, log }: ServiceOptions): Promise<Service> {
  // First, so that a port in use shows before anything is touched; it answers 503 until the last step.
  const listener = await Listener.open(config.http)
  const running: RunningConfig = { ...config, baseUrl: config.baseUrl ?? derivedUrl(config, listener.port) }
  const endings: (() => Promise<void>)[] = []
  const close = once(async () => {
    await listener.drain(config.http.drainSeconds * 1000)
    // One that fails, because Postgres is away, must not keep the others from ending.
    for (const end of endings.reverse()) {
      await end().catch((error: unknown) =>
        log.warn({ err: error }, 'a part of the service did not end cleanly'),
      )
    }
  })
  try {
    const ctx = await startContext(running, log, endings)
    await ensureHierarchy(ctx)
    await enterOperators(ctx)
    endings.push(await startRecovery(ctx))
    if (config.profile === 'dev') await prepareDemo(ctx)
    listener.serve(createApp(ctx))
    return { url: derivedUrl(config, listener.port), ctx, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Database, lease and token, in this order: a PIN is tried only when Postgres can record that it was. */
async function startContext(
  config: RunningConfig,
  log: Logger,
  endings: (() => Promise<void>)[],
): Promise<Context> {
  if (config.database.ownerUrl !== undefined) await migrate(config.database.ownerUrl)
  const db = openDatabase(config, log)
  endings.push(() => db.close())
  await checkSchema(db)
  if (config.profile === 'production') await refuseDemo(db)

  const instanceId = randomUUID()
  endings.push(await holdLease(db, log, instanceId))

  const token = await openToken(config, db, { log, instanceId })
  endings.push(() => token.close())
  return { config, db, token, clock: Date.now, log, instanceId }
}

async function openToken(
  config: Config,
  db: Database,
  { log, instanceId }: Pick<Context, 'log' | 'instanceId'>,
): Promise<Token> {
  const [token] = config.tokens
  if (token === undefined) throw new Error('the configuration has no token')
  const options = { config: token, loginGate: new TokenLogins(db, instanceId), log }
  // A database that knows keys belongs to a token that was prepared: an empty one is then the wrong one.
  const isNew = (await listKeys(db, { limit: 1 })).length === 0
  if (!isNew) return Token.open({ ...options, prepare: false })
  // Two replicas that both found the token empty would both make its secrets, and none could tell which to use.
  return oneAtATime(db, () => Token.open({ ...options, prepare: true }))
}

function openDatabase(config: Config, log: Logger): Database {
  const { url, connections } = config.database
  return new Database({
    url,
    connections,
    onError: (error) => log.warn({ err: error }, 'an idle database connection failed'),
  })
}

/** A database that served on somebody's laptop holds a credential whose PIN stands in a file. */
async function refuseDemo(db: Database): Promise<void> {
  if ((await findClient(db, DEMO_CLIENT_ID)) === undefined) return
  throw new Error(
    `The database holds the client "${DEMO_CLIENT_ID}" of a development start: production needs its own.`,
  )
}

function derivedUrl(config: Config, port: number): string {
  const { host } = config.http
  const anywhere = host === '0.0.0.0' || host === '::'
  const name = anywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= work())
}
