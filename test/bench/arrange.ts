/** Everything that is measured: a token, a durable database, the built service as its own process, credentials. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { KeyType } from '../../hsm/algorithms.ts'
import type { ActivationRecord, CredentialRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import { credentialKey, credentialRecord, findActivation, findCredential } from '../../src/db/credentials.ts'
import { stretch } from '../../src/signing/secrets.ts'
import { startService, type TestService } from '../support/startService.ts'

const root = resolve(import.meta.dirname, '../..')

/** As `npm start` and the image start it. */
const HEAP = ['--min-semi-space-size=32', '--max-semi-space-size=32', '--heap-growing-percent=100']

/** Of callers that nobody knows, as many as come. */
const TSA = {
  policy: '2.999.3161',
  accuracyMs: 1000,
  hashes: ['SHA-256' as const],
  qualified: false,
  anonymousPerSecond: 100_000,
}

/** A credential, and what its holder's PIN was stretched to, so that minting SADs does not measure Argon2id. */
export interface BenchCredential {
  readonly id: string
  readonly clientId: string
  readonly key: Sealed<KeyRecord>
  readonly record: Sealed<CredentialRecord>
  readonly activation: Sealed<ActivationRecord>
  readonly stretched: Buffer
}

export interface Bench {
  readonly service: TestService
  readonly dir: string
  credentials(keyType: KeyType, count: number): Promise<readonly BenchCredential[]>
  /** Starts the built service on the same database and token. */
  start(): Promise<Served>
  close(): Promise<void>
}

export interface Served {
  readonly port: number
  readonly pid: number
  readonly token: string
  stop(): Promise<void>
}

export async function arrange(): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), 'intaglio-bench-'))
  const service = await startService({
    log: { level: 'warn' },
    csc: { maxSignatures: 10_000 },
    tsa: TSA,
  })
  const made = new Map<KeyType, BenchCredential[]>()
  return {
    service,
    dir,
    credentials: async (keyType, count) => {
      const list = made.get(keyType) ?? []
      made.set(keyType, list)
      while (list.length < count) list.push(await newCredential(service, keyType))
      return list.slice(0, count)
    },
    start: () => start(service, dir),
    close: async () => {
      await service.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function newCredential(service: TestService, keyType: KeyType): Promise<BenchCredential> {
  const made = await service.newCredential({ keyType, scal: 2, multisign: 10_000 })
  const row = await findCredential(service.ctx.db, { id: made.id })
  if (row === undefined) throw new Error('the credential was not made')
  const key = credentialKey(row)
  const activation = await findActivation(service.ctx.db, key)
  if (activation === undefined) throw new Error('the key has no verifier')
  const stretched = await stretch([made.pin], activation, 'bench')
  return { id: row.id, clientId: row.clientId, key, record: credentialRecord(row), activation, stretched }
}

async function start(service: TestService, dir: string): Promise<Served> {
  const file = join(dir, `config-${randomBytes(4).toString('hex')}.json`)
  writeFileSync(file, JSON.stringify({ ...service.config, http: { ...service.config.http, port: 0 } }))
  const profile = (process.env['INTAGLIO_TEST_BENCH_NODE'] ?? '').split(' ').filter((flag) => flag !== '')
  const child = spawn(process.execPath, [...HEAP, ...profile, join(root, 'dist/src/server.js')], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', INTAGLIO_CONFIG: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await readyUrl(child)
  return {
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    token: await tokenFrom(url, service.client),
    stop: async () => {
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await ended
    },
  }
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let out = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      if (out.length < 100_000) out += chunk.toString()
      const url = /^Intaglio ready at (.+)$/m.exec(out)?.[1]
      if (url !== undefined) found(url)
    })
    child.once('exit', () => failed(new Error(`the service did not start: ${out}`)))
  })
}

async function tokenFrom(url: string, client: { id: string; secret: string }): Promise<string> {
  const response = await fetch(`${url}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'service' }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

/** Megabytes of resident memory: the service, and each of its children. */
export function memory(pid: number): { service: number; signers: number[] } {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return { service: resident(pid), signers: children.filter((c) => c !== '').map((c) => resident(Number(c))) }
}

function resident(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib ?? 0) / 1024)
}
