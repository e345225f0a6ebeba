import { expect } from 'chai'
import { once } from 'node:events'
import { connect } from 'node:net'
import { mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Authority, PemFiles } from '../support/authority.ts'
import { HttpsClient } from '../support/https.ts'
import { startService, type TestService } from '../support/startService.ts'

describe('listeners', () => {
  const files = new PemFiles()
  let ca: Authority
  let service: TestService
  let tls12: string
  let tls13: string
  let ops: string
  const log = (): Record<string, unknown>[] =>
    service
      .log()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const client = (options: { maxVersion?: 'TLSv1.2'; keepAlive?: boolean } = {}) =>
    new HttpsClient({ ca: ca.pem, ...options })
  const until = async (fact: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await fact())) await pause(50)
  }

  before(async () => {
    ca = await Authority.create('Test authority')
    const first = files.pair('server', await ca.issue({ name: 'server', hosts: ['127.0.0.1'] }))
    // Kubernetes' way: the files are links through a folder that is swapped.
    mkdirSync(join(files.folder, 'v1'))
    const ending = await ca.issue({ name: 'server', hosts: ['127.0.0.1'], ends: 7 })
    files.write('v1/tls.crt', ending.certificate)
    files.write('v1/tls.key', ending.key)
    symlinkSync('v1', join(files.folder, '..data'))
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(`..data/${name}`, join(files.folder, name))
    const linked = { certificate: join(files.folder, 'tls.crt'), key: join(files.folder, 'tls.key') }
    service = await startService({
      log: { level: 'info' },
      listeners: [
        {
          host: '127.0.0.1',
          port: 0,
          faces: ['csc', 'oauth', 'keyservice', 'enrol', 'pki'],
          tls: { ...first, ...NONE },
        },
        { host: '127.0.0.1', port: 0, faces: ['admin'], tls: { ...linked, ...NONE, minVersion: 'TLSv1.2' } },
        { host: '127.0.0.1', port: 0, faces: ['pki', 'ops'] },
      ],
    })
    ;[tls13 = '', tls12 = '', ops = ''] = service.addresses
  })
  const NONE = { clientCertificates: 'none', minVersion: 'TLSv1.3' } as const
  afterEach(() => service.checkState())
  after(async () => {
    await service.close()
    files.remove()
  })

  it('speak TLS 1.3, and tell browsers to come back by it', async () => {
    const { status, headers, protocol } = await client().send(`${tls13}/csc/v2/info`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect({ status, protocol }).to.deep.equal({ status: 200, protocol: 'TLSv1.3' })
    expect(headers['strict-transport-security']).to.equal('max-age=31536000')
  })

  it('refuse TLS 1.2, unless they are told to take it', async () => {
    const old = client({ maxVersion: 'TLSv1.2' })
    expect(await old.failure(`${tls13}/health`)).to.equal('tlsv1 alert protocol version')
    expect((await old.send(`${tls12}/admin/v1/clients`)).protocol).to.equal('TLSv1.2')
  })

  it('serve their own faces, and answer the usual 404 for all others', async () => {
    const gone = { error: 'not_found', error_description: 'There is nothing at this address' }
    const nowhere = [
      `${tls13}/health`,
      `${tls13}/admin/v1/clients`,
      `${tls12}/csc/v2/info`,
      `${tls12}/oauth2/token`,
      `${tls12}/.well-known/oauth-authorization-server/oauth2`,
      `${tls12}/enrol`,
    ]
    for (const url of nowhere) {
      const { status, body } = await client().send(url)
      expect({ status, body }, url).to.deep.equal({ status: 404, body: gone })
    }
    for (const path of ['/csc/v2/info', '/admin/v1/clients', '/oauth2/token', '/enrol']) {
      const response = await fetch(`${ops}${path}`)
      expect({ status: response.status, body: await response.json() }).to.deep.equal({
        status: 404,
        body: gone,
      })
    }
    expect((await fetch(`${ops}/health`)).status).to.equal(200)
  })

  it('answer plain HTTP on a TLS port with nothing', async () => {
    const { hostname, port } = new URL(tls13)
    const socket = connect(Number(port), hostname)
    let heard = Buffer.alloc(0)
    socket.on('data', (part: Buffer) => (heard = Buffer.concat([heard, part])))
    socket.on('error', () => undefined)
    socket.write('GET /csc/v2/info HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'close')
    expect(heard.toString('latin1')).to.not.contain('HTTP/')
  })

  it('take a new certificate while they serve, and no request fails', async () => {
    const before = (await client().send(`${tls13}/csc/v2/logo.png`)).serial
    const next = await ca.issue({ name: 'server', hosts: ['127.0.0.1'] })
    const serials = new Set<string | undefined>()
    const failures: string[] = []
    let done = false
    const load = async (keepAlive: boolean): Promise<void> => {
      const caller = client({ keepAlive })
      while (!done) {
        await caller.send(`${tls13}/csc/v2/logo.png`).then(
          ({ status, serial }) => (status === 200 ? serials.add(serial) : failures.push(String(status))),
          (error: unknown) => failures.push(String(error)),
        )
      }
      caller.close()
    }
    const callers = [false, false, true].map(load)
    // One after the other, as some tools do: for a moment the pair is none.
    files.write('server.crt', next.certificate)
    files.write('server.key', next.key)
    await until(() => serials.has(next.x509.serialNumber))
    done = true
    await Promise.all(callers)
    expect(failures).to.deep.equal([])
    expect(before).to.not.equal(next.x509.serialNumber)
  })

  it('warn of a certificate that ends within two weeks, and take the next one when its folder is swapped', async () => {
    const warned = (): boolean => log().some((line) => line['alarm'] === 'tls_certificate_ending')
    await until(warned)
    const warning = log().find((line) => line['alarm'] === 'tls_certificate_ending')
    expect(warning).to.include({ level: 'warn', path: 'listeners.1.tls.certificate' })
    const next = await ca.issue({ name: 'server', hosts: ['127.0.0.1'] })
    mkdirSync(join(files.folder, 'v2'))
    files.write('v2/tls.crt', next.certificate)
    files.write('v2/tls.key', next.key)
    symlinkSync('v2', join(files.folder, '..data.new'))
    renameSync(join(files.folder, '..data.new'), join(files.folder, '..data'))
    const serial = async () => (await client().send(`${tls12}/`)).serial
    await until(async () => (await serial()) === next.x509.serialNumber)
  })

  it('keep the certificate that they have when the new one is of no use, and raise an alarm', async () => {
    const before = readFileSync(join(files.folder, 'server.crt'), 'utf8')
    files.write(
      'server.crt',
      (await ca.issue({ name: 'server', hosts: ['127.0.0.1'], ends: -0.5 })).certificate,
    )
    const alarm = () => log().find((line) => line['alarm'] === 'tls_reload_failed')
    await until(() => alarm() !== undefined)
    expect((alarm()?.['err'] as { message: string }).message).to.match(
      /^listeners\.0\.tls\.key: .+server\.key is not the key of the first certificate in .+server\.crt$/,
    )
    expect((await client().send(`${tls13}/`)).status).to.equal(404)
    files.write('server.crt', before)
  })
})
