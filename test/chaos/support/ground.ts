import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config } from '../../../config/config.ts'
import { loadConfig } from '../../../config/load.ts'
import type { TokenConfigShape } from '../../../hsm/types.ts'
import { createPerson } from '../../../src/api/admin/persons.ts'
import { createLogger } from '../../../src/log.ts'
import { startService } from '../../../src/service.ts'
import { makeSoftToken, type SoftToken } from '../../softhsm-test-helpers/softhsm.ts'
import { checkState } from '../../support/checkState.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../../support/database.ts'
import { freePort, type OwnPostgres } from '../../support/ownPostgres.ts'
import { Tools, type TestCredential } from '../../support/tools.ts'
import { checkLedger } from './checkLedger.ts'
import { Ledger } from './ledger.ts'
import { Server, type ServerOptions } from './server.ts'

const root = resolve(import.meta.dirname, '../../..')
/** No SAD and no token ends during a campaign. */
const LONG = { csc: { sadSeconds: 3600, maxSignatures: 10_000 }, oauth: { tokenSeconds: 86_400 } }

const SECRETS = 20

/** A configuration as it stands in its file. */
export interface FileConfig {
  readonly [name: string]: unknown
  readonly http: object
  readonly database: { readonly url: string; readonly ownerUrl: string }
  readonly tokens: readonly TokenConfigShape[]
}

export interface GroundOptions {
  /** Postgres of its own; that of the run unless given. */
  readonly postgres?: OwnPostgres
  /** What servers of the campaign are given instead of the token as it is. */
  readonly token?: (token: SoftToken) => TokenConfigShape
}

/** What a campaign is fought on: a database, a token, credentials with their access token, and ports for servers. */
export class Ground {
  readonly home: string
  readonly database: TestDatabase
  readonly token: SoftToken
  readonly tools: Tools
  readonly client: { readonly id: string; readonly secret: string; readonly accessToken: string }
  /** SCAL 2 and SCAL 1 with P-256, SCAL 2 with RSA-2048. */
  readonly credentials: readonly TestCredential[]
  /** Another client, and its SCAL 1 credential. */
  readonly neighbour: {
    readonly client: { readonly id: string; readonly secret: string }
    readonly credential: TestCredential
  }
  readonly ledger = new Ledger()
  readonly #config: FileConfig
  readonly #running = new Set<Server>()
  readonly #endings: (() => Promise<void>)[] = []
  #output = ''

  private constructor(made: {
    home: string
    database: TestDatabase
    token: SoftToken
    config: FileConfig
    tools: Tools
    client: Ground['client']
    credentials: readonly TestCredential[]
    neighbour: Ground['neighbour']
  }) {
    this.home = made.home
    this.database = made.database
    this.token = made.token
    this.#config = made.config
    this.tools = made.tools
    this.client = made.client
    this.credentials = made.credentials
    this.neighbour = made.neighbour
  }

  /** A service in this process makes everything, and ends. */
  static async make({ postgres, token: change }: GroundOptions = {}): Promise<Ground> {
    const home = mkdtempSync(join(tmpdir(), 'intaglio-chaos-'))
    const database = await createTestDatabase(postgres ? { server: new URL(postgres.url) } : {})
    const token = makeSoftToken()
    const config = fileConfig(database, token)
    const service = await startService({
      config: loaded(config, home),
      log: createLogger('error', { write: () => undefined }),
    })
    try {
      const tools = new Tools(service.ctx, database)
      const client = await tools.newClient('Load')
      const person = await createPerson(service.ctx, 'service', {
        givenName: 'Tess',
        surname: 'Tester',
        country: 'NO',
      })
      const owner = { clientId: client.id, personId: person, multisign: 10_000 }
      const credentials = [
        await tools.newCredential(owner),
        await tools.newCredential({ ...owner, scal: 1 }),
        await tools.newCredential({ ...owner, keyType: 'RSA-2048' }),
      ]
      const other = await tools.newClient('Neighbour')
      const neighbour = {
        client: other,
        credential: await tools.newCredential({ ...owner, clientId: other.id, scal: 1 }),
      }
      const accessToken = await tools.serviceToken(service.url, client)
      const tokens = change === undefined ? config.tokens : [change(token)]
      const made = { ...config, tokens }
      return new Ground({
        home,
        database,
        token,
        config: made,
        tools,
        client: { ...client, accessToken },
        credentials,
        neighbour,
      })
    } finally {
      await service.close()
    }
  }

  /** A server on a port that stays its own from one process to the next. */
  async place(options: PlaceOptions = {}): Promise<Place> {
    const port = options.port ?? (await freePort())
    return new Place(this, { ...options, port })
  }

  start(port: number, { change = (config) => config, ...options }: Omit<PlaceOptions, 'port'> = {}): Server {
    const file = join(this.home, `config-${port}.json`)
    const config = change({ ...this.#config, http: { ...this.#config.http, port } })
    writeFileSync(file, JSON.stringify(config))
    const server = new Server({
      config: file,
      home: this.home,
      onOutput: (text) => (this.#output += text),
      ...options,
    })
    this.#running.add(server)
    void server.ended.then(() => this.#running.delete(server))
    return server
  }

  get log(): string {
    return this.#output
  }

  /** What servers logged of bugs, for the message of a test that met one. */
  get bugs(): string {
    return this.#output
      .split('\n')
      .filter((line) => line.includes('"level":"error"'))
      .slice(0, 3)
      .join('\n')
  }

  async sql<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return withClient(this.database.superUrl, async (client) => {
      const { rows } = await client.query(text, [...values])
      return rows as Row[]
    })
  }

  /** A bearer value that may stand in no column and no log line. Of thousands some are looked for: it takes long. */
  keepSecret(value: string): void {
    if (this.tools.secrets.length < SECRETS) this.tools.secrets.push(value)
  }

  /** Attempts that are open now, of processes that are dead or alive. */
  async open(): Promise<number> {
    const [row] = await this.sql<{ count: number }>('select count(*)::int as count from attempt')
    return row?.count ?? 0
  }

  /** Everything that must hold when nothing is under way any more. */
  async check(): Promise<void> {
    // After the load, and for the checks alone: they ask for each attempt what it took.
    await this.sql('create index if not exists authorised_hash_attempt on authorised_hash (attempt)')
    await this.sql('analyze')
    await checkLedger(this.database.superUrl, this.ledger)
    await checkState({
      superUrl: this.database.superUrl,
      secrets: this.tools.secrets,
      log: this.#output,
    })
  }

  /** What must end before the ground goes, also where a test failed. */
  onRemove(end: () => Promise<void>): void {
    this.#endings.push(end)
  }

  async remove(): Promise<void> {
    for (const server of this.#running) server.child.kill('SIGKILL')
    await Promise.all([...this.#running].map(({ ended }) => ended))
    await Promise.all(this.#endings.map((end) => end()))
    await this.database.drop().catch(() => undefined)
    this.token.remove()
    rmSync(this.home, { recursive: true, force: true })
  }
}

export type PlaceOptions = Pick<Partial<ServerOptions>, 'root' | 'env'> & {
  readonly port?: number
  /** What this server's configuration has of its own. */
  readonly change?: (config: FileConfig) => FileConfig
}

/** An address, and the process that serves there at the moment. */
export class Place {
  readonly port: number
  readonly #ground: Ground
  readonly #options: PlaceOptions
  server: Server

  constructor(ground: Ground, options: PlaceOptions & { readonly port: number }) {
    this.port = options.port
    this.#ground = ground
    this.#options = options
    this.server = ground.start(options.port, options)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The next process. Its predecessor must have ended. */
  restart(options: PlaceOptions = this.#options): Server {
    this.server = this.#ground.start(this.port, options)
    return this.server
  }
}

function fileConfig({ url, ownerUrl }: TestDatabase, token: SoftToken): FileConfig {
  const base = JSON.parse(readFileSync(join(root, 'config/test.json'), 'utf8')) as Record<string, object>
  return {
    ...base,
    csc: { ...base['csc'], ...LONG.csc },
    oauth: { ...base['oauth'], ...LONG.oauth },
    http: { ...base['http'], drainSeconds: 10 },
    database: { ...base['database'], url, ownerUrl },
    tokens: [token.config],
  }
}

/** As a process would read it. */
function loaded(config: FileConfig, home: string): Config {
  const file = join(home, 'config.json')
  writeFileSync(file, JSON.stringify(config))
  const env = { INTAGLIO_CONFIG: file, INTAGLIO_HOME: home }
  return loadConfig({ env, cwd: root, nodeVersion: process.versions.node }).config
}
