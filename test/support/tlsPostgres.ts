import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { Authority, PemFiles, type Issued } from './authority.ts'
import { createTestDatabase, withClient, type TestDatabase } from './database.ts'
import { OwnPostgres } from './ownPostgres.ts'

/** The service's role shows a certificate and says its password; the owner's certificate is enough; a test needs neither. */
const HBA = `
host    all postgres         127.0.0.1/32 scram-sha-256
hostssl all intaglio_service 127.0.0.1/32 scram-sha-256 clientcert=verify-full
hostssl all intaglio_owner   127.0.0.1/32 cert
`

/** A Postgres that lets nobody in without TLS and a certificate of its own authority. */
export class TlsPostgres {
  readonly files = new PemFiles()
  readonly database: TestDatabase
  /** Who vouches for the server, and for its clients. */
  readonly authority: Authority
  readonly clients: Authority
  /** PEM files that the service is told. */
  readonly ca: string
  readonly #postgres: OwnPostgres
  readonly #data: string

  private constructor(made: {
    postgres: OwnPostgres
    database: TestDatabase
    data: string
    authority: Authority
    clients: Authority
  }) {
    this.#postgres = made.postgres
    this.#data = made.data
    this.database = made.database
    this.authority = made.authority
    this.clients = made.clients
    this.ca = this.files.write('ca.crt', made.authority.pem)
  }

  static async start(): Promise<TlsPostgres> {
    const postgres = await OwnPostgres.start()
    const database = await createTestDatabase({ server: new URL(postgres.url) })
    const data = await withClient(postgres.url, async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory')
      return rows[0]?.data_directory ?? ''
    })
    const authority = await Authority.create('Database authority')
    const clients = await Authority.create('Database clients authority')
    const made = new TlsPostgres({ postgres, database, data, authority, clients })
    await made.#requireTls()
    return made
  }

  get port(): number {
    return this.#postgres.port
  }

  /** Shows another certificate from now on. Connections that are open stay open. */
  async show({ certificate, key, x509 }: Issued): Promise<void> {
    await this.#write('server.crt', certificate)
    await this.#write('server.key', key)
    await this.#reload()
    while ((await this.#shownSerial()) !== x509.serialNumber) await pause(20)
  }

  /** Ends every connection of a role, as a restart of the server would. */
  async disconnect(role: string): Promise<void> {
    await withClient(this.#postgres.url, (client) =>
      client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]),
    )
  }

  /** How a role's connections are encrypted: version of TLS and the client certificate's name. */
  async connections(role: string): Promise<{ version: string | null; client: string | null }[]> {
    return withClient(this.#postgres.url, async (client) => {
      const { rows } = await client.query<{ version: string | null; client: string | null }>(
        `select distinct s.version, s.client_dn as client from pg_stat_activity a join pg_stat_ssl s using (pid)
          where a.usename = $1`,
        [role],
      )
      return rows
    })
  }

  async remove(): Promise<void> {
    await this.#postgres.remove()
    this.files.remove()
  }

  async #requireTls(): Promise<void> {
    const first = await this.authority.issue({ name: 'database', hosts: ['127.0.0.1'] })
    await this.#write('root.crt', this.clients.pem)
    await this.#write('server.crt', first.certificate)
    await this.#write('server.key', first.key)
    await this.#write('pg_hba.conf', HBA)
    await withClient(this.#postgres.url, async (client) => {
      await client.query(`alter system set ssl_ca_file = 'root.crt'`)
      await client.query('alter system set ssl = on')
    })
    await this.show(first)
  }

  async #write(name: string, content: string): Promise<void> {
    const path = join(this.#data, name)
    writeFileSync(path, content, { mode: 0o600 })
    const user = await OwnPostgres.user()
    if (user !== undefined) chownSync(path, user.uid, user.gid)
  }

  async #reload(): Promise<void> {
    await withClient(this.#postgres.url, (client) => client.query('select pg_reload_conf()'))
  }

  /** PostgreSQL's SSLRequest, and then TLS. */
  async #shownSerial(): Promise<string | undefined> {
    const plain: Socket = connect(this.port, '127.0.0.1')
    plain.on('error', () => undefined)
    plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    const [answer] = (await once(plain, 'data')) as [Buffer]
    if (answer.toString('latin1') !== 'S') {
      plain.destroy()
      return undefined
    }
    const secure: TLSSocket = tlsConnect({ socket: plain, rejectUnauthorized: false })
    secure.on('error', () => undefined)
    await once(secure, 'secureConnect')
    const serial = secure.getPeerX509Certificate()?.serialNumber
    secure.destroy()
    return serial
  }
}
