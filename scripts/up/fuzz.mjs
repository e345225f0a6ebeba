import { spawn } from 'node:child_process'
import { attend } from './attend.mjs'
import { startPassingPostgres } from './postgres.mjs'
import { cleanEnvironment } from './test.mjs'

/**
 * Sends what nobody would send, with a Postgres of its own.
 * @param {{ root: string, home: string, module: string, args: string[] }} run
 * @returns {Promise<number>} exit status
 */
export async function fuzz({ root, home, module, args }) {
  const postgres = await startPassingPostgres(home)
  try {
    const env = {
      ...cleanEnvironment(),
      PKCS11_MODULE: module,
      INTAGLIO_TEST_DATABASE_URL: postgres.url('postgres', 'postgres'),
    }
    const main = ['--import', 'tsx', 'test/fuzz/main.ts', ...args]
    return await attend(spawn(process.execPath, main, { cwd: root, env, stdio: 'inherit' }))
  } finally {
    await postgres.stop()
  }
}
