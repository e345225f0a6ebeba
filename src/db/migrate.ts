import { readdirSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import type { Queries } from './database.ts'

const directory = fileURLToPath(new URL('./migrations', import.meta.url))

/** The schema that this binary was built for: the number of the last migration it carries. */
export const SCHEMA_VERSION = Math.max(
  ...readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => Number.parseInt(name, 10)),
)

/**
 * Brings the schema forward, as its owner. Several replicas may call it at once: the second waits for the first and
 * then finds nothing to do. All pending migrations are one transaction.
 */
export async function migrate(ownerUrl: string, ssl: ConnectionOptions | false = false): Promise<void> {
  await runner({
    databaseUrl: { connectionString: ownerUrl, ssl },
    dir: directory,
    migrationsTable: 'migration',
    direction: 'up',
    checkOrder: true,
    advisoryLockMode: 'wait',
    log: () => undefined,
  })
}

/** Refuses, in a sentence an operator can act on, a schema that is older than this binary or no longer serves it. */
export async function checkSchema(db: Queries): Promise<void> {
  const rows = await db
    .query<{ version: number; oldest: number }>({
      text: 'select max(version) as version, max(oldest_binary) as oldest from schema_version',
    })
    .catch((error: unknown) => {
      if ((error as { code?: string }).code === '42P01') return []
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
