import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder in which the programs of others work. */
export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'intaglio-foreign-'))

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** @returns what it says on its standard output @throws Error where its status is not 0 */
  run(command: string, ...args: readonly string[]): string {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', cwd: this.#folder })
  }

  openssl(...args: readonly string[]): string {
    return this.run('openssl', ...args)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
