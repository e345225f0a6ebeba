import { fork, type ChildProcess } from 'node:child_process'
import { join, resolve } from 'node:path'
import type { Arming } from './failpoints.ts'

const root = resolve(import.meta.dirname, '../../..')

export interface ServerOptions {
  /** Of the configuration file. */
  readonly config: string
  readonly home: string
  /** Of the tree that it is started from; this one unless told otherwise. */
  readonly root?: string
  readonly env?: Readonly<Record<string, string>>
  /** Is given everything that it prints. */
  readonly onOutput: (text: string) => void
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** A service in a process of its own, which can be told where to die. */
export class Server {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Set when the process is gone, before anybody who waits for it is told. */
  endedAt: number | undefined
  #out = ''
  #err = ''

  constructor({ config, home, root: tree = root, env = {}, onOutput }: ServerOptions) {
    this.child = fork(join(tree, 'dist-test/test/chaos/support/failpointServer.js'), [], {
      cwd: tree,
      execArgv: [],
      env: { PATH: process.env['PATH'] ?? '', INTAGLIO_HOME: home, INTAGLIO_CONFIG: config, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString()
      onOutput(chunk.toString())
    })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#err += chunk.toString()
      onOutput(chunk.toString())
    })
    this.child.on('exit', () => (this.endedAt = performance.now()))
    this.ended = new Promise((done) => {
      this.child.on('close', (code, signal) => done({ code, signal, out: this.#out, err: this.#err }))
    })
  }

  /** Resolves with the URL of the ready line. @throws Error when the process ends before */
  ready(): Promise<string> {
    return new Promise((found, failed) => {
      const look = (): void => {
        const url = /^Intaglio ready at (.+)$/m.exec(this.#out)?.[1]
        if (url !== undefined) found(url)
      }
      this.child.stdout?.on('data', look)
      look()
      void this.ended.then(({ err }) =>
        failed(new Error(`the server ended: ${err}${this.#out.slice(-2000)}`)),
      )
    })
  }

  arm(arming: Arming): void {
    this.child.send(arming)
  }

  /** Resolves when it is gone. */
  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}
