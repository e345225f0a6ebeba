import { spawn } from 'node:child_process'
import { attend } from './attend.mjs'
import { buildWithTests } from './buildTests.mjs'
import { startPassingPostgres } from './postgres.mjs'
import { cleanEnvironment } from './test.mjs'

/**
 * Builds the service and measures what was built, with a Postgres of its own.
 * @param {{ root: string, home: string, module: string, args: string[] }} run
 * @returns {Promise<number>} exit status
 */
export async function bench({ root, home, module, args }) {
  await buildWithTests(root)
  const postgres = await startPassingPostgres(home, { durable: true })
  try {
    const env = {
      ...cleanEnvironment(),
      PKCS11_MODULE: module,
      INTAGLIO_TEST_DATABASE_URL: postgres.url('postgres', 'postgres'),
    }
    const main = ['--import', 'tsx', 'test/bench/main.ts', ...args]
    return await attend(spawn(process.execPath, main, { cwd: root, env, stdio: 'inherit' }))
  } finally {
    await postgres.stop()
  }
}
