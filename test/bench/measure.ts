/** One measurement each: the raw token, and the service under one load. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'
import { memory, type Bench, type BenchCredential, type Served } from './arrange.ts'
import { used, type Costs } from './cpu.ts'
import type { LoadPlan, LoadResult } from './load.ts'
import { mint, verifyAll } from './mint.ts'

/** Between two questions of the liveness probe. */
const PROBE_MS = 10

export interface Raw {
  readonly sign: number
  readonly signAndVerify: number
  /** Microseconds of processor for one. On a machine that others use, too, these say more than the rates. */
  readonly signCpu: number
  readonly signAndVerifyCpu: number
}

/** Signatures a second of the token alone, one process on each core. */
export async function raw(
  bench: Bench,
  what: { keyType: KeyType; scheme: SchemeName; seconds: number },
): Promise<Raw> {
  const sign = await loops(bench, what, false)
  const signAndVerify = await loops(bench, what, true)
  return {
    sign: sign.rate,
    signAndVerify: signAndVerify.rate,
    signCpu: sign.cpu,
    signAndVerifyCpu: signAndVerify.cpu,
  }
}

async function loops(
  bench: Bench,
  what: { keyType: KeyType; scheme: SchemeName; seconds: number },
  verify: boolean,
): Promise<{ rate: number; cpu: number }> {
  const { module, label, pin, environment } = bench.service.token.config
  const plan = `${JSON.stringify({ module, label, pinFile: pin.file, ...what, verify })}\n`
  const children = []
  for (let core = 0; core < cpus().length; core++) {
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'rawLoop.ts')], {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.write(plan)
    // One after another: SoftHSM loses starts that overlap.
    await once(child.stdout, 'data')
    children.push(child)
  }
  const ran = children.map(async (child) => {
    const answer = once(child.stdout, 'data')
    child.stdin.write('go\n')
    const [line] = (await answer) as [Buffer]
    const { count, seconds, cpu } = JSON.parse(line.toString()) as {
      count: number
      seconds: number
      cpu: number
    }
    return { rate: count / seconds, cpu }
  })
  const done = await Promise.all(ran)
  const sum = (of: (one: { rate: number; cpu: number }) => number): number =>
    done.reduce((all, one) => all + of(one), 0)
  return { rate: sum(({ rate }) => rate), cpu: sum(({ cpu }) => cpu) / done.length }
}

export interface Scenario {
  readonly keyType: KeyType
  readonly scheme: SchemeName
  readonly hashes: number
  readonly connections: number
  readonly keys: number
  readonly seconds: number
}

export interface Measured extends Scenario {
  /** Signatures a second. */
  readonly rate: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly livenessP99: number
  /** Megabytes. */
  readonly memory: { readonly service: number; readonly signers: readonly number[] }
  readonly verified: number
  readonly costs: Costs
}

/**
 * @param it.expected signatures a second, for how many SADs are made beforehand
 * @param it.perSad signatures that one SAD is for
 */
export async function measure(
  bench: Bench,
  served: Served,
  it: {
    scenario: Scenario
    credentials: readonly BenchCredential[]
    expected: number
    perSad: number
  },
): Promise<Measured> {
  const { scenario, credentials, expected, perSad } = it
  const { scheme, hashes, connections, seconds } = scenario
  const requests = Math.ceil((expected / hashes) * (seconds + WARM_UP_S)) + connections
  const minted = await mint(bench, { scheme, credentials, requests, hashes, perSad, bearer: served.token })
  const answers = join(bench.dir, 'answers')
  const probe = new Liveness(served.port)
  const postgres = await postmaster(bench)
  const roots = { service: served.pid, postgres, load: undefined }
  // What compilers take while everything is new is no cost of a signature.
  let warm = used(roots)
  const plan = { host: '127.0.0.1', port: served.port, connections, requests: minted.file, answers }
  const { result, loadSeconds } = await load({ ...plan, warmUp: WARM_UP_S, seconds }, () => {
    warm = used(roots)
  })
  const livenessP99 = probe.stop()
  const after = used(roots)
  const each = (name: keyof Costs): number =>
    ((after[name] - warm[name]) * 1e6) / (result.afterWarmUp * hashes)
  if (result.refused > 0) throw new Error(`${result.refused} requests were refused: ${result.firstRefusal}`)
  return {
    ...scenario,
    rate: (result.answered * hashes) / result.seconds,
    p50: result.p50,
    p99: result.p99,
    livenessP99,
    memory: memory(served.pid),
    verified: verifyAll(minted, answers, scheme),
    costs: {
      service: each('service'),
      signers: each('signers'),
      postgres: each('postgres'),
      load: (loadSeconds * 1e6) / (result.total * hashes),
    },
  }
}

/** Compilers and caches are warm after that. */
export const WARM_UP_S = 3

/** Runs the load generator. @param onWarm is called when the warm-up is over */
export async function load(
  plan: LoadPlan,
  onWarm: () => void = () => undefined,
): Promise<{ result: LoadResult; loadSeconds: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'load.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(plan))
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (out === '') onWarm()
    out += chunk.toString()
  })
  await once(child, 'close')
  const result = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as LoadResult & { cpu: number }
  return { result, loadSeconds: result.cpu }
}

/** Process id of the database server. */
export async function postmaster(bench: Bench): Promise<number> {
  const [row] = await bench.service.ctx.db.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' })
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${row?.pid ?? 0}/status`, 'utf8'))?.[1] ?? 0)
}

/** Asks whether the service lives, on a connection of its own, and measures how long it takes to say so. */
export class Liveness {
  readonly #socket
  readonly #times: number[] = []
  readonly #timer: NodeJS.Timeout
  #sentAt: number | undefined

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.on('data', () => {
      if (this.#sentAt !== undefined) this.#times.push(performance.now() - this.#sentAt)
      this.#sentAt = undefined
    })
    this.#timer = setInterval(() => {
      if (this.#sentAt !== undefined) return
      this.#sentAt = performance.now()
      this.#socket.write('GET /health/liveness HTTP/1.1\r\nHost: bench\r\n\r\n')
    }, PROBE_MS)
  }

  /** @returns the 99th percentile, in milliseconds */
  stop(): number {
    clearInterval(this.#timer)
    this.#socket.destroy()
    this.#times.sort((a, b) => a - b)
    return this.#times[Math.floor(this.#times.length * 0.99)] ?? 0
  }
}
