import { readdirSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Queries } from './database.ts'

const directory = fileURLToPath(new URL('./migrations', import.meta.url))

const UNDEFINED_TABLE = '42P01'

/** The migrations that this binary carries, by name, in their order. */
const MIGRATIONS = readdirSync(directory)
  .filter((name) => name.endsWith('.sql'))
  .map((name) => name.slice(0, -'.sql'.length))
  .sort()

/** The schema that this binary was built for: the number of the last of them. */
export const SCHEMA_VERSION = Math.max(...MIGRATIONS.map((name) => Number.parseInt(name, 10)))

/**
 * Brings the schema forward, as its owner. Several replicas may call it at once: the second waits for the first and
 * then finds nothing to do. All pending migrations are one transaction.
 */
export async function migrate(ownerUrl: string, ssl: ConnectionOptions | false = false): Promise<void> {
  const databaseUrl = { connectionString: ownerUrl, ssl }
  if (await isCurrent(databaseUrl)) return
  // Loaded for this alone: most starts find nothing to do, and it takes a tenth of them.
  const { runner } = await import('node-pg-migrate')
  await runner({
    databaseUrl,
    dir: directory,
    migrationsTable: 'migration',
    direction: 'up',
    checkOrder: true,
    advisoryLockMode: 'wait',
    log: () => undefined,
  })
}

/** Whether all were run, in their order. What one does not see that is being run, the runner waits for. */
async function isCurrent(connection: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(connection)
  // What is lost in the middle fails the query.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>('select name from migration order by run_on, id')
    return MIGRATIONS.every((name, at) => rows[at]?.name === name)
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return false
    throw error
  } finally {
    await client.end()
  }
}

/** Refuses, in a sentence an operator can act on, a schema that is older than this binary or no longer serves it. */
export async function checkSchema(db: Queries): Promise<void> {
  const rows = await db
    .query<{ version: number; oldest: number }>({
      text: 'select max(version) as version, max(oldest_binary) as oldest from schema_version',
    })
    .catch((error: unknown) => {
      if ((error as { code?: string }).code === UNDEFINED_TABLE) return []
      throw error
    })
  const version = rows[0]?.version ?? 0
  const oldest = rows[0]?.oldest ?? 0
  if (version < SCHEMA_VERSION) {
    throw new Error(
      `The database has schema ${version} and this version needs ${SCHEMA_VERSION}: ` +
        'set database.ownerUrl so that it can be brought forward.',
    )
  }
  if (oldest > SCHEMA_VERSION) {
    throw new Error(
      `The database has schema ${version}, which no longer serves this version (schema ${SCHEMA_VERSION}): ` +
        'start a newer one.',
    )
  }
}
