import { expect } from 'chai'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pino from 'pino'
import { loadConfig } from '../../config/load.ts'
import { Database } from '../../src/db/database.ts'
import { databaseAccess } from '../../src/db/tls.ts'
import { createLogger } from '../../src/log.ts'
import { Refusal } from '../../src/refusal.ts'
import { startService } from '../../src/service.ts'
import { startFailure } from '../../src/startFailure.ts'
import { Authority } from '../support/authority.ts'
import { install, type Installation } from '../support/serverProcess.ts'
import { TlsPostgres } from '../support/tlsPostgres.ts'
import { root } from '../config/files.ts'

describe('a Postgres that requires client certificates', function () {
  // A Postgres and a token of its own.
  this.timeout(60_000)
  let postgres: TlsPostgres
  let installation: Installation
  /** Environment names that tell the service of its TLS. */
  let told: Record<string, string>

  before(async () => {
    postgres = await TlsPostgres.start()
    installation = await install()
    const { files, clients, database, ca } = postgres
    const service = files.pair('service', await clients.issue({ name: 'intaglio_service' }))
    const owner = files.pair('owner', await clients.issue({ name: 'intaglio_owner' }))
    told = {
      INTAGLIO_DATABASE_URL: database.url,
      INTAGLIO_DATABASE_OWNER_URL: database.ownerUrl,
      INTAGLIO_DATABASE_TLS_CA: ca,
      INTAGLIO_DATABASE_TLS_CERTIFICATE: service.certificate,
      INTAGLIO_DATABASE_TLS_KEY: service.key,
      INTAGLIO_DATABASE_TLS_OWNER_CERTIFICATE: owner.certificate,
      INTAGLIO_DATABASE_TLS_OWNER_KEY: owner.key,
    }
  })
  after(async () => {
    await installation.remove()
    await postgres.remove()
  })

  const config = (env: Record<string, string>) =>
    loadConfig({
      env: { INTAGLIO_CONFIG: 'config/test.json', ...env },
      cwd: root,
      nodeVersion: process.versions.node,
    }).config

  it('lets the service in by its certificates, which environment names tell it of', async () => {
    const { INTAGLIO_DATABASE_URL: url = '', INTAGLIO_DATABASE_OWNER_URL: ownerUrl = '', ...files } = told
    writeFileSync(join(installation.home, 'database-url'), url)
    writeFileSync(join(installation.home, 'database-owner-url'), ownerUrl)
    const server = installation.run(files)
    expect((await fetch(`${await server.ready()}/health`)).status).to.equal(200)
    expect(await postgres.connections('intaglio_service')).to.deep.equal([
      { version: 'TLSv1.3', client: '/CN=intaglio_service' },
    ])
    server.child.kill('SIGTERM')
    expect((await server.ended).code).to.equal(0)
  })

  it('lets it in by what the URLs say as well', async () => {
    const inUrl = (url: string, name: string): string =>
      `${url}?sslmode=verify-full&sslrootcert=${postgres.ca}&sslcert=${join(postgres.files.folder, `${name}.crt`)}` +
      `&sslkey=${join(postgres.files.folder, `${name}.key`)}`
    const { database } = config({
      INTAGLIO_DATABASE_URL: inUrl(postgres.database.url, 'service'),
      INTAGLIO_DATABASE_OWNER_URL: inUrl(postgres.database.ownerUrl, 'owner'),
    })
    for (const role of ['url', 'ownerUrl'] as const) {
      const access = databaseAccess(database, { role, log: pino({ level: 'silent' }) })
      access.close()
      const db = new Database({ ...access, connections: 1, onError: () => undefined })
      expect(
        await db.query({ text: 'select ssl from pg_stat_ssl where pid = pg_backend_pid()' }),
      ).to.deep.equal([{ ssl: true }])
      await db.close()
    }
  })

  describe('is said in one sentence, when the service does not get in:', () => {
    const failure = async (changes: Record<string, string>): Promise<string> => {
      const wanted = config({ ...told, ...changes })
      return startService({ config: wanted, log: pino({ level: 'silent' }) }).then(
        () => 'started',
        (error: unknown) => startFailure(error, wanted),
      )
    }
    const where = (): string =>
      `The database at 127.0.0.1:${postgres.port}${new URL(postgres.database.url).pathname}`
    const NONE = {
      INTAGLIO_DATABASE_TLS_CERTIFICATE: '',
      INTAGLIO_DATABASE_TLS_KEY: '',
      INTAGLIO_DATABASE_TLS_OWNER_CERTIFICATE: '',
      INTAGLIO_DATABASE_TLS_OWNER_KEY: '',
    }

    it('it believes another authority', async () => {
      const other = postgres.files.write('other.crt', (await Authority.create('Another')).pem)
      expect(await failure({ INTAGLIO_DATABASE_TLS_CA: other })).to.equal(
        `${where()} shows a certificate of an authority that is not in database.tls.ca: name the right file, or the right server.`,
      )
    })

    it('the server is another host', async () => {
      await postgres.show(
        await postgres.authority.issue({ name: 'database', hosts: ['db.example.org', '127.0.0.2'] }),
      )
      const refused = await failure({})
      const [, passed] = [refused, await failure({ INTAGLIO_DATABASE_TLS_MODE: 'verify-ca', ...NONE })]
      await postgres.show(await postgres.authority.issue({ name: 'database', hosts: ['127.0.0.1'] }))
      expect(refused).to.equal(
        `${where()} shows a certificate for another host name: connect to it by the name in its certificate.`,
      )
      // verify-ca does not mind, and comes as far as the missing client certificate.
      expect(passed).to.contain('wants a client certificate')
    })

    it('the server’s certificate has ended', async () => {
      await postgres.show(
        await postgres.authority.issue({ name: 'database', hosts: ['127.0.0.1'], begins: -9, ends: -1 }),
      )
      const refused = await failure({})
      await postgres.show(await postgres.authority.issue({ name: 'database', hosts: ['127.0.0.1'] }))
      expect(refused).to.equal(`${where()} shows a certificate that has ended: it needs a new one.`)
    })

    it('it shows no certificate', async () => {
      expect(await failure(NONE)).to.equal(
        `${where()} wants a client certificate: set database.tls.certificate and database.tls.key.`,
      )
    })

    it('its certificate has ended', async () => {
      const ended = await postgres.clients.issue({ name: 'intaglio_owner', begins: -9, ends: -1 })
      const { certificate, key } = postgres.files.pair('ended', ended)
      expect(
        await failure({
          INTAGLIO_DATABASE_TLS_OWNER_CERTIFICATE: certificate,
          INTAGLIO_DATABASE_TLS_OWNER_KEY: key,
        }),
      ).to.equal(
        'The configuration cannot be used:\n' +
          `  database.tls.ownerCertificate: the certificate in ${certificate} ended on ${new Date(ended.x509.validTo).toISOString().slice(0, 10)}`,
      )
    })

    it('its certificate is of an authority that the server does not know', async () => {
      const stranger = await (await Authority.create('Another')).issue({ name: 'intaglio_owner' })
      const { certificate, key } = postgres.files.pair('stranger', stranger)
      expect(
        await failure({
          INTAGLIO_DATABASE_TLS_OWNER_CERTIFICATE: certificate,
          INTAGLIO_DATABASE_TLS_OWNER_KEY: key,
        }),
        // Where the server's end of the connection comes before its alert, that is what is seen.
      ).to.match(/ (refused the client certificate in database\.tls\.certificate|ended the connection): /)
    })

    it('its certificate is another role’s', async () => {
      const { certificate, key } = postgres.files.pair(
        'another',
        await postgres.clients.issue({ name: 'somebody' }),
      )
      expect(
        await failure({
          INTAGLIO_DATABASE_TLS_OWNER_CERTIFICATE: certificate,
          INTAGLIO_DATABASE_TLS_OWNER_KEY: key,
        }),
      ).to.match(/does not let the role log in with this client certificate/)
    })

    it('it speaks no TLS', async () => {
      expect(
        await failure({ ...NONE, INTAGLIO_DATABASE_TLS_CA: '', INTAGLIO_DATABASE_TLS_MODE: 'disable' }),
      ).to.equal(`${where()} takes no connection without TLS from here (pg_hba.conf): set database.tls.`)
    })

    it('a server speaks no TLS', async () => {
      const plain = process.env['INTAGLIO_TEST_DATABASE_URL'] ?? ''
      const { host, pathname } = new URL(plain)
      expect(await failure({ INTAGLIO_DATABASE_URL: plain, INTAGLIO_DATABASE_OWNER_URL: plain })).to.equal(
        `The database at ${host}${pathname} does not speak TLS: turn it on there (ssl = on), or name the server that does.`,
      )
    })
  })

  describe('while the service is running', () => {
    const lines: string[] = []
    let db: Database
    let end: () => void
    before(() => {
      const log = createLogger('info', { write: (line) => void lines.push(line) })
      const access = databaseAccess(config(told).database, { role: 'url', log })
      end = access.close
      db = new Database({ ...access, connections: 2, onError: () => undefined })
    })
    after(async () => {
      end()
      await db.close()
    })
    const ask = (): Promise<string> =>
      db.query({ text: 'select 1' }).then(
        () => 'answered',
        (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
      )
    const until = async (expected: string): Promise<void> => {
      while ((await ask()) !== expected) await pause(50)
    }
    const reads = (): number => lines.filter((line) => line.includes('TLS files were read anew')).length

    it('gets the next certificate from new connections, without a start', async () => {
      expect(await ask()).to.equal('answered')
      const next = await postgres.clients.issue({ name: 'intaglio_service' })
      const before = reads()
      postgres.files.pair('service', next)
      while (reads() === before) await pause(50)
      await postgres.disconnect('intaglio_service')
      await until('answered')
    })

    it('makes everything unavailable when it shows another authority’s certificate, and heals', async () => {
      await postgres.show(
        await (await Authority.create('Another')).issue({ name: 'database', hosts: ['127.0.0.1'] }),
      )
      await postgres.disconnect('intaglio_service')
      await until('unavailable')
      expect(await ask()).to.equal('unavailable')
      await postgres.show(await postgres.authority.issue({ name: 'database', hosts: ['127.0.0.1'] }))
      await until('answered')
    })

    it('makes everything unavailable when it no longer takes the certificate, and heals', async () => {
      const good = readFileSync(join(postgres.files.folder, 'service.crt'), 'utf8')
      const key = readFileSync(join(postgres.files.folder, 'service.key'), 'utf8')
      const before = reads()
      postgres.files.pair(
        'service',
        await (await Authority.create('Another')).issue({ name: 'intaglio_service' }),
      )
      while (reads() === before) await pause(50)
      await postgres.disconnect('intaglio_service')
      await until('unavailable')
      postgres.files.write('service.crt', good)
      postgres.files.write('service.key', key)
      await until('answered')
    })
  })
})
