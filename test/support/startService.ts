import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import type { KeyType } from '../../hsm/algorithms.ts'
import { newIdentity, publicHalf, type Identity } from '../../src/api/admin/identity.ts'
import type { EndpointName } from '../../src/api/admin/matrix.ts'
import { createPerson } from '../../src/api/admin/persons.ts'
import type { Context } from '../../src/context.ts'
import { createLogger } from '../../src/log.ts'
import { startService as start } from '../../src/service.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { checkState } from './checkState.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { prepared, type Prepared } from './prepared.ts'
import {
  callAdmin,
  Tools,
  type AdminAnswer,
  type AdminRequest,
  type RecordedAct,
  type TestCredential,
} from './tools.ts'

export type { AdminAnswer, AdminRequest, RecordedAct, TestCredential } from './tools.ts'

const root = resolve(import.meta.dirname, '../..')

/** Some members of the configuration, as deep as wanted. */
export type Overrides<T = Config> = { readonly [K in keyof T]?: T[K] extends object ? Overrides<T[K]> : T[K] }

/** A real service in this process: its own database, its own token, its own port. */
export interface TestService {
  readonly url: string
  /** Where each listener stands. */
  readonly addresses: readonly string[]
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
  /** What may stand in no column and no log line. */
  readonly secrets: readonly string[]
  newCredential(options?: {
    readonly keyType?: KeyType
    readonly scal?: 1 | 2
    readonly mode?: 'explicit' | 'oauth2code' | 'oob'
    readonly multisign?: number
    readonly clientId?: string
    readonly personId?: string
    readonly pin?: string
  }): Promise<TestCredential>
  /** Its authorization requests need not be pushed, unless told otherwise. */
  newClient(
    name?: string,
    redirectUris?: readonly string[],
    requirePushed?: boolean,
  ): Promise<{ id: string; secret: string }>
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

/** Most services of a run stand on copies of one that was started before: it is what they differ in that is tested. */
export async function startService(overrides: Overrides = {}): Promise<TestService> {
  const own = OWN.some((member) => member in overrides)
  return begin(overrides, own ? undefined : await prepared(prepare))
}

/** What a first start makes differs where these do. */
const OWN = ['profile', 'tokens', 'operators', 'ca'] as const

async function prepare(folder: string): Promise<Prepared> {
  const service = await begin({})
  await service.stop()
  const objects = join(folder, 'token')
  cpSync(service.token.objects, objects, { recursive: true })
  service.token.remove()
  const { database, token, operators, client, person, credential } = service
  return {
    database: database.name,
    token: { objects, serial: token.serial },
    operators,
    client,
    person,
    credential: { ...credential, certificate: credential.certificate.toString('base64') },
    secrets: [...service.secrets],
  }
}

async function begin(overrides: Overrides, copied?: Prepared): Promise<TestService> {
  const home = mkdtempSync(join(tmpdir(), 'intaglio-test-'))
  const token = makeSoftToken({ copyOf: copied?.token })
  const database = await createTestDatabase({ template: copied?.database })
  const remove = async (): Promise<void> => {
    await database.drop()
    token.remove()
    rmSync(home, { recursive: true, force: true })
  }
  const operators = copied?.operators ?? newOperators()
  const lines: string[] = []
  try {
    const config = merged(baseConfig({ home, database, token }, Object.values(operators)), overrides)
    const log = createLogger(config.log.level, { write: (line) => void lines.push(line) })
    const running = await start({ config, log })
    const tools = new Tools(running.ctx, database)
    tools.secrets.push(...(copied?.secrets ?? []))
    const { client, person, credential } = copied === undefined ? await firstOf(tools) : usersOf(copied)
    const defaults = { clientId: client.id, personId: person.id }
    return {
      url: running.url,
      addresses: running.addresses,
      ctx: running.ctx,
      database,
      token,
      config,
      operators,
      client,
      person,
      credential,
      secrets: tools.secrets,
      newCredential: (options = {}) => tools.newCredential({ ...defaults, ...options }),
      newClient: (name = 'Another client', ...more) => tools.newClient(name, ...more),
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

type Users = Pick<TestService, 'client' | 'person' | 'credential'>

async function firstOf(tools: Tools): Promise<Users> {
  const client = await tools.newClient('Test client')
  const person = { id: await createPerson(tools.ctx, 'service', TESTER) }
  const credential = await tools.newCredential({ clientId: client.id, personId: person.id })
  return { client, person, credential }
}

function usersOf({ client, person, credential }: Prepared): Users {
  return {
    client,
    person,
    credential: { ...credential, certificate: Buffer.from(credential.certificate, 'base64') },
  }
}

function newOperators(): TestService['operators'] {
  return {
    officer: newIdentity({
      name: 'officer',
      roles: ['security-officer', 'registration-officer', 'revocation-officer'],
    }),
    admin: newIdentity({ name: 'admin', roles: ['administrator'] }),
    auditor: newIdentity({ name: 'auditor', roles: ['auditor'] }),
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
    tokens: [{ ...made.token.config, concurrency: 1, environment: { ...made.token.config.environment } }],
    operators: operators.map((one) => ({ name: one.name, roles: one.roles, publicKey: publicHalf(one) })),
  }
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
