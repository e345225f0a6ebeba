import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { withClient } from '../support/database.ts'
import { OwnPostgres } from '../support/ownPostgres.ts'
import { commandPath, type Probe } from './judge.ts'

const docker = resolve(import.meta.dirname, '../../docker')
/** Where compose.yaml mounts the server's secrets. */
const MOUNTED = '/etc/postgresql/tls'
const READY_MS = 10_000
const POLL_MS = 20

export interface ComposeService {
  readonly command?: readonly string[]
  readonly user?: string
  readonly cap_add?: readonly string[]
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly read_only?: boolean
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly ports?: readonly string[]
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string }
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly restart?: string
}

export interface ComposeFile {
  readonly services: Readonly<Record<'service' | 'token' | 'database' | 'database-secrets', ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
}

/** What reads YAML here: Node does not. */
export function probeYaml(): Probe {
  const python = commandPath('python3')
  if (python === undefined) return { missing: 'there is no python3' }
  try {
    const print = 'import yaml; print(yaml.__version__)'
    return {
      version: `PyYAML ${execFileSync(python, ['-c', print], { encoding: 'utf8', stdio: 'pipe' }).trim()}`,
    }
  } catch {
    return { missing: "Python has no module 'yaml' (apt-get install python3-yaml)" }
  }
}

/** @throws when it is not YAML, or when this machine's Python has no module for it */
export function readCompose(): ComposeFile {
  const script = 'import json,sys,yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'
  const input = readFileSync(join(docker, 'compose.yaml'))
  return JSON.parse(execFileSync('python3', ['-c', script], { input, encoding: 'utf8' })) as ComposeFile
}

/** A PostgreSQL with the roles, rules and settings of compose.yaml. */
export class ComposedDatabase {
  readonly #folder: string
  readonly #postgres: OwnPostgres
  /** Folders that the secrets go to, one for each reader; who reads the server's. */
  readonly serverFolder: string
  readonly serviceFolder: string
  readonly uid: number

  private constructor(made: { folder: string; postgres: OwnPostgres; uid: number }) {
    this.#folder = made.folder
    this.#postgres = made.postgres
    this.uid = made.uid
    this.serverFolder = join(made.folder, 'server')
    this.serviceFolder = join(made.folder, 'service')
  }

  /** Started, and as the image leaves it after its first start: with roles and a database, and nobody let in yet. */
  static async start(): Promise<ComposedDatabase> {
    const postgres = await OwnPostgres.start()
    const folder = mkdtempSync(join(tmpdir(), 'intaglio-composed-'))
    chmodSync(folder, 0o755)
    const user = await OwnPostgres.user()
    const made = new ComposedDatabase({ folder, postgres, uid: user?.uid ?? process.getuid?.() ?? 0 })
    for (const each of [made.serverFolder, made.serviceFolder]) mkdirSync(each, { mode: 0o755 })
    const statements = readFileSync(join(docker, 'postgres/roles.sql'), 'utf8').trim().split('\n')
    await withClient(postgres.url, async (client) => {
      for (const statement of statements) await client.query(statement)
    })
    return made
  }

  get port(): number {
    return this.#postgres.port
  }

  /** Lets those in whom pg_hba.conf lets in, with the secrets that are in the server's folder now. */
  async requireTls(command: readonly string[]): Promise<void> {
    await withClient(this.#postgres.url, async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory')
      const path = join(rows[0]?.data_directory ?? '', 'pg_hba.conf')
      // The first line is the test's own way in.
      const own = 'host all postgres 127.0.0.1/32 scram-sha-256\n'
      writeFileSync(path, own + readFileSync(join(docker, 'postgres/pg_hba.conf'), 'utf8'))
      chownSync(path, this.uid, this.uid)
      for (const [name, value] of settingsOf(command)) {
        const there = value.replace(MOUNTED, this.serverFolder)
        if (name !== 'hba_file') await client.query(`alter system set ${name} = '${there}'`)
      }
      await client.query('select pg_reload_conf()')
    })
    for (const until = Date.now() + READY_MS; (await this.#show('ssl')) !== 'on';) {
      await pause(POLL_MS)
      if (Date.now() > until)
        throw new Error(`PostgreSQL speaks no TLS: ${this.#postgres.log().slice(-1000)}`)
    }
  }

  /** How a role is connected: version of TLS and the name in its certificate. */
  async connections(): Promise<unknown[]> {
    return withClient(this.#postgres.url, async (client) => {
      const { rows } = await client.query<Record<string, unknown>>(
        `select distinct a.usename as role, s.version, s.client_dn as client
           from pg_stat_activity a join pg_stat_ssl s using (pid) where a.usename like 'intaglio%'`,
      )
      return rows
    })
  }

  async remove(): Promise<void> {
    await this.#postgres.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #show(setting: string): Promise<string | undefined> {
    return withClient(this.#postgres.url, async (client) => {
      const { rows } = await client.query<Record<string, string>>(`show ${setting}`)
      return rows[0]?.[setting]
    })
  }
}

/** What stands as -cname=value in the command. */
export function settingsOf(command: readonly string[]): [name: string, value: string][] {
  return command.flatMap((argument) => {
    const [, name, value] = /^-c(\w+)=(.+)$/.exec(argument) ?? []
    return name === undefined || value === undefined ? [] : [[name, value]]
  })
}
