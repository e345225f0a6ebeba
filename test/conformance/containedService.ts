import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { everyProcess, type Process } from '../run/running.ts'

/** A container's main process. */
export class ContainedService {
  stdout = ''
  stderr = ''
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.ended = once(child, 'close').then(([code]) => code as number | null)
  }

  async ready(): Promise<void> {
    const isReady = (): boolean => /^Intaglio ready at /m.test(this.stdout)
    const ended = this.ended.then(() => {
      throw new Error(`it ended: ${this.stderr} ${this.stdout.slice(-2000)}`)
    })
    ended.catch(() => undefined)
    while (!isReady()) await Promise.race([once(this.#child.stdout ?? this.#child, 'data'), ended])
  }

  /** The service itself: a descendant, since this way of running a container has no process table of its own. */
  node(): { pid: number; uid: number } {
    // Buildah's own processes around it carry its command line, too.
    const isService = /^\S*node (?:--\S+ )*dist\/src\/server\.js$/
    const pid = this.#below(this.#child.pid ?? 0).find(({ command }) => isService.test(command))?.pid
    if (pid === undefined) throw new Error('the container has no service')
    const [, uid = ''] = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return { pid, uid: Number(uid) }
  }

  /** Whatever is left of it, at once. */
  async kill(): Promise<void> {
    for (const { pid } of this.#below(this.#child.pid ?? 0)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await this.ended
  }

  #below(pid: number): Process[] {
    return everyProcess()
      .filter(({ parent }) => parent === pid)
      .flatMap((child) => [child, ...this.#below(child.pid)])
  }
}
