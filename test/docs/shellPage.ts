import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Context } from 'mocha'
import { expect } from 'chai'
import type { TestService } from '../support/startService.ts'

const root = resolve(import.meta.dirname, '../..')
const PROGRAMS = ['curl', 'sh']

/** A page of the documentation, for whoever pastes its commands into a shell. */
export class ShellPage {
  readonly name: string
  readonly text: string
  /** Its commands. */
  readonly blocks: readonly string[]

  constructor(name: string) {
    this.name = name
    this.text = readFileSync(join(root, name), 'utf8')
    this.blocks = [...this.text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text)
  }

  /** @param least more files than so many are named */
  expectFiles(least: number): void {
    const files = [...this.text.matchAll(/\]\((?!#|http)([^)#]+)/g)].map(([, file = '']) => file)
    expect(files.length).to.be.greaterThan(least)
    for (const file of files) expect(existsSync(join(root, dirname(this.name), file)), file).to.equal(true)
  }
}

/** Skips, saying so, where there is no shell to paste into. */
export function needsShell(test: Context): void {
  const missing = PROGRAMS.filter((name) => spawnSync(name, ['--help']).error !== undefined)
  if (missing.length === 0) return
  console.log(`      skipped: ${missing.join(', ')} is not on the path`)
  test.skip()
}

/** A folder with the demo.json of a running service, where commands are run one after the other. */
export class ShellFolder {
  readonly #path = mkdtempSync(join(tmpdir(), 'intaglio-page-'))

  constructor({ client, url: baseUrl }: TestService, more: object = {}) {
    const demo = { baseUrl, clientId: client.id, clientSecret: client.secret, ...more }
    mkdirSync(join(this.#path, '.local'))
    writeFileSync(join(this.#path, '.local/demo.json'), JSON.stringify(demo))
  }

  /** @returns what all commands of the page print; one that fails ends it */
  async run({ blocks }: ShellPage): Promise<string> {
    const script = ['set -eu', ...blocks].join('\n')
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: this.#path })
    return stdout
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true })
  }
}
