import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a suite is told of an implementation: localConfig.cjs, as README.md of vc-test-suite-implementations has it. */
export interface Manifest {
  readonly name: string
  readonly [member: string]: unknown
}

export interface SuiteRun {
  /** Of the suite's checkout, with its node_modules. */
  readonly folder: string
  readonly manifests: readonly Manifest[]
  readonly environment?: Readonly<Record<string, string>>
  /** What the suite's folder lacks: folders, by where they are to stand in it. */
  readonly beside?: Readonly<Record<string, string>>
  /** Commands that the suite calls: a script each, of a shell. */
  readonly commands?: Readonly<Record<string, (place: string) => string>>
}

/** Titles of its tests, each with those of what it stands in. */
export interface SuiteResult {
  readonly passed: readonly string[]
  readonly failed: readonly { readonly title: string; readonly message: string }[]
  readonly skipped: readonly string[]
}

interface Reported {
  readonly fullTitle: string
  readonly err: { readonly message?: string }
}

/** Runs a copy of the suite: nothing is written into its folder. */
export async function runSuite(run: SuiteRun): Promise<SuiteResult> {
  const { folder, manifests, environment, beside, commands } = run
  const place = mkdtempSync(join(tmpdir(), 'intaglio-w3c-'))
  try {
    for (const name of readdirSync(folder)) {
      if (name === 'node_modules') symlinkSync(join(folder, name), join(place, name))
      else cpSync(join(folder, name), join(place, name), { recursive: true })
    }
    for (const [at, from] of Object.entries(beside ?? {})) cpSync(from, join(place, at), { recursive: true })
    const bin = join(place, 'bin')
    mkdirSync(bin)
    for (const [name, script] of Object.entries(commands ?? {}))
      writeFileSync(join(bin, name), `#!/bin/sh\n${script(place)}\n`, { mode: 0o755 })
    const config = { settings: { enableInteropTests: true, testAllImplementations: false } }
    const text = JSON.stringify({ ...config, implementations: manifests })
    writeFileSync(join(place, 'localConfig.cjs'), `module.exports = ${text}\n`)
    const report = join(place, 'report.json')
    const options = ['--reporter', 'json', '--reporter-option', `output=${report}`, '--timeout', '15000']
    const mocha = join(place, 'node_modules/mocha/bin/mocha.js')
    const args = [mocha, 'tests', ...options, '--preserve-symlinks']
    const { PATH = '' } = process.env
    const env = {
      PATH: `${bin}:${PATH}`,
      APP_ROOT_PATH: place,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      ...environment,
    }
    const child = spawn(process.execPath, args, { cwd: place, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(child, 'close')
    return read(report, output)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

function read(report: string, output: string): SuiteResult {
  let text: string
  try {
    text = readFileSync(report, 'utf8')
  } catch {
    throw new Error(`the suite did not run to its end: ${output.slice(-3000)}`)
  }
  const { passes, failures, pending } = JSON.parse(text) as Readonly<Record<string, readonly Reported[]>>
  const titles = (tests: readonly Reported[] = []): string[] => tests.map(({ fullTitle }) => fullTitle)
  return {
    passed: titles(passes),
    failed: (failures ?? []).map(({ fullTitle, err }) => ({ title: fullTitle, message: err.message ?? '' })),
    skipped: titles(pending),
  }
}
