import { randomBytes, randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import type { KeyType } from '../../hsm/algorithms.ts'
import { Tokens } from '../../hsm/tokens.ts'
import type { Context } from '../../src/context.ts'
import { createCredential } from '../../src/db/credentials.ts'
import { Database } from '../../src/db/database.ts'
import { insertEnrolment } from '../../src/db/enrolments.ts'
import { insertPerson, type PersonDetail } from '../../src/db/persons.ts'
import { TokenLogins } from '../../src/db/tokenLogin.ts'
import { createLogger } from '../../src/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { guardedFetch } from '../../src/outgoing/fetch.ts'
import { startClockWatch } from '../../src/pki/clock.ts'
import { enrol } from '../../src/pki/enrol.ts'
import { ensureHierarchy } from '../../src/pki/hierarchy.ts'
import { bearerHash } from '../../src/signing/permit.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { checkState } from './checkState.ts'
import { createTestDatabase, withClient, type TestDatabase } from './database.ts'

export interface Enrolment {
  readonly clientId: string
  readonly pin: string
  readonly keyType: KeyType
  readonly scal?: 1 | 2
  readonly person?: PersonDetail
}

/** What handlers are given, with a database and a token of its own, and no HTTP. */
export interface TestContext {
  readonly ctx: Context
  readonly database: TestDatabase
  readonly token: SoftToken
  /** Values that may stand in no column and no log line; the PINs of enrolments are among them. */
  readonly secrets: string[]
  log(): string
  /** A person's enrolled credential. @returns its id */
  enrolCredential(enrolment: Enrolment): Promise<string>
  /** Removes a credential that a test altered behind the service's back, with all that hangs on it. */
  destroyCredential(id: string): Promise<void>
  checkState(): Promise<void>
  close(): Promise<void>
}

export async function createTestContext(): Promise<TestContext> {
  const database = await createTestDatabase()
  const token = makeSoftToken()
  const lines: string[] = []
  const secrets: string[] = [token.pin]
  const ctx = await openContext({ database, token, lines })
  const endClock = await startClockWatch(ctx)
  await ensureHierarchy(ctx)
  return {
    ctx,
    database,
    token,
    secrets,
    log: () => lines.join(''),
    enrolCredential: (enrolment) => {
      secrets.push(enrolment.pin)
      return enrolCredential(ctx, enrolment)
    },
    destroyCredential: (id) => destroyCredential(database, id),
    checkState: () => checkState({ superUrl: database.superUrl, secrets, log: lines.join('') }),
    close: async () => {
      await endClock()
      await ctx.token.close()
      await ctx.db.close()
      await database.drop()
      token.remove()
    },
  }
}

/** Another replica's context on the same database and token. */
export async function openContext(parts: {
  readonly database: Pick<TestDatabase, 'url'>
  readonly token: Pick<SoftToken, 'config'>
  readonly lines: string[]
}): Promise<Context> {
  const { database, token, lines } = parts
  const env = { INTAGLIO_CONFIG: 'config/test.json', INTAGLIO_DATABASE_URL: database.url }
  const cwd = resolve(import.meta.dirname, '../..')
  const { config } = loadConfig({ env, cwd, nodeVersion: process.versions.node })
  const log = createLogger('info', { write: (line) => void lines.push(line) })
  const db = new Database({ url: database.url, connections: 8, onError: () => undefined })
  const instanceId = randomUUID()
  const opened = await Tokens.open({
    configs: [token.config],
    loginGate: new TokenLogins(db, instanceId),
    log,
    prepare: true,
  })
  return {
    config: { ...config, baseUrl: 'http://127.0.0.1' },
    db,
    token: opened,
    clock: Date.now,
    log,
    metrics: new Metrics(),
    fetch: guardedFetch({
      hosts: { notification: undefined, message: [], 'did-web': [], 'status-list': [] },
      privateHosts: [],
    }),
    sender: undefined,
    instanceId,
  }
}

const SOMEBODY: PersonDetail = { givenName: 'Tess', surname: 'Tester', country: 'NO' }

async function enrolCredential(ctx: Context, enrolment: Enrolment): Promise<string> {
  const { clientId, keyType, pin, scal = 2, person = SOMEBODY } = enrolment
  const [id, personId, code] = [
    randomBytes(12).toString('hex'),
    randomUUID(),
    randomBytes(32).toString('hex'),
  ]
  await ctx.db.transaction(async (tx) => {
    await tx.query({
      text: `insert into client (id, name) select c, c from unnest($1::text[]) c on conflict do nothing`,
      values: [[clientId, 'other']],
    })
    await insertPerson(tx, { id: personId, detail: person })
    const made = {
      id,
      personId,
      clientId,
      keyType,
      scal,
      mode: 'explicit',
      multisign: 100,
      description: '',
    } as const
    await createCredential(tx, made)
    await insertEnrolment(tx, { id: randomUUID(), codeHash: bearerHash(code), credentialId: id, hours: 1 })
  })
  await enrol(ctx, { code, pin })
  return id
}

async function destroyCredential(database: TestDatabase, id: string): Promise<void> {
  await withClient(database.superUrl, async (client) => {
    const mine = 'select id from authorisation where credential_id = $1'
    await client.query(`delete from authorised_hash where authorisation_id in (${mine})`, [id])
    await client.query('delete from authorisation where credential_id = $1', [id])
    await client.query(`update credential set state = 'ended' where id = $1`, [id])
    await client.query(
      `update key set state = 'destroyed' where id = (select key_id from credential where id = $1)`,
      [id],
    )
  })
}
