import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clone, User } from './clone.ts'

const READY_MS = 30_000
const STOP_MS = 10_000
const POLL_MS = 20

export interface StartOptions {
  readonly clone: Clone
  /** Names the home; two services have two. */
  readonly name: string
  readonly command?: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  readonly user?: User | undefined
}

const UP = [process.execPath, 'scripts/up.mjs', 'start'] as const

/** A command of the clone in a process group of its own, as a shell would run it. */
export class Running {
  readonly child: ChildProcess
  /** Its exit status; undefined: a signal ended it. */
  readonly exited: Promise<number | undefined>
  /** Resolves when nobody can print any more. */
  readonly closed: Promise<void>
  stdout = ''
  stderr = ''
  #hasEnded = false

  constructor({ clone, name, command = UP, env = {}, user }: StartOptions) {
    const [program, ...args] = command
    const inherited = Object.entries(process.env).filter(
      ([key]) => !/^(INTAGLIO_|npm_|PORT$|DATABASE_URL$|NODE_|INIT_CWD$)/.test(key),
    )
    this.child = spawn(program, args, {
      ...user,
      cwd: clone.root,
      detached: true,
      env: {
        ...Object.fromEntries(inherited),
        PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
        HOME: clone.root,
        INTAGLIO_HOME: clone.home(name),
        PORT: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.closed = new Promise((resolve) => {
      this.child.on('close', () => {
        resolve()
      })
    })
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('exit', (code) => {
        this.#hasEnded = true
        resolve(code ?? undefined)
      })
    })
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the command did not start')
    return this.child.pid
  }

  /** @returns where it serves */
  async ready(): Promise<string> {
    const [, url = ''] = await this.printed(/^Intaglio ready at (http:\S+)$/m)
    return url
  }

  /** Waits until it has printed this, on whichever of the two: their order is nobody's promise. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (const until = Date.now() + READY_MS; Date.now() < until && !this.#hasEnded;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (found !== null) return found
      await delay(POLL_MS)
    }
    throw new Error(`it did not print ${pattern.source}:\n${this.stdout}${this.stderr}`)
  }

  /** Every process under it, by what it runs: up.mjs, server.js, watch.mjs, signers, postgres and its workers. */
  processes(): Process[] {
    const all = everyProcess()
    const family = [this.pid]
    for (const pid of family)
      family.push(...all.filter(({ parent }) => parent === pid).map((found) => found.pid))
    return all.filter(({ pid }) => family.includes(pid))
  }

  /** The process id of the one whose command line holds this. */
  pidOf(part: string): number {
    const found = this.processes().find(({ command }) => command.includes(part))
    if (found === undefined) throw new Error(`no process runs ${part}`)
    return found.pid
  }

  /** Ends what a test left of it. */
  async stop(): Promise<void> {
    const family = this.processes()
    try {
      process.kill(-this.pid, 'SIGTERM')
    } catch {
      // The group is gone.
    }
    await this.exited
    await leftOf(family, STOP_MS)
  }
}

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** What is left of these processes once there was time to end. */
export async function leftOf(processes: readonly Process[], forMs: number): Promise<Process[]> {
  const left = () => {
    const now = everyProcess()
    return processes.filter(({ pid, command }) =>
      now.some((found) => found.pid === pid && found.command === command),
    )
  }
  for (const until = Date.now() + forMs; Date.now() < until && left().length > 0;) await delay(POLL_MS)
  return left()
}

/** By Linux' own files, which need no other program. */
export function everyProcess(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(join('/proc', name, 'cmdline'), 'utf8')
          .replaceAll('\0', ' ')
          .trim()
        const [state, parent] =
          readFileSync(join('/proc', name, 'stat'), 'utf8')
            .split(') ')
            .at(-1)
            ?.split(' ') ?? []
        // A zombie has ended; who should have fetched its status is somebody else.
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }]
      } catch {
        return []
      }
    })
}

export const hasProc = existsSync('/proc/self/stat')
