import { renameSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { healed } from '../support/healed.ts'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, VcClient, type Credential } from '../vc/client.ts'
import { attesting } from './attesting.ts'
import { CONTEXT_2, credential, KeyClient, type MadeKey } from './client.ts'

const CONNECTIONS = 3
const WAIT_MS = 30_000
/** More than may be wrong in a row before somebody has to wait. */
const TRIES = 7

/** One request of either face: what it is answered while all is well, and whether it takes the token. */
interface Row {
  readonly path: string
  readonly body: unknown
  readonly well: number
  readonly needsToken?: true
}

const unavailable = (detail: string) => ({
  status: 503,
  type: 'application/problem+json',
  retryAfter: '2',
  body: { type: 'about:blank', title: 'Service Unavailable', status: 503, code: 'unavailable', detail },
})
const NO_DATABASE = unavailable('The service cannot record anything at the moment')
const NO_TOKEN = unavailable('The token does not answer at the moment')

describe('the key service and the VC API, while what they stand on is away', function () {
  this.timeout(120_000)
  let service: TestService
  let client: KeyClient
  let key: MadeKey
  let issuer: string
  before(async () => {
    service = await startService({ log: { level: 'info' }, database: { connections: CONNECTIONS } })
    client = await KeyClient.of(service)
    key = await client.key()
    issuer = (await attesting(service)).identifier
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const addressOf = ({ id }: MadeKey): string => `/keys/${encodeURIComponent(id)}`
  const seen = async ({ path, body }: Row) => {
    const { status, headers, body: said } = await client.call(path, body)
    return { status, type: headers.get('content-type'), retryAfter: headers.get('retry-after'), body: said }
  }

  /** Those that change what they are about come last. */
  async function rows(): Promise<Row[]> {
    const [activation, one, other] = [await client.activation(key, 2), await client.key(), await client.key()]
    const { id: identifier, secrets, controller } = key
    const by = { identifier, secrets }
    const verifiable = credential(controller)
    const domain = 'https://credential-issuer.example'
    const issued = await issuedCredential()
    const made = { identifier: one.controller, secrets: [client.newSecret()] }
    const presentation = { '@context': [CONTEXT_2], type: ['VerifiablePresentation'], holder: controller }
    const credentialStatus = { type: 'BitstringStatusListEntry', statusPurpose: 'suspension' }
    return [
      { path: '/sign/vc/jwt', body: { ...by, verifiable }, well: 201, needsToken: true },
      {
        path: '/sign/vc/data-integrity',
        body: { identifier, activation, verifiable },
        well: 201,
        needsToken: true,
      },
      { path: '/sign/vp/sd-jwt', body: { ...by, verifiable: presentation }, well: 201, needsToken: true },
      { path: '/sign/pop/jwt', body: { ...by, domain }, well: 201, needsToken: true },
      { path: '/keys/attest', body: { identifiers: [identifier] }, well: 201, needsToken: true },
      { path: '/activate', body: { ...by, numSignatures: 1 }, well: 201, needsToken: true },
      { path: '/keys', body: undefined, well: 200 },
      { path: addressOf(key), body: undefined, well: 200 },
      { path: '/credentials/issue', body: { credential: credentialOf(issuer) }, well: 201, needsToken: true },
      { path: '/credentials/verify', body: { verifiableCredential: issued }, well: 200 },
      {
        path: '/presentations/verify',
        body: { verifiablePresentation: { ...presentation, verifiableCredential: [issued] } },
        well: 400,
      },
      {
        path: '/generate',
        body: { ...made, signatureType: 'ES256', keyType: 'JWK' },
        well: 201,
        needsToken: true,
      },
      { path: '/credentials/status', body: { credentialId: issued['id'], credentialStatus }, well: 200 },
      {
        path: `${addressOf(one)}/rotate`,
        body: { secrets: [client.newSecret()] },
        well: 201,
        needsToken: true,
      },
      { path: `${addressOf(other)}/disable`, body: {}, well: 200 },
      { path: '/delete', body: { identifier: other.id }, well: 204 },
    ]
  }

  async function issuedCredential(): Promise<Credential> {
    const vc = await VcClient.of(service)
    return vc.issue(credentialOf(issuer), { status: ['suspension'] })
  }

  it('without PostgreSQL: nothing is done, all say when to come again, and all is done then', async () => {
    const all = await rows()
    const count = async (): Promise<unknown[]> => service.sql('select id from holder_key order by id')
    const before = await count()
    const name = new URL(service.database.url).pathname.slice(1)
    // Connections end and no new one is allowed: to the service it is as if the server were gone.
    await service.sql(`alter database ${name} connection limit 0`)
    try {
      await service.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'intaglio_service'`,
        [name],
      )
      for (const row of all) expect(await seen(row), row.path).to.deep.equal(NO_DATABASE)
      expect(await count()).to.deep.equal(before)
    } finally {
      await service.sql(`alter database ${name} connection limit -1`)
    }
    for (const row of all) {
      const ask = () => seen(row).then(({ status }) => status)
      expect(await healed(ask, CONNECTIONS), row.path).to.equal(row.well)
    }
  })

  it('without the token: nothing is signed, what needs no key goes on, and no attempt is used up', async () => {
    const all = await rows()
    const needing = all.filter(({ needsToken }) => needsToken)
    const others = all.filter((row) => !needing.includes(row))
    const away = `${service.token.objects}.away`
    renameSync(service.token.objects, away)
    try {
      for (const [, pid] of service.log().matchAll(/"pid":([0-9]+)/g)) {
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch {
          // Gone already.
        }
      }
      for (const row of needing) expect(await seen(row), row.path).to.deep.equal(NO_TOKEN)
      for (const row of others) expect((await seen(row)).status, row.path).to.equal(row.well)
      const activate = needing.filter(({ path }) => path === '/activate')
      for (const row of Array.from({ length: TRIES }, () => activate).flat())
        expect(await seen(row), row.path).to.deep.equal(NO_TOKEN)
    } finally {
      renameSync(away, service.token.objects)
    }
    const isWell = async (): Promise<boolean> => (await fetch(`${service.url}/health`)).status === 200
    const end = performance.now() + WAIT_MS
    while (!(await isWell()) && performance.now() < end) await pause(50)
    for (const row of needing) expect((await seen(row)).status, row.path).to.equal(row.well)
  })
})
