import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Config, RunningConfig } from '../config/config.ts'
import { ConfigError } from '../config/load.ts'
import { authoritiesByCeremony } from '../config/production.ts'
import { createApp } from './app.ts'
import type { Context } from './context.ts'
import { registerContexts } from './credentials/jsonld/contexts.ts'
import { jsonld } from './credentials/jsonld/library.ts'
import { findClient } from './db/clients.ts'
import { Database } from './db/database.ts'
import { checkSchema, migrate } from './db/migrate.ts'
import { databaseAccess, type DatabaseAccess } from './db/tls.ts'
import { notificationWork } from './deliveries/notification.ts'
import { DEMO_CLIENT_ID, prepareDemo } from './dev/demo.ts'
import { enterOperators } from './enterOperators.ts'
import { startJobs } from './jobs.ts'
import { holdLease } from './lease.ts'
import { derivedUrl, openListeners } from './listeners.ts'
import { Metrics } from './metrics.ts'
import { observeDatabase } from './metrics/database.ts'
import { startObserving } from './observing.ts'
import { openSender } from './openSender.ts'
import { openTokens } from './openTokens.ts'
import { guardedFetch, hostOf, type Fetch } from './outgoing/fetch.ts'
import { endOverdue } from './pki/createCredential.ts'
import { startStatusPublisher } from './credentials/status/publish.ts'
import { startClockWatch } from './pki/clock.ts'
import { publishFirstLists, startPublisher } from './pki/crlPublisher.ts'
import { ensureHierarchy } from './pki/hierarchy.ts'
import { startOcsp } from './pki/ocspWork.ts'
import { startIssuanceRecovery } from './pki/recover.ts'
import { endLeftRekeyings } from './pki/replacingKey.ts'
import { signatureWork } from './signing/asynchronous.ts'
import { startRecovery } from './signing/recover.ts'
import { readTlsFiles } from './tlsFiles.ts'

export interface Service {
  /** Where it listens, without a trailing slash; with several listeners, at the first. */
  readonly url: string
  /** Where each listener stands, in the order of the configuration. */
  readonly addresses: readonly string[]
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
  const listeners = await openListeners(config, log)
  const running: RunningConfig = { ...config, baseUrl: config.baseUrl ?? derivedUrl(listeners.doors) }
  const endings: (() => Promise<void>)[] = []
  const close = once(async () => {
    await listeners.drain(config.http.drainSeconds * 1000)
    // One that fails, because Postgres is away, must not keep the others from ending.
    for (const end of endings.reverse()) {
      await end().catch((error: unknown) =>
        log.warn({ err: error }, 'a part of the service did not end cleanly'),
      )
    }
  })
  try {
    registerJsonLd(config)
    const ctx = await startContext(running, log, endings)
    endings.push(await startClockWatch(ctx))
    await ensureHierarchy(ctx)
    await ctx.sender?.prepare?.(ctx)
    await enterOperators(ctx)
    await publishFirstLists(ctx)
    const ended = async (): Promise<void> => {
      await endOverdue(ctx)
      await endLeftRekeyings(ctx)
    }
    endings.push(await startRecovery(ctx, ended))
    endings.push(await startIssuanceRecovery(ctx))
    endings.push(startPublisher(ctx))
    endings.push(startStatusPublisher(ctx))
    endings.push(startJobs(ctx, [signatureWork, notificationWork]))
    endings.push(startOcsp(ctx))
    endings.push(startObserving(ctx))
    if (config.profile === 'dev' && !authoritiesByCeremony(config)) await prepareDemo(ctx)
    listeners.serve((door) => createApp(ctx, door))
    const addresses = listeners.doors.map((door) => door.address)
    return { url: addresses[0] ?? '', addresses, ctx, close }
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
  const fetch = outgoing(config)
  if (config.database.ownerUrl !== undefined) await migrateAsOwner(config, log)
  const access = databaseAccess(config.database, { role: 'url', log })
  endings.push(() => {
    access.close()
    return Promise.resolve()
  })
  const metrics = new Metrics()
  const db = openDatabase(config, access, { log, metrics })
  endings.push(() => db.close())
  await checkSchema(db)
  if (config.profile === 'production') await refuseDemo(db)

  const instanceId = randomUUID()
  endings.push(await holdLease(db, log, instanceId))

  const token = await openTokens(config, db, { log, instanceId })
  endings.push(() => token.close())
  const sender = openSender(config)
  return { config, db, token, clock: Date.now, log, metrics, fetch, sender, instanceId }
}

/** The way out to servers of others. @throws ConfigError when the file of authorities cannot be read */
function outgoing({ outgoing: allowed, messages }: Config): Fetch {
  const { notificationHosts, didWebHosts, statusListHosts, ca: file, privateHosts } = allowed
  const { ca } = file === undefined ? {} : readTlsFiles({ ca: { path: 'outgoing.ca', file } })
  const { webhook } = messages
  const gateway = webhook === undefined ? [] : [hostOf(new URL(webhook.url))]
  return guardedFetch({
    hosts: {
      notification: notificationHosts,
      message: gateway,
      'did-web': didWebHosts,
      'status-list': statusListHosts,
    },
    privateHosts,
    privateFor: { message: webhook?.isInternal === true ? gateway : [] },
    ca,
  })
}

/** @throws ConfigError for a context that cannot be read, or is not the one that was pinned */
function registerJsonLd({ profile, jsonld: { contexts } }: Config): void {
  // The first request that needs the library would wait a tenth of a second for it, and all others with it.
  if (profile === 'production') jsonld()
  try {
    registerContexts(contexts.map(({ file, ...pinned }) => ({ ...pinned, octets: readFileSync(file) })))
  } catch (error) {
    throw new ConfigError([`jsonld.contexts: ${(error as Error).message}`])
  }
}

/** Once, so that its files are read and not watched. */
async function migrateAsOwner(config: Config, log: Logger): Promise<void> {
  const access = databaseAccess(config.database, { role: 'ownerUrl', log })
  access.close()
  await migrate(access.url, access.ssl())
}

function openDatabase(
  config: Config,
  { url, ssl }: DatabaseAccess,
  { log, metrics }: Pick<Context, 'log' | 'metrics'>,
): Database {
  const { connections } = config.database
  return new Database({
    url,
    ssl,
    connections,
    onError: (error) => log.warn({ err: error }, 'an idle database connection failed'),
    observer: observeDatabase(metrics, log),
  })
}

/** A database that served on somebody's laptop holds a credential whose PIN stands in a file. */
async function refuseDemo(db: Database): Promise<void> {
  if ((await findClient(db, DEMO_CLIENT_ID)) === undefined) return
  throw new Error(
    `The database holds the client "${DEMO_CLIENT_ID}" of a development start: production needs its own.`,
  )
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= work())
}
