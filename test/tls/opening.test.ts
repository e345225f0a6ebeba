import { expect } from 'chai'
import { BlockList, connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { connect as tlsConnect } from 'node:tls'
import pino from 'pino'
import type { Config } from '../../config/config.ts'
import type { ListenerConfig, ListenerTls } from '../../config/listeners.ts'
import { load, root } from '../config/files.ts'
import { clientCertificateOf } from '../../src/clientCertificate.ts'
import { Listener } from '../../src/listener.ts'
import { openListeners } from '../../src/listeners.ts'
import { startFailure } from '../../src/startFailure.ts'
import { readTlsFiles } from '../../src/tlsFiles.ts'
import { Authority, PemFiles, selfSigned, type Issued } from '../support/authority.ts'
import { HttpsClient } from '../support/https.ts'

const log = pino({ level: 'silent' })

describe('opening and closing listeners', () => {
  const files = new PemFiles()
  let ca: Authority
  let good: { certificate: string; key: string }
  let base: Config
  before(async () => {
    ca = await Authority.create('Test authority')
    good = files.pair('good', await ca.issue({ name: 'server', hosts: ['127.0.0.1'] }))
    base = load({
      INTAGLIO_CONFIG: `${root}/config/test.json`,
      DATABASE_URL: 'postgres://x@127.0.0.1/x',
    }).config
  })
  after(() => files.remove())

  const settings = (tls: Partial<ListenerTls> = {}): ListenerTls => ({
    ...good,
    clientCertificates: 'none',
    minVersion: 'TLSv1.3',
    ...tls,
  })
  const listener = (tls?: ListenerTls, port = 0): ListenerConfig => ({
    host: '127.0.0.1',
    port,
    faces: ['ops'],
    tls,
  })
  const failure = async (listeners: ListenerConfig[]): Promise<string> => {
    const config = { ...base, listeners }
    return openListeners(config, log).then(
      async (open) => (await open.drain(0), 'opened'),
      (error: unknown) => startFailure(error, config),
    )
  }
  const open = (tls: ListenerTls, allowed?: BlockList): Promise<Listener> => {
    const material = readTlsFiles({
      certificate: { file: tls.certificate, path: '' },
      key: { file: tls.key, path: '' },
      ...(tls.clientCa === undefined ? {} : { ca: { file: tls.clientCa, path: '' } }),
    })
    return Listener.open({ host: '127.0.0.1', port: 0, tls: { config: tls, material }, allowed })
  }

  describe('is refused, in a sentence that begins with the path, for', () => {
    const sentence = async (tls: Partial<ListenerTls>): Promise<string> =>
      (await failure([listener(), listener(settings(tls))])).replace(
        'The configuration cannot be used:\n  ',
        '',
      )
    const issued = (name: string, made: Issued) => files.pair(name, made)

    it('files that cannot be read', async () => {
      expect(await sentence({ certificate: '/nowhere.crt' })).to.equal(
        'listeners.1.tls.certificate: /nowhere.crt cannot be read (ENOENT)',
      )
      expect(await sentence({ key: '/nowhere.key' })).to.equal(
        'listeners.1.tls.key: /nowhere.key cannot be read (ENOENT)',
      )
      expect(await sentence({ clientCa: '/nowhere.ca', clientCertificates: 'require' })).to.equal(
        'listeners.1.tls.clientCa: /nowhere.ca cannot be read (ENOENT)',
      )
    })

    it('files that hold something else', async () => {
      const { certificate, key } = good
      expect(await sentence({ certificate: key })).to.equal(
        `listeners.1.tls.certificate: ${key} holds no PEM certificate`,
      )
      expect(await sentence({ key: certificate })).to.equal(
        `listeners.1.tls.key: ${certificate} holds no unencrypted PEM private key`,
      )
      const empty = files.write('empty', '')
      expect(await sentence({ clientCa: empty, clientCertificates: 'require' })).to.equal(
        `listeners.1.tls.clientCa: ${empty} holds no PEM certificates`,
      )
    })

    it('a key of another certificate', async () => {
      const { key } = issued('other', await ca.issue({ name: 'server' }))
      expect(await sentence({ key })).to.equal(
        `listeners.1.tls.key: ${key} is not the key of the first certificate in ${good.certificate}`,
      )
    })

    it('a certificate out of its time', async () => {
      const past = await ca.issue({ name: 'server', begins: -9, ends: -1 })
      const future = await ca.issue({ name: 'server', begins: 1, ends: 9 })
      const day = (text: string): string => new Date(text).toISOString().slice(0, 10)
      const { certificate } = issued('past', past)
      expect(await sentence(issued('past', past))).to.equal(
        `listeners.1.tls.certificate: the certificate in ${certificate} ended on ${day(past.x509.validTo)}`,
      )
      expect(await sentence(issued('future', future))).to.match(
        new RegExp(`^listeners\\.1\\.tls\\.certificate: .+ begins only on ${day(future.x509.validFrom)}$`),
      )
    })

    it('an address that is taken, and then none is left open', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      const free = createServer().listen(0, '127.0.0.1')
      await once(free, 'listening')
      const { port: first } = free.address() as AddressInfo
      free.close()
      await once(free, 'close')
      expect(await failure([listener(undefined, first), listener(settings(), port)])).to.equal(
        `Port ${port} on 127.0.0.1 is in use: stop what listens there, or set listeners.1.port.`,
      )
      const again = createServer().listen(first, '127.0.0.1')
      await once(again, 'listening')
      for (const server of [other, again]) server.close()
    })
  })

  it('lets nobody through without a certificate where one is required, also without authorities', async () => {
    const opened = await open(settings({ clientCertificates: 'require' }))
    const url = `https://127.0.0.1:${opened.port}/`
    expect(await new HttpsClient({ ca: ca.pem }).failure(url)).to.match(/ECONNRESET|EPIPE/)
    const shows = await selfSigned({ name: 'somebody' })
    expect((await new HttpsClient({ ca: ca.pem, shows }).send(url)).status).to.equal(503)
    await opened.drain(0)
  })

  it('believes certificates of its authorities only, where it has some, and lets others be nobody', async () => {
    const clientCa = files.write('clients.crt', ca.pem)
    const opened = await open(settings({ clientCertificates: 'request', clientCa }))
    opened.serve((request, response) => {
      response.end(clientCertificateOf(request)?.certificate.subject ?? 'nobody')
    })
    const known = await ca.issue({ name: 'known' })
    for (const [shows, who] of [
      [known, 'CN=known'],
      [undefined, 'nobody'],
      [await selfSigned({ name: 'known', keys: known.keys }), 'nobody'],
      [await ca.issue({ name: 'known', keys: known.keys, begins: -9, ends: -1 }), 'nobody'],
    ] as const) {
      const { body } = await new HttpsClient({ ca: ca.pem, shows }).send(`https://127.0.0.1:${opened.port}/`)
      expect(body).to.equal(who)
    }
    await opened.drain(0)
  })

  it('closes connections of those who may not connect, before they are heard', async () => {
    const nobody = new BlockList()
    nobody.addAddress('192.0.2.1')
    const opened = await open(settings(), nobody)
    expect(await new HttpsClient({ ca: ca.pem }).failure(`https://127.0.0.1:${opened.port}/`)).to.match(
      /ECONNRESET|EPIPE/,
    )
    await opened.drain(0)
  })

  it('ends TLS connections that are idle, or never carried a request, at once', async () => {
    const opened = await open(settings())
    const secure = tlsConnect({ port: opened.port, host: '127.0.0.1', ca: ca.pem })
    await once(secure, 'secureConnect')
    secure.resume()
    const caller = new HttpsClient({ ca: ca.pem, keepAlive: true })
    await caller.send(`https://127.0.0.1:${opened.port}/`)
    const raw = connect(opened.port, '127.0.0.1')
    await once(raw, 'connect')
    raw.resume()
    const before = Date.now()
    await opened.drain(30_000)
    expect(Date.now() - before).to.be.lessThan(5_000)
    caller.close()
  })

  it('resumes no session where certificates say who calls', async () => {
    for (const [clientCertificates, tickets] of [
      ['none', true],
      ['request', false],
    ] as const) {
      const opened = await open(settings({ clientCertificates }))
      const secure = tlsConnect({ port: opened.port, host: '127.0.0.1', ca: ca.pem })
      let session: Buffer | undefined
      secure.on('session', (given: Buffer) => (session = given))
      secure.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      secure.resume()
      await once(secure, 'close')
      const again = tlsConnect({ port: opened.port, host: '127.0.0.1', ca: ca.pem, session })
      await once(again, 'secureConnect')
      expect(again.isSessionReused(), clientCertificates).to.equal(tickets)
      again.destroy()
      await opened.drain(0)
    }
  })
})
