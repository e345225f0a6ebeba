import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  /** Options of Node, before mocha. */
  readonly node?: readonly string[]
  /** Where the suite runs; without, in its folder. */
  readonly cwd?: string
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

/** Nothing is written into the suite's folder: it finds its configuration where APP_ROOT_PATH says. */
export async function runSuite({ folder, manifests, environment, node, cwd }: SuiteRun): Promise<SuiteResult> {
  const place = mkdtempSync(join(tmpdir(), 'intaglio-w3c-'))
  try {
    const config = { settings: { enableInteropTests: true, testAllImplementations: false } }
    const text = JSON.stringify({ ...config, implementations: manifests })
    writeFileSync(join(place, 'localConfig.cjs'), `module.exports = ${text}\n`)
    const report = join(place, 'report.json')
    const options = ['--reporter', 'json', '--reporter-option', `output=${report}`, '--timeout', '15000']
    const mocha = join(folder, 'node_modules/mocha/bin/mocha.js')
    const args = [...(node ?? []), mocha, join(folder, 'tests'), ...options, '--preserve-symlinks']
    const { PATH = '' } = process.env
    const env = { PATH, APP_ROOT_PATH: place, NODE_TLS_REJECT_UNAUTHORIZED: '0', ...environment }
    const child = spawn(process.execPath, args, { cwd: cwd ?? folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
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
