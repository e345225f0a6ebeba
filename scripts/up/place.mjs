import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { freemem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { say, Stop } from './say.mjs'

/** In a home: the directory under /var/tmp where its database is. */
const POINTER = 'elsewhere'
/** Files that are in memory, where the system has such a place. */
const MEMORY = '/dev/shm'
/** A run of the tests takes some hundred megabytes at once; what else runs on the machine is to go on. */
const MEMORY_OCTETS = 3 * 1024 ** 3

/**
 * @typedef {object} Place
 * @property {{ uid: number, gid: number } | undefined} user who runs Postgres; undefined: whoever runs this
 * @property {string} root where data directories are made
 * @property {string} bin where the programs are run from
 */

/**
 * Where the embedded Postgres may live and as whom it runs. It refuses to run as root; then it runs as `postgres` or
 * `nobody`, and where that user cannot reach the home or the programs (a parent closed to others, such as /root), they
 * go to a directory under /var/tmp that is named by a hash of the home; the home holds a pointer to it.
 * @param {string} home
 * @param {string} bin the directory of the installed programs
 * @returns {Place}
 */
export function placeFor(home, bin) {
  if (process.getuid?.() !== 0) return { user: undefined, root: home, bin }
  const user = unprivilegedUser()
  const reachesBin = reaches(user, bin, 'postgres')
  const root = rootFor(home, user)
  return { user, root, bin: reachesBin ? bin : copyPrograms(bin, outsideOf(home), user) }
}

/** A database stays where it was made, also when the folders above it were opened or closed since. */
function rootFor(home, user) {
  const reachesHome = reaches(user, home)
  if (!existsSync(join(home, 'pg')))
    return reachesHome && !existsSync(join(home, POINTER)) ? home : outsideOf(home)
  if (reachesHome) return home
  throw new Stop(
    `The user that runs PostgreSQL cannot reach ${home} any more. Open the folders above it: chmod o+x.`,
  )
}

/**
 * Where data is made that goes with the command that made it: in memory where there is room, else where lasting data is. A
 * database of the tests is four hundred small files, and a file system on a disk takes longer to make them than
 * PostgreSQL takes for all the rest.
 * @param {string} home
 * @param {Place} place
 * @returns {string}
 */
export function passingRoot(home, { root }) {
  if (!existsSync(MEMORY) || freemem() < MEMORY_OCTETS) return root
  const { bavail, bsize } = statfsSync(MEMORY)
  if (bavail * bsize < MEMORY_OCTETS) return root
  const uid = process.getuid?.()
  const folder = join(MEMORY, `intaglio-${uid}-${hashOf(home)}`)
  mkdirSync(folder, { recursive: true })
  // It is everybody's, as /var/tmp is: what another user put there under our name is not touched and not trusted.
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== uid) return root
  chmodSync(folder, 0o711)
  return folder
}

/** Makes a directory that only the database's user can read. */
export function makePrivate(path, user) {
  mkdirSync(path, { mode: 0o700 })
  if (user) chownSync(path, user.uid, user.gid)
}

function unprivilegedUser() {
  const passwd = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const fields = passwd.map((line) => line.split(':')).find((line) => line[0] === name)
    if (fields && Number(fields[2]) !== 0) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Stop(
    'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" on this machine.',
  )
}

/** Asked of the system and not computed from modes: access lists and mounts count, too. */
function reaches(user, directory, file = '.') {
  const script = 'cd "$1" && test -x "$2"'
  return (
    spawnSync('/bin/sh', ['-c', script, 'sh', directory, file], { ...user, cwd: '/', stdio: 'ignore' })
      .status === 0
  )
}

function hashOf(home) {
  return createHash('sha256').update(resolve(home)).digest('hex').slice(0, 16)
}

function outsideOf(home) {
  const outside = `/var/tmp/intaglio-${hashOf(home)}`
  const pointer = join(home, POINTER)
  // /var/tmp is everybody's: what another user put there under our name is not touched and not trusted.
  const found = existsSync(outside) ? lstatSync(outside) : undefined
  if (found && (!found.isDirectory() || found.uid !== 0)) {
    throw new Stop(`${outside} belongs to somebody else. Remove it, or choose another INTAGLIO_HOME.`)
  }
  // A home without the pointer is new: what stands there belongs to one of the same name that was deleted.
  if (found && !existsSync(pointer)) rmSync(outside, { recursive: true })
  if (!existsSync(pointer)) {
    writeFileSync(pointer, `${outside}\n`)
    say(
      `The database lives in ${outside}, because PostgreSQL does not run as root and no other user reaches ${home}.`,
    )
  }
  mkdirSync(outside, { recursive: true, mode: 0o711 })
  chmodSync(outside, 0o711)
  return outside
}

/** Copied aside and renamed, so that two commands that start at once never see half a copy. */
function copyPrograms(bin, outside, user) {
  const native = dirname(bin)
  const copy = createHash('sha256')
    .update(`${native} ${lstatSync(join(bin, 'postgres')).mtimeMs}`)
    .digest('hex')
  const target = join(outside, `native-${copy.slice(0, 16)}`)
  if (existsSync(target)) return join(target, 'bin')
  const aside = `${target}.${process.pid}`
  cpSync(native, aside, { recursive: true, verbatimSymlinks: true })
  const { status } = spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, aside], { stdio: 'ignore' })
  if (status !== 0) {
    throw new Stop(`${aside} could not be given to the user that runs PostgreSQL. Start as an ordinary user.`)
  }
  try {
    renameSync(aside, target)
  } catch {
    rmSync(aside, { recursive: true })
  }
  return join(target, 'bin')
}
