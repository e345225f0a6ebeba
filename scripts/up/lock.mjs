import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isAlive } from './processes.mjs'
import { poll } from './run.mjs'
import { step, Stop } from './say.mjs'

/** Longer than installing and building ever take. */
const WAIT_MS = 10 * 60_000

/**
 * Does what two commands at once in one checkout must not both do. A lock whose holder is gone is taken over.
 * @param {string} path of the lock file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @template T
 */
export async function alone(path, work) {
  mkdirSync(dirname(path), { recursive: true })
  const taken = await step('Waiting for another command in this checkout', () =>
    poll(() => (take(path) ? true : undefined), { everyMs: 100, forMs: WAIT_MS }),
  )
  if (!taken)
    throw new Stop(`Another command holds ${path}. If none is running, remove that file and start again.`)
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function take(path) {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    const holder = holderOf(path)
    if (holder !== undefined && !isAlive(holder)) rmSync(path, { force: true })
    return false
  }
}

function holderOf(path) {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}
