import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'

/** A server of our own for tests; `npm test` starts one and names it here. */
function serverUrl(): URL {
  const url = process.env['INTAGLIO_TEST_DATABASE_URL']
  if (url === undefined)
    throw new Error('INTAGLIO_TEST_DATABASE_URL is not set: run the tests with `npm test`')
  return new URL(url)
}

export interface TestDatabase {
  readonly name: string
  /** The service's own role. */
  readonly url: string
  /** The role that owns the tables. */
  readonly ownerUrl: string
  /** Superuser, for what a test does behind the service's back. */
  readonly superUrl: string
  drop(): Promise<void>
}

/** Roles are the server's, not a database's: a password each, made once for a run of the tests. */
const ROLES = ['intaglio_owner', 'intaglio_service'] as const
const TEMPLATE_LOCK = 7_201_733

function urlFor(server: URL, database: string, user?: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  if (user !== undefined) {
    url.username = user
    url.password = rolePassword(server, user)
  }
  return url.href
}

/** The same in each process of a run, and only as strong as the loopback server it is for. */
function rolePassword(server: URL, user: string): string {
  return createHash('sha256').update(`${server.href} ${user}`).digest('base64url')
}

/**
 * A database of its own for a test file: cloned from a template that was migrated once.
 * @param options.server a superuser's URL; the server of the run unless told otherwise
 * @param options.template another database, which nobody uses
 */
export async function createTestDatabase(
  options: { readonly server?: URL; readonly template?: string | undefined } = {},
): Promise<TestDatabase> {
  const { server = serverUrl() } = options
  const template = options.template ?? (await templateOf(server))
  const name = `test_${randomBytes(6).toString('hex')}`
  await withClient(urlFor(server, 'postgres'), async (client) => {
    await client.query(`create database ${name} template ${template} owner intaglio_owner`)
  })
  return {
    name,
    url: urlFor(server, name, 'intaglio_service'),
    ownerUrl: urlFor(server, name, 'intaglio_owner'),
    superUrl: urlFor(server, name),
    drop: () =>
      withClient(urlFor(server, 'postgres'), async (client) => {
        await client.query(`drop database if exists ${name} with (force)`)
      }),
  }
}

const templates = new Map<string, Promise<string>>()

/** A process asks each server once. */
function templateOf(server: URL): Promise<string> {
  const made =
    templates.get(server.href) ??
    withClient(urlFor(server, 'postgres'), (client) => ensureTemplate(client, server))
  templates.set(server.href, made)
  return made
}

/** The template's name carries the hash of the migrations, so a changed one makes a new template. */
async function ensureTemplate(client: pg.Client, server: URL): Promise<string> {
  const name = `template_${migrationsHash()}`
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const { rows } = await client.query('select 1 from pg_database where datname = $1', [name])
  if (rows.length > 0) return name
  for (const role of ROLES) await ensureRole(client, role, rolePassword(server, role))
  const making = `${name}_making`
  await client.query(`drop database if exists ${making} with (force)`)
  await client.query(`create database ${making} owner intaglio_owner`)
  await migrate(urlFor(server, making, 'intaglio_owner'))
  await client.query(`alter database ${making} rename to ${name}`)
  return name
}

async function ensureRole(client: pg.Client, role: string, password: string): Promise<void> {
  const { rows } = await client.query('select 1 from pg_roles where rolname = $1', [role])
  if (rows.length === 0) await client.query(`create role ${role}`)
  await client.query(`alter role ${role} login password '${password}'`)
}

function migrationsHash(): string {
  const directory = new URL('../../src/db/migrations/', import.meta.url)
  const hash = createHash('sha256')
  for (const file of readdirSync(directory).sort())
    hash.update(file).update(readFileSync(new URL(file, directory)))
  return hash.digest('hex').slice(0, 16)
}

const PREPARING_LOCK = 7_201_734

/** One process of the run at a time. */
export async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  return withClient(urlFor(serverUrl(), 'postgres'), async (client) => {
    await client.query('select pg_advisory_lock($1)', [PREPARING_LOCK])
    return work()
  })
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
