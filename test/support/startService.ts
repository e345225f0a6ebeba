import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { KeyType } from '../../hsm/algorithms.ts'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { createClient } from '../../src/api/admin/clients.ts'
import { createCredential } from '../../src/api/admin/credentials.ts'
import { newIdentity, publicHalf, signRequest, type Identity } from '../../src/api/admin/identity.ts'
import type { EndpointName } from '../../src/api/admin/matrix.ts'
import { createPerson } from '../../src/api/admin/persons.ts'
import type { Context } from '../../src/context.ts'
import { findClient } from '../../src/db/clients.ts'
import { findCredential } from '../../src/db/credentials.ts'
import { createLogger } from '../../src/log.ts'
import { enrol } from '../../src/pki/enrol.ts'
import { startService as start } from '../../src/service.ts'
import { clientSecret } from '../../src/signing/derived.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { checkState } from './checkState.ts'
import { createTestDatabase, withClient, type TestDatabase } from './database.ts'

const root = resolve(import.meta.dirname, '../..')

/** Some members of the configuration, as deep as wanted. */
export type Overrides<T = Config> = { readonly [K in keyof T]?: T[K] extends object ? Overrides<T[K]> : T[K] }

export interface AdminRequest {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
}

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

export interface TestCredential {
  readonly id: string
  readonly keyId: string
  readonly keyType: KeyType
  readonly scal: 1 | 2
  readonly pin: string
  /** DER. */
  readonly certificate: Buffer
}

export interface RecordedAct {
  readonly kind: string
  readonly actor: string
  readonly subjects: string[]
  readonly detail: unknown
}

/** A real service in this process: its own database, its own token, its own port. */
export interface TestService {
  readonly url: string
  readonly ctx: Context
  readonly database: TestDatabase
  readonly token: SoftToken
  /** As the configuration of this service stands: another service can be started on the same state. */
  readonly config: Config
  readonly operators: { readonly officer: Identity; readonly admin: Identity; readonly auditor: Identity }
  readonly client: { readonly id: string; readonly secret: string }
  readonly person: { readonly id: string }
  /** A credential of the person and the client above, P-256 and SCAL 2 unless told otherwise, enrolled with a PIN. */
  readonly credential: TestCredential
  newCredential(options?: {
    readonly keyType?: KeyType
    readonly scal?: 1 | 2
    readonly multisign?: number
    readonly clientId?: string
    readonly personId?: string
    readonly pin?: string
  }): Promise<TestCredential>
  newClient(name?: string): Promise<{ id: string; secret: string }>
  /** An access token by client credentials, of the client above unless told otherwise. */
  serviceToken(client?: { readonly id: string; readonly secret: string }): Promise<string>
  admin(identity: Identity, endpoint: EndpointName, request?: AdminRequest): Promise<AdminAnswer>
  /** What is recorded of an act on a subject, oldest first. */
  acts(act: string, subject: string): Promise<RecordedAct[]>
  /** As a superuser, behind the service's back. */
  sql<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** A value that may stand in no column and no log line. */
  keepSecret(value: string): void
  log(): string
  /** The invariants of the whole database; for `afterEach`. */
  checkState(): Promise<void>
  /** Ends the service and keeps its database and its token. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function startService(overrides: Overrides = {}): Promise<TestService> {
  const home = mkdtempSync(join(tmpdir(), 'intaglio-test-'))
  const token = makeSoftToken()
  const database = await createTestDatabase()
  const remove = async (): Promise<void> => {
    await database.drop()
    token.remove()
    rmSync(home, { recursive: true, force: true })
  }
  const operators = {
    officer: newIdentity({
      name: 'officer',
      roles: ['security-officer', 'registration-officer', 'revocation-officer'],
    }),
    admin: newIdentity({ name: 'admin', roles: ['administrator'] }),
    auditor: newIdentity({ name: 'auditor', roles: ['auditor'] }),
  }
  const lines: string[] = []
  try {
    const config = merged(baseConfig({ home, database, token }, Object.values(operators)), overrides)
    const log = createLogger(config.log.level, { write: (line) => void lines.push(line) })
    const running = await start({ config, log })
    const tools = new Tools(running.ctx, database, lines)
    const client = await tools.newClient('Test client')
    const person = { id: await createPerson(running.ctx, 'service', TESTER) }
    const defaults = { clientId: client.id, personId: person.id }
    return {
      url: running.url,
      ctx: running.ctx,
      database,
      token,
      config,
      operators,
      client,
      person,
      credential: await tools.newCredential(defaults),
      newCredential: (options = {}) => tools.newCredential({ ...defaults, ...options }),
      newClient: (name = 'Another client') => tools.newClient(name),
      serviceToken: (other = client) => tools.serviceToken(running.url, other),
      admin: (identity, endpoint, request = {}) => callAdmin(running.url, identity, { endpoint, ...request }),
      acts: (act, subject) => tools.acts(act, subject),
      sql: (text, values) => tools.sql(text, values),
      keepSecret: (value) => tools.secrets.push(value),
      log: () => lines.join(''),
      checkState: () =>
        checkState({ superUrl: database.superUrl, secrets: tools.secrets, log: lines.join('') }),
      stop: () => running.close(),
      close: async () => {
        await running.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

const TESTER = { givenName: 'Tess', surname: 'Tester', country: 'NO' }

function baseConfig(
  made: { readonly home: string; readonly database: TestDatabase; readonly token: SoftToken },
  operators: readonly Identity[],
): Config {
  const { config } = loadConfig({
    env: {
      INTAGLIO_CONFIG: 'config/test.json',
      INTAGLIO_HOME: made.home,
      INTAGLIO_DATABASE_URL: made.database.url,
      INTAGLIO_DATABASE_OWNER_URL: made.database.ownerUrl,
    },
    cwd: root,
    nodeVersion: process.versions.node,
  })
  return {
    ...config,
    tokens: [{ ...made.token.config, environment: { ...made.token.config.environment } }],
    operators: operators.map((one) => ({ name: one.name, roles: one.roles, publicKey: publicHalf(one) })),
  }
}

/** What tests do to a running service, besides calling it. */
class Tools {
  readonly ctx: Context
  readonly database: TestDatabase
  readonly lines: readonly string[]
  readonly secrets: string[] = []

  constructor(ctx: Context, database: TestDatabase, lines: readonly string[]) {
    this.ctx = ctx
    this.database = database
    this.lines = lines
  }

  async newClient(name: string): Promise<{ id: string; secret: string }> {
    const id = await createClient(this.ctx, 'service', { name })
    const version = (await findClient(this.ctx.db, id))?.secretVersion ?? 0
    const secret = await clientSecret(this.ctx, { id, version })
    this.secrets.push(secret)
    return { id, secret }
  }

  async newCredential(options: {
    keyType?: KeyType
    scal?: 1 | 2
    multisign?: number
    clientId: string
    personId: string
    pin?: string
  }): Promise<TestCredential> {
    const { keyType = 'P-256', scal = 2, multisign = 1000, clientId, personId } = options
    const pin = options.pin ?? newPin()
    const made = await createCredential(this.ctx, 'service', {
      personId,
      clientId,
      keyType,
      scal,
      multisign,
      description: 'Test credential',
    })
    this.secrets.push(made.code)
    await enrol(this.ctx, { code: made.code, pin })
    const row = await findCredential(this.ctx.db, { id: made.credentialId })
    if (!row?.keyId || row.certificate === null) throw new Error('the credential was not enrolled')
    return { id: row.id, keyId: row.keyId, keyType, scal, pin, certificate: row.certificate }
  }

  async serviceToken(url: string, client: { readonly id: string; readonly secret: string }): Promise<string> {
    const response = await fetch(`${url}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'service' }),
    })
    const body = (await response.json()) as { access_token?: string }
    if (body.access_token === undefined)
      throw new Error(`no token: ${response.status} ${JSON.stringify(body)}`)
    this.secrets.push(body.access_token)
    return body.access_token
  }

  async acts(act: string, subject: string): Promise<RecordedAct[]> {
    const rows = await this.sql<{ kind: string; actor: string; subjects: string[]; body: Buffer }>(
      'select kind, actor, subjects, body from audit where act = $1 and $2 = any(subjects) order by recorded_at',
      [act, subject],
    )
    return rows.map(({ kind, actor, subjects, body }) => {
      const { detail } = JSON.parse(body.toString('utf8')) as { detail?: unknown }
      return { kind, actor, subjects, detail }
    })
  }

  async sql<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return withClient(this.database.superUrl, async (client) => {
      const { rows } = await client.query(text, [...values])
      return rows as Row[]
    })
  }
}

/** Letters too, so that it is found in no hash and no time by accident when it is searched for. */
function newPin(): string {
  return `pin-${randomInt(10_000_000, 99_999_999)}`
}

export async function callAdmin(
  base: string,
  identity: Identity,
  request: AdminRequest & { readonly endpoint: EndpointName },
): Promise<AdminAnswer> {
  const [method = '', pattern = ''] = request.endpoint.split(' ')
  const path = pattern.replaceAll(/:([a-z]+)/g, (_all, name: string) =>
    encodeURIComponent(request.params?.[name] ?? ''),
  )
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value))
  }
  const url = `${base}/admin/v1${path}${query.size === 0 ? '' : `?${query.toString()}`}`
  const body = Buffer.from(request.body === undefined ? '' : JSON.stringify(request.body))
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${await signRequest(identity, { method, url, body })}` },
    ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

function merged<T>(base: T, over: Overrides<T>): T {
  if (typeof base !== 'object' || base === null || Array.isArray(base)) return over as T
  const made: Record<string, unknown> = { ...(base as Record<string, unknown>) }
  for (const [key, value] of Object.entries(over as Record<string, unknown>)) {
    const before = made[key]
    const nested =
      typeof value === 'object' && value !== null && !Array.isArray(value) && before !== undefined
    made[key] = nested ? merged(before, value) : value
  }
  return made as T
}
