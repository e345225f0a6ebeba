import { readFileSync } from 'node:fs'
import { run } from './run.mjs'

/** @returns {boolean} whether a process of that id runs, ours or another's */
export function isAlive(pid) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code !== 'EPERM') return false
  }
  return !isZombie(pid)
}

/** Ended, and not yet asked for its status: in a container nobody may ever ask. */
function isZombie(pid) {
  return process.platform === 'linux' && statFields(pid)[0] === 'Z'
}

/**
 * What a process is; process ids are used again, so a number in a file proves nothing by itself.
 * @returns {Promise<{ parent: number, command: string } | undefined>} undefined: there is no such process
 */
export async function describeProcess(pid) {
  if (process.platform === 'linux') return fromProc(pid)
  const { code, output } = await run('ps', ['-o', 'ppid=,args=', '-p', String(pid)])
  const match = code === 0 ? /^\s*(\d+)\s+(.*)$/m.exec(output) : null
  return match ? { parent: Number(match[1]), command: match[2] } : undefined
}

function fromProc(pid) {
  const [, parent] = statFields(pid)
  if (parent === undefined) return undefined
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
  return { parent: Number(parent), command }
}

/** From the third field on: the name in the second may hold spaces and parentheses. */
function statFields(pid) {
  const text = read(`/proc/${pid}/stat`)
  return text === '' ? [] : text.split(')').at(-1).trim().split(' ')
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
