/** npm run bench: what the token alone gives on this machine, then what the service gives on it, and the ratios. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { arrange, type Bench } from './arrange.ts'
import { certificates } from './certificates.ts'
import { signedCredentials } from './credentials.ts'
import { revocationLists } from './crl.ts'
import { fill } from './fill.ts'
import { growth } from './growth.ts'
import { measure, raw, type Measured, type Raw, type Scenario } from './measure.ts'
import { comparison, rawLine, table, type Report } from './report.ts'
import { oauthFlows } from './oauthFlow.ts'
import { ocspAnswers } from './ocsp.ts'
import { schemeOf, scenarios, USED_KEYS, type BenchKeyType } from './scenarios.ts'
import { soak } from './soak.ts'
import { statusLists } from './status.ts'
import { timestamps } from './timestamps.ts'

const USAGE = `npm run bench -- [options]
  --quick            the scenarios that the targets speak of
  --seconds <n>      measured for each scenario (5)
  --types <list>     of P-256,RSA-2048,RSA-3072 (all)
  --hashes <list>    of 1,16 (all)
  --connections <list>  of 1,16,64 (all; with --quick: 64)
  --keys <list>      key pairs in the token (10,1000,50000; with --quick: 10)
  --per-sad <n>      signatures that one SAD is for (as many as a request has hashes)
  --json <file>      writes what was measured
  --compare <file>   compares with what an earlier run wrote
  --soak <minutes>   instead: one load for so long, and the memory of each process
  --oauth <holders>  instead: whole code flows, from the pushed request to the signature
  --crl <entries>    instead: revocation lists of so many, and the memory that they take
  --ocsp <certificates>  instead: OCSP answers, with so many certificates in the database
  --certificates <n>  instead: so many certificates (15,000 at most), by operators' signed requests over HTTP
  --growth <certificates>  instead: issuing and OCSP with 1,000 certificates in the database, and with so many
  --tsa              instead: timestamps (RFC 3161) over HTTP, for callers that nobody knows
  --credentials      instead: credentials signed by the key service, with secrets and with activations
  --status <entries> instead: so many entries of status lists by two replicas (100000), and a list of a million as published`

/** Share of the token's rate that a scenario is expected to stay below: so many SADs are made for it. */
const EXPECTED = { 1: 0.5, 16: 1 } as const

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    types: { type: 'string', default: 'P-256,RSA-2048,RSA-3072' },
    hashes: { type: 'string', default: '1,16' },
    connections: { type: 'string', default: '1,16,64' },
    keys: { type: 'string' },
    'per-sad': { type: 'string' },
    json: { type: 'string' },
    compare: { type: 'string' },
    soak: { type: 'string' },
    oauth: { type: 'string' },
    crl: { type: 'string' },
    ocsp: { type: 'string' },
    certificates: { type: 'string' },
    growth: { type: 'string' },
    tsa: { type: 'boolean', default: false },
    credentials: { type: 'boolean', default: false },
    status: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
let filled = USED_KEYS
const say = (text: string): void => void process.stdout.write(`${text}\n`)

if (options.help) say(USAGE)
else {
  const bench = await arrange()
  try {
    if (options.crl !== undefined) await revocationLists(bench, Number(options.crl), say)
    else if (options.certificates !== undefined) await certificates(bench, Number(options.certificates), say)
    else if (options.growth !== undefined) {
      await growth(bench, { seconds: Number(options.seconds), certificates: Number(options.growth) }, say)
    } else if (options.oauth !== undefined) {
      await oauthFlows(bench, { seconds: Number(options.seconds), holders: Number(options.oauth) }, say)
    } else if (options.ocsp !== undefined) {
      await ocspAnswers(bench, { seconds: Number(options.seconds), certificates: Number(options.ocsp) }, say)
    } else if (options.tsa) {
      await timestamps(
        bench,
        { seconds: Number(options.seconds), connections: numbers(options.connections) },
        say,
      )
    } else if (options.credentials) {
      await signedCredentials(bench, Number(options.seconds), say)
    } else if (options.status !== undefined) await statusLists(bench, Number(options.status), say)
    else if (options.soak !== undefined) await soak(bench, Number(options.soak), say)
    else await run(bench)
  } finally {
    await bench.close()
  }
}

async function run(bench: Bench): Promise<void> {
  const keyTypes = options.types.split(',').map(keyTypeOf)
  const keys = numbers(options.keys ?? (options.quick ? '10' : '10,1000,50000'))
  const seconds = Number(options.seconds)
  const durability = await settings(bench)
  say(`${machine()}, Node ${process.versions.node}; ${durability}`)
  const raws: Record<string, Raw> = {}
  for (const keyType of keyTypes) {
    raws[keyType] = await raw(bench, { keyType, scheme: schemeOf[keyType], seconds })
    say(rawLine(keyType, raws[keyType]))
    await bench.credentials(keyType, USED_KEYS)
  }
  const measured: Measured[] = []
  const all = scenarios({
    seconds,
    keyTypes,
    keys,
    quick: options.quick,
    hashes: numbers(options.hashes),
    connections: numbers(options.connections),
  })
  for (const count of new Set(all.map((scenario) => scenario.keys))) {
    await fillTo(bench, count)
    const some = all.filter((scenario) => scenario.keys === count)
    measured.push(...(await served(bench, some, raws)))
  }
  const report: Report = {
    machine: machine(),
    node: process.versions.node,
    commit: commit(),
    durability,
    raw: raws,
    measured,
  }
  say(`\n${table(report)}`)
  say(
    `\n${measured.reduce((sum, one) => sum + one.verified, 0).toLocaleString('en')} signatures, each verified.`,
  )
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 1)}\n`)
  if (options.compare !== undefined) say(`\n${comparison(report, options.compare)}`)
}

async function served(
  bench: Bench,
  some: readonly Scenario[],
  raws: Readonly<Record<string, Raw>>,
): Promise<Measured[]> {
  const service = await bench.start()
  const measured: Measured[] = []
  try {
    for (const scenario of some) {
      const credentials = await bench.credentials(scenario.keyType, USED_KEYS)
      const alone = raws[scenario.keyType]?.signAndVerify ?? 0
      const expected =
        alone * (scenario.hashes === 1 && scenario.keyType === 'P-256' ? EXPECTED[1] : EXPECTED[16])
      const perSad = options['per-sad'] === undefined ? scenario.hashes : Number(options['per-sad'])
      const one = await measure(bench, service, { scenario, credentials, expected, perSad })
      measured.push(one)
      const { keyType, hashes, connections, keys } = scenario
      say(
        `${keyType}, ${hashes} a request, ${connections} connections, ${keys} keys: ` +
          `${Math.round(one.rate)} signatures/s, ${(one.rate / alone).toFixed(2)} of the token's, p99 ${one.p99.toFixed(1)} ms`,
      )
    }
  } finally {
    await service.stop()
  }
  return measured
}

async function fillTo(bench: Bench, count: number): Promise<void> {
  if (count <= filled) return
  say(`Filling the token up to ${count} key pairs`)
  await fill(bench.service.token.config, count - filled, (done) => say(`  ${filled + done}`))
  filled = count
}

function keyTypeOf(name: string): BenchKeyType {
  if (Object.hasOwn(schemeOf, name)) return name as BenchKeyType
  throw new Error(`${name} is none of the key types that are measured`)
}

function numbers(list: string): number[] {
  return list.split(',').map(Number)
}

async function settings(bench: Bench): Promise<string> {
  const names = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes']
  const shown = names.map(async (name) => {
    const [row] = await bench.service.sql<Record<string, string>>(`show ${name}`)
    return `${name} ${row?.[name] ?? ''}`
  })
  return `PostgreSQL ${(await Promise.all(shown)).join(', ')}`
}

function machine(): string {
  return `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
