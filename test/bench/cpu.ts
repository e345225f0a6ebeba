/** Processor time, by who used it: on two cores everything that is measured shares them. */
import { readFileSync, readdirSync } from 'node:fs'

/** Of a second, as Linux counts processor time for every program (USER_HZ). */
const TICKS = 100

interface Process {
  readonly parent: number
  readonly seconds: number
  /** Of its children that ended. */
  readonly ended: number
}

/** Microseconds of processor for one signature. */
export interface Costs {
  readonly service: number
  readonly signers: number
  readonly postgres: number
  readonly load: number
}

/** Processor seconds of the groups, now. */
export function used(roots: { service: number; postgres: number; load: number | undefined }): Costs {
  const all = new Map<number, Process>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) read(all, Number(name))
  }
  const ended = (pid: number): number => all.get(pid)?.ended ?? 0
  const own = (pid: number | undefined): number => (pid === undefined ? 0 : (all.get(pid)?.seconds ?? 0))
  const below = (pid: number): number => {
    let sum = 0
    for (const { parent, seconds } of all.values()) if (parent === pid) sum += seconds
    return sum
  }
  return {
    service: own(roots.service),
    signers: below(roots.service),
    postgres: own(roots.postgres) + below(roots.postgres) + ended(roots.postgres),
    load: own(roots.load),
  }
}

/** Microseconds of one, where so many were made between. */
export function each(before: Costs, after: Costs, count: number): Costs {
  const one = (name: keyof Costs): number => ((after[name] - before[name]) * 1e6) / count
  return {
    service: one('service'),
    signers: one('signers'),
    postgres: one('postgres'),
    load: (after.load * 1e6) / count,
  }
}

function read(all: Map<number, Process>, pid: number): void {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const sum = (user: number): number => (Number(fields[user]) + Number(fields[user + 1])) / TICKS
    all.set(pid, { parent: Number(fields[1]), seconds: sum(11), ended: sum(13) })
  } catch {
    // It ended meanwhile.
  }
}
