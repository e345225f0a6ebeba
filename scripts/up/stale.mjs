import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describeProcess, isAlive } from './processes.mjs'
import { poll } from './run.mjs'
import { step, Stop } from './say.mjs'

export const RUNS_ALREADY =
  'Intaglio runs already with this INTAGLIO_HOME. Stop it first, or choose another INTAGLIO_HOME and PORT.'

/** A service that was just told to end needs a moment to drain and to stop its database. */
const LEAVING_MS = 3_000
const FAST_MS = 20_000
const IMMEDIATE_MS = 5_000

/**
 * Leaves no Postgres running on a data directory. One that lost its watcher is stopped; one that still has it belongs
 * to a service that runs, and that is said. What Postgres itself can tell to be stale is left to Postgres.
 * @param {string} data
 */
export async function endStale(data) {
  const file = join(data, 'postmaster.pid')
  const pid = pidIn(file)
  if (pid === undefined || !isAlive(pid)) return
  const found = await describeProcess(pid)
  if (!found?.command.includes(data)) {
    // The number belongs to another program now (after a restart of a container, say); Postgres would refuse to start.
    rmSync(file, { force: true })
    return
  }
  const parent = await describeProcess(found.parent)
  if (parent?.command.includes('watch.mjs')) await leaveToOwner(pid)
  else await step('Stopping a database that a broken start left behind', () => stop(pid))
}

async function leaveToOwner(pid) {
  const gone = await step('Waiting for another Intaglio to end', () => waitUntilGone(pid, LEAVING_MS))
  if (gone) return
  throw new Stop(RUNS_ALREADY)
}

async function stop(pid) {
  for (const [signal, waitMs] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
  ]) {
    process.kill(pid, signal)
    if (await waitUntilGone(pid, waitMs)) return
  }
  throw new Stop(
    `PostgreSQL (process ${pid}), left behind by a broken start, does not end. End it, and start again.`,
  )
}

function waitUntilGone(pid, forMs) {
  return poll(() => (isAlive(pid) ? undefined : true), { forMs })
}

function pidIn(file) {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}
