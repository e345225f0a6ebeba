// Runs the embedded Postgres for as long as somebody holds the other end of its standard input: up.mjs and the
// service do. When both are gone, by whatever end, the kernel closes the pipe and Postgres is stopped here. It stands in
// a session of its own, so that Ctrl-C does not take the database from a service that still drains.
import { spawn } from 'node:child_process'
import { openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** @type {{ postgres: string, data: string, port: number, user?: { uid: number, gid: number }, log: string,
 *   settings: Record<string, string>, temporary: boolean }} */
const plan = JSON.parse(process.argv[2])

/** Fast shutdown rolls back what is open and writes a checkpoint; on a slow disk that takes a while. */
const FAST_MS = 20_000
/** Immediate shutdown writes nothing: the next start recovers from the log. */
const IMMEDIATE_MS = 5_000
/** After a crash the old backends must be gone before shared memory can be taken again. */
const RESTART_MS = 500
/** Recovery after a crash may take long; a start that takes longer than this has gone wrong. */
const READY_MS = 60_000

let ending = false
let child
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
// Whoever waited for the first line may be gone by now.
process.stdout.on('error', () => {})
process.stdin.on('error', end).on('end', end).on('close', end).resume()

let exited = start()
if (!(await ready())) {
  process.stdout.write('failed\n')
  await end()
} else {
  process.stdout.write('ready\n')
  // A Postgres that died under a living service comes back; the service answers 503 until then.
  while (!ending) {
    await exited
    await delay(RESTART_MS)
    if (!ending) exited = start()
  }
}

function start() {
  const settings = { ...plan.settings, port: String(plan.port) }
  const args = [
    '-D',
    plan.data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const log = openSync(plan.log, 'a')
  // A clean environment: PGDATA, PGPORT and their like in the caller's would change what is started.
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  child = spawn(plan.postgres, args, { ...plan.user, cwd: '/', env, stdio: ['ignore', log, log] })
  return new Promise((resolve) => {
    child.on('error', resolve)
    child.on('exit', resolve)
  })
}

/** The eighth line of postmaster.pid is how pg_ctl, too, learns that connections are taken. */
async function ready() {
  let over = false
  void exited.then(() => (over = true))
  for (const until = Date.now() + READY_MS; Date.now() < until && !over && !ending; await delay(10)) {
    const lines = read(join(plan.data, 'postmaster.pid')).split('\n')
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return true
  }
  return false
}

async function end() {
  if (ending) return
  ending = true
  for (const [signal, waitMs] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
    ['SIGKILL', IMMEDIATE_MS],
  ]) {
    child.kill(signal)
    if (await Promise.race([exited.then(() => true), delay(waitMs, false)])) break
  }
  if (plan.temporary) rmSync(plan.data, { recursive: true, force: true })
  process.exit(0)
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
