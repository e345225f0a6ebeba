import { readFileSync } from 'node:fs'
import { run } from './run.mjs'

/** @returns {boolean} whether a process of that id is there, ours or another's */
export function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
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
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    // The name in the second field may hold spaces and parentheses; the state and the parent follow the last one.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')
    return { parent: Number(fields[1]), command }
  } catch {
    return undefined
  }
}
