import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attend } from './attend.mjs'
import { startPassingPostgres } from './postgres.mjs'

const MOCHA = 'node_modules/mocha/bin/mocha.js'
/**
 * In this order: what is loaded last is asked first. Where Node can require modules, mocha would do so first, past the
 * loaders, and load everything once more where that fails.
 */
const LOADERS = [
  '--no-experimental-require-module',
  ...['--import', 'tsx', '--import', './test/support/builtSigners.mjs'],
]

/**
 * Runs mocha with a Postgres of its own, so that several runs can stand side by side.
 * @param {{ root: string, home: string, module: string, args: string[], env?: Record<string, string> }} run
 * @returns {Promise<number>} mocha's exit status
 */
export async function test({ root, home, module, args, env: more = {} }) {
  const given = process.env.INTAGLIO_TEST_DATABASE_URL ?? process.env.DATABASE_URL
  const postgres = given ? undefined : await startPassingPostgres(home)
  const databaseUrl = given ?? postgres.url('postgres', 'postgres')
  // For what the processes of this run make once for all of them, and leave in a server that ends with it.
  const shared = mkdtempSync(join(tmpdir(), 'intaglio-run-'))
  try {
    const env = {
      ...cleanEnvironment(),
      ...more,
      PKCS11_MODULE: module,
      INTAGLIO_TEST_DATABASE_URL: databaseUrl,
      ...(given ? {} : { INTAGLIO_TEST_RUN: shared }),
    }
    const child = spawn(process.execPath, [...LOADERS, MOCHA, ...specs(root, args)], {
      cwd: root,
      env,
      stdio: 'inherit',
    })
    return await attend(child)
  } finally {
    rmSync(shared, { recursive: true, force: true })
    await postgres?.stop()
  }
}

/** What steers a service that a person runs must not steer the services that tests start. */
export function cleanEnvironment() {
  const env = { ...process.env }
  for (const name of Object.keys(env)) {
    if (name.startsWith('INTAGLIO_') && !name.startsWith('INTAGLIO_TEST_')) delete env[name]
  }
  delete env.DATABASE_URL
  delete env.PORT
  return env
}

/** Folders stand for the tests in them; without any file all tests run. */
function specs(root, args) {
  const expanded = args.map((arg) => (isFolder(root, arg) ? join(arg, '**', '*.test.ts') : arg))
  const named = args.some(
    (arg) => !arg.startsWith('-') && (existsSync(join(root, arg)) || arg.endsWith('.ts')),
  )
  return named ? expanded : [...expanded, 'test/**/*.test.ts']
}

function isFolder(root, arg) {
  return (
    !arg.startsWith('-') && (statSync(join(root, arg), { throwIfNoEntry: false })?.isDirectory() ?? false)
  )
}
