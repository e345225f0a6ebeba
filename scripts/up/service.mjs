import { spawn } from 'node:child_process'
import { existsSync, openSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openLog, readLog } from './logs.mjs'
import { startPostgres } from './postgres.mjs'
import { describeProcess } from './processes.mjs'
import { say } from './say.mjs'
import { ensureToken } from './token.mjs'

const SERVER = 'dist/src/server.js'
/**
 * What requests under way hold outlives V8's smallest young generation, and is promoted into a heap whose limit is low:
 * it would spend a fifth of its time collecting.
 */
const HEAP = ['--min-semi-space-size=32', '--max-semi-space-size=32', '--heap-growing-percent=100']
/** Where the service finds the pipe whose end tells it that this process is gone. */
const PARENT_FD = 3
const READY = /^Intaglio ready at .+$/m
/** A service that was told twice gets this long to go, before it is told in a way that it cannot refuse. */
const LAST_WAIT_MS = 2_000
/** Elsewhere than on Linux each look starts a program. */
const NPM_POLL_MS = process.platform === 'linux' ? 500 : 3_000

/** Before anything takes time. */
const launchedBy = ancestors()

/**
 * Runs the service in the foreground, with its database and its token.
 * @param {{ root: string, home: string, module: string }} where
 * @returns {Promise<number>} the service's exit status
 */
export async function serve({ root, home, module }) {
  const database = await startDatabase(home)
  try {
    const config = process.env.INTAGLIO_CONFIG ?? join(root, 'config', 'dev.json')
    await ensureToken({ root, home, module, config })
    const env = {
      ...process.env,
      ...database.env,
      INTAGLIO_CONFIG: config,
      INTAGLIO_HOME: home,
      INTAGLIO_PARENT_FD: String(PARENT_FD),
      PKCS11_MODULE: module,
    }
    return await supervise({ root, home, env, life: database.postgres?.life })
  } finally {
    await database.postgres?.stop()
  }
}

/** @returns what the service is told of its database; `postgres` is there where it is the embedded one */
export async function startDatabase(home) {
  const given = process.env.DATABASE_URL
  if (given) {
    const hasOwner = process.env.INTAGLIO_DATABASE_OWNER_URL ?? process.env.INTAGLIO_DATABASE_OWNER_URL_FILE
    // One URL was given for everything: its role migrates, too.
    return { env: hasOwner ? {} : { INTAGLIO_DATABASE_OWNER_URL: given } }
  }
  const postgres = await startPostgres(home)
  const file = (name, role) => {
    const path = join(home, name)
    // The port may have changed since the last start; the passwords stay.
    writeFileSync(path, `${postgres.url(role, 'intaglio')}\n`, { mode: 0o600 })
    return path
  }
  const env = {
    INTAGLIO_DATABASE_URL_FILE: file('database-url', 'intaglio_service'),
    INTAGLIO_DATABASE_OWNER_URL_FILE: file('database-owner-url', 'intaglio_owner'),
  }
  return { postgres, env }
}

async function supervise({ root, home, env, life }) {
  const logFile = join(home, 'log', 'service.log')
  const { from } = openLog(logFile)
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, [...HEAP, SERVER], {
    cwd: root,
    env,
    // The log is the service's own file: it neither waits for a slow terminal nor breaks when this process is gone.
    // The last one keeps the database running for as long as the service does.
    stdio: ['ignore', log, 'inherit', 'pipe', life ?? 'ignore'],
  })
  const exited = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  const release = onEnd(child, exited)
  const ready = await announce({ logFile, from }, exited)
  const where = `Its log is ${relative(process.cwd(), logFile)}.`
  const hint = existsSync(join(home, 'demo.json')) ? ' Sign something: npm run demo -- some.pdf.' : ''
  if (ready) say(`${where}${hint} Ctrl-C ends it.`)
  const { code, signal } = await exited
  release()
  if (signal) say(`The service was ended by ${signal}.`)
  else if (!ready && code !== 0) say(`The service did not start. ${where}`)
  else if (code !== 0) say(`The service ended with status ${code}. ${where}`)
  return code ?? 128 + constants.signals[signal]
}

/** Prints the service's ready line once it is there. @returns {Promise<boolean>} false: it ended before */
async function announce({ logFile, from }, exited) {
  let over = false
  void exited.then(
    () => (over = true),
    () => (over = true),
  )
  for (;;) {
    const last = over
    const line = READY.exec(readLog(logFile, from))
    if (line) {
      process.stdout.write(`${line[0]}\n`)
      return true
    }
    if (last) return false
    await delay(20)
  }
}

/**
 * The first signal closes the pipe, which the service takes as the word to drain. It is not passed on: the terminal
 * sends Ctrl-C to the whole group, and a service that is told twice stops draining. A second one means it.
 * @returns {() => void} takes the handlers off
 */
function onEnd(child, exited) {
  const pipe = child.stdio[PARENT_FD]
  pipe.on('error', () => {})
  let told = false
  const end = () => {
    if (told) void insist(child, exited)
    told = true
    pipe.destroy()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, end)
  const stopLooking = process.env.npm_lifecycle_event ? onOrphaned(() => told || end()) : () => {}
  return () => {
    stopLooking()
    for (const signal of signals) process.off(signal, end)
  }
}

async function ancestors() {
  return `${process.ppid} ${(await describeProcess(process.ppid))?.parent}`
}

/**
 * Killed without a word, npm leaves this process behind, and the shell between them; the service should not outlive the
 * command that started it. Who loses a parent gets another one at once.
 * @returns {() => void} stops looking
 */
function onOrphaned(end) {
  const timer = setInterval(async () => {
    if ((await ancestors()) !== (await launchedBy)) end()
  }, NPM_POLL_MS)
  return () => clearInterval(timer)
}

async function insist(child, exited) {
  // Where the whole group got the second signal, too, the service is on its way.
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    if (await Promise.race([exited.then(() => true), delay(LAST_WAIT_MS / 4, false)])) return
    child.kill(signal)
    await Promise.race([exited, delay(LAST_WAIT_MS)])
  }
}
