import { signRequest, type Identity } from '../../src/api/admin/identity.ts'
import { Authority, PemFiles, type Issued } from '../support/authority.ts'
import { HttpsClient, type HttpsAnswer } from '../support/https.ts'
import { startService, type TestService } from '../support/startService.ts'

/** As the admin face refuses (RFC 9457). */
export function problem(status: number, title: string, detail: string): Record<string, unknown> {
  return { type: 'about:blank', title, status, detail }
}

export interface AdminCall {
  readonly base: string
  readonly identity: Identity
  readonly method?: string
  readonly path: string
  readonly body?: unknown
  /** Absent: plain HTTP. */
  readonly through?: HttpsClient
}

/** A service with three doors: one where clients may show certificates, one where operators must, one for neither. */
export class Doors {
  readonly files: PemFiles
  readonly service: TestService
  /** Who vouches for the service, and for operators. */
  readonly server: Authority
  readonly operators: Authority
  readonly api: string
  readonly admin: string
  readonly plain: string

  private constructor(made: Pick<Doors, 'files' | 'service' | 'server' | 'operators'>) {
    this.files = made.files
    this.service = made.service
    this.server = made.server
    this.operators = made.operators
    const [api = '', admin = '', plain = ''] = made.service.addresses
    this.api = api
    this.admin = admin
    this.plain = plain
  }

  static async open(): Promise<Doors> {
    const files = new PemFiles()
    const [server, operators] = [
      await Authority.create('Server authority'),
      await Authority.create('Operators authority'),
    ]
    const pair = files.pair('server', await server.issue({ name: 'server', hosts: ['127.0.0.1'] }))
    const tls = { ...pair, minVersion: 'TLSv1.3' } as const
    const clientCa = files.write('operators.crt', operators.pem)
    const here = { host: '127.0.0.1', port: 0 }
    const service = await startService({
      listeners: [
        {
          ...here,
          faces: ['csc', 'oauth', 'keyservice', 'enrol', 'pki'],
          tls: { ...tls, clientCertificates: 'request' },
        },
        { ...here, faces: ['admin'], tls: { ...tls, clientCa, clientCertificates: 'require' } },
        { ...here, faces: ['admin', 'pki', 'ops'] },
      ],
    })
    return new Doors({ files, service, server, operators })
  }

  async close(): Promise<void> {
    await this.service.close()
    this.files.remove()
  }

  calling(shows?: Issued): HttpsClient {
    return new HttpsClient({ ca: this.server.pem, shows })
  }

  async call(made: AdminCall): Promise<{ status: number; body: unknown }> {
    const { base, identity, method = 'GET', path, body: value, through } = made
    const body = value === undefined ? '' : JSON.stringify(value)
    const url = `${base}/admin/v1${path}`
    const signature = await signRequest(identity, { method, url, body: Buffer.from(body) })
    const headers = { authorization: `Bearer ${signature}`, 'content-type': 'application/json' }
    if (through !== undefined) return through.send(url, { method, headers, body })
    const response = await fetch(url, { method, headers, ...(body === '' ? {} : { body }) })
    return { status: response.status, body: await response.json() }
  }

  /** By those who may, at the door that asks for no certificate. */
  async register(
    owners: 'clients' | 'operators',
    id: string,
    { certificate }: Issued,
  ): Promise<{ status: number; body: unknown }> {
    const { officer, admin } = this.service.operators
    const identity = owners === 'clients' ? admin : officer
    const path = `/${owners}/${id}/certificates`
    return this.call({ base: this.plain, identity, method: 'POST', path, body: { certificate } })
  }

  async operatorId(name: string): Promise<string> {
    const rows = await this.service.sql<{ id: string }>('select id from operator where name = $1', [name])
    return rows[0]?.id ?? ''
  }

  /** @param more members of the form, such as '&client_secret=…' */
  async token(clientId: string, shows?: Issued, more = ''): Promise<HttpsAnswer> {
    return this.calling(shows).send(`${this.api}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=client_credentials&client_id=${clientId}${more}`,
    })
  }

  async credentials(bearer: string, shows?: Issued): Promise<HttpsAnswer> {
    return this.calling(shows).send(`${this.api}/csc/v2/credentials/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: '{}',
    })
  }
}
