import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivate } from './place.mjs'
import { isAlive } from './processes.mjs'
import { run, tail } from './run.mjs'
import { Stop } from './say.mjs'

/** Nothing is lost by not waiting for the disk: what is not whole at the end is thrown away and made again. */
const INITDB = ['-U', 'postgres', '-E', 'UTF8', '--locale=C', '--data-checksums', '--no-sync', '--auth=trust']
/** PGDATA, PGPORT and their like in the caller's environment would change what is made. */
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * Makes a data directory, aside and renamed: it is whole, with its roles and passwords, or it is not there.
 * @param {import('./place.mjs').Place} place
 * @param {string} data
 * @param {string} sql statements, one a line
 */
export async function createCluster(place, data, sql) {
  const aside = `${data}.${process.pid}.new`
  makePrivate(aside, place.user)
  await initialise(place, aside)
  await runSingle(place, aside, sql)
  try {
    renameSync(aside, data)
  } catch {
    // Another start was faster; its directory is as good.
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(data)) throw new Stop(`The database could not be put to ${data}.`)
  }
}

async function initialise(place, data) {
  const options = { ...place.user, cwd: '/', env: ENVIRONMENT }
  const { code, output } = await run(join(place.bin, 'initdb'), ['-D', data, ...INITDB], options)
  if (code !== 0) throw new Stop(`PostgreSQL's initdb failed:\n${tail(output)}`)
  // Loopback and passwords only: no other user of the machine gets in.
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
}

/** Single-user mode reads standard input: the passwords are in no argument and no file of the database's user. */
async function runSingle(place, data, sql) {
  const options = { ...place.user, cwd: '/', env: ENVIRONMENT, input: sql }
  const { code, output } = await run(
    join(place.bin, 'postgres'),
    ['--single', '-D', data, 'postgres'],
    options,
  )
  // It goes on after an error, and ends well.
  if (code === 0 && !/ERROR|FATAL|PANIC/.test(output)) return
  throw new Stop(`PostgreSQL's roles could not be made:\n${tail(output)}`)
}

/** What starts and test runs that were killed left behind. Their names carry the process that made them. */
export function sweep(root) {
  for (const name of readdirSync(root)) {
    const maker = /^test-(\d+)-|^pg\.(\d+)\.new$/.exec(name)
    const isLeft = maker !== null && !isAlive(Number(maker[1] ?? maker[2]))
    if (isLeft) rmSync(join(root, name), { recursive: true, force: true })
  }
}

/** One statement a line: that is how single-user mode reads. */
export function superuserSql(password) {
  return `alter role postgres password '${password}'\n`
}

/**
 * The owner makes what the migrations make; the service's own role gets from them what it may do.
 * @param {{ postgres: string, intaglio_owner: string, intaglio_service: string }} passwords
 */
export function serviceRolesSql(passwords) {
  return [
    superuserSql(passwords.postgres).trimEnd(),
    `create role intaglio_owner login createrole password '${passwords.intaglio_owner}'`,
    `create role intaglio_service login password '${passwords.intaglio_service}'`,
    'create database intaglio owner intaglio_owner',
    'revoke all on database intaglio from public',
    'grant connect on database intaglio to intaglio_service',
    '',
  ].join('\n')
}
