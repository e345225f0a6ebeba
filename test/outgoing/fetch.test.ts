import type { LookupAddress } from 'node:dns'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { guardedFetch, type OutgoingOptions, type OutgoingPurpose } from '../../src/outgoing/fetch.ts'
import { OutgoingError } from '../../src/outgoing/errors.ts'
import { Receiver } from './receiver.ts'

const LIMITS = { connectMs: 2_000, headersMs: 2_000, wholeMs: 4_000, maxOctets: 1024 }
const SHORT = 150
const HERE: LookupAddress = { address: '127.0.0.1', family: 4 }
const NAME = 'receiver.test'

describe('the guarded fetch', () => {
  let receiver: Receiver
  const asked: string[] = []

  before(async () => {
    receiver = await Receiver.start([NAME, 'localhost', '127.0.0.1'])
  })
  beforeEach(() => {
    asked.length = 0
    receiver.received.length = 0
    receiver.answer = (_request, response) => void response.writeHead(200).end('thanks')
  })
  after(() => receiver.close())

  /** A name server that answers each question with the next of these. */
  const answering = (...answers: LookupAddress[][]) => ({
    resolve: (host: string) => {
      asked.push(host)
      return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1] ?? [])
    },
  })
  const ask = (
    options: Partial<OutgoingOptions> = {},
    url = `https://${NAME}:${receiver.port}/x?y=1`,
    purpose: OutgoingPurpose = 'notification',
  ) =>
    guardedFetch({
      hosts: { notification: undefined, message: [], 'did-web': [NAME], 'status-list': [] },
      privateHosts: [NAME],
      ca: receiver.ca,
      limits: LIMITS,
      ...answering([HERE]),
      ...options,
    })({ purpose, method: 'POST', url: new URL(url), body: Buffer.from('{}') })
  const reason = async (...of: Parameters<typeof ask>): Promise<string> =>
    ask(...of).then(
      () => 'answered',
      (error: unknown) => {
        expect(error).to.be.instanceOf(OutgoingError)
        return (error as OutgoingError).reason
      },
    )

  it('posts to a host by its name, and gives back what was answered', async () => {
    const { status, body } = await ask()
    expect([status, body.toString()]).to.deep.equal([200, 'thanks'])
    const [got] = receiver.received
    expect(got).to.deep.include({ method: 'POST', path: '/x?y=1', body: '{}' })
    expect(got?.headers).to.deep.equal({
      host: `${NAME}:${receiver.port}`,
      'user-agent': 'intaglio',
      'content-length': '2',
      connection: 'close',
    })
  })

  it('asks for a name once, and connects to the address that was checked', async () => {
    await ask(answering([HERE], [{ address: '127.0.0.2', family: 4 }]))
    expect(asked).to.deep.equal([NAME])
    expect(receiver.received[0]?.at).to.match(/^(::ffff:)?127\.0\.0\.1$/)
  })

  it('calls no host whose address is private, nor one that has such an address among others', async () => {
    for (const addresses of [
      [HERE],
      [{ address: '1.1.1.1', family: 4 }, HERE],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
      [{ address: '64:ff9b::7f00:1', family: 6 }],
      [{ address: '169.254.169.254', family: 4 }],
    ]) {
      const found = await reason({ privateHosts: [], ...answering(addresses) })
      expect(found, JSON.stringify(addresses)).to.equal('address_not_allowed')
    }
    expect(receiver.received).to.deep.equal([])
  })

  for (const host of [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '017700000001',
    '127.1',
    '0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::]',
    '[64:ff9b::127.0.0.1]',
    '10.0.0.1',
    '169.254.169.254',
  ]) {
    it(`calls nobody at https://${host}/`, async () => {
      const resolving = { ...(host === 'localhost' ? answering([HERE]) : { resolve: undefined }) }
      const options = { privateHosts: [], ...resolving } as Partial<OutgoingOptions>
      expect(await reason(options, `https://${host}:${receiver.port}/`)).to.equal('address_not_allowed')
      expect(receiver.received).to.deep.equal([])
    })
  }

  it('calls the operator’s own network for the one purpose that it is meant for', async () => {
    const options = { privateHosts: [], privateFor: { message: [NAME] }, ...answering([HERE]) }
    expect(await reason(options)).to.equal('address_not_allowed')
    const hosts = { notification: [], message: [NAME], 'did-web': [], 'status-list': [] }
    const { status } = await ask({ ...options, hosts }, `https://${NAME}:${receiver.port}/`, 'message')
    expect(status).to.equal(200)
  })

  it('calls an address itself where it may be private', async () => {
    const { status } = await ask({ privateHosts: ['127.0.0.1'] }, `https://127.0.0.1:${receiver.port}/`)
    expect(status).to.equal(200)
  })

  it('speaks https only, and takes no password from an address', async () => {
    expect(await reason({}, `http://${NAME}:${receiver.port}/`)).to.equal('not_https')
    expect(await reason({}, 'file:///etc/passwd')).to.equal('not_https')
    expect(await reason({}, `https://a:b@${NAME}:${receiver.port}/`)).to.equal('host_not_allowed')
    expect(asked).to.deep.equal([])
  })

  it('calls the hosts of its purpose and no others', async () => {
    const only = (...hosts: string[]) => ({
      hosts: { notification: hosts, message: [], 'did-web': [], 'status-list': [] },
    })
    expect(await reason(only('other.test', NAME))).to.equal('answered')
    expect(await reason(only('*.test'))).to.equal('answered')
    for (const pattern of ['test', '*.receiver.test', 'eceiver.test', '*.eceiver.test', 'other.test']) {
      expect(await reason(only(pattern)), pattern).to.equal('host_not_allowed')
    }
    expect(await reason(only())).to.equal('host_not_allowed')
  })

  it('follows no redirect', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      receiver.answer = (_request, response) =>
        void response.writeHead(status, { location: `https://${NAME}:${receiver.port}/other` }).end()
      expect(await reason()).to.equal('redirected')
    }
    expect(receiver.received.map(({ path }) => path)).to.not.include('/other')
  })

  it('believes no certificate of another name, and none that nobody vouches for', async () => {
    const other = 'other.test'
    expect(await reason({ privateHosts: [other] }, `https://${other}:${receiver.port}/`)).to.equal(
      'tls_failed',
    )
    expect(await reason({ ca: undefined })).to.equal('tls_failed')
    expect(receiver.received).to.deep.equal([])
  })

  it('says so when a name has no address, or nobody listens', async () => {
    expect(await reason(answering([]))).to.equal('not_resolved')
    expect(await reason({}, `https://${NAME}:1/`)).to.equal('connection_failed')
  })

  it('waits so long for a name and no longer', async () => {
    const limits = { ...LIMITS, connectMs: SHORT }
    const resolve = () => new Promise<LookupAddress[]>(() => undefined)
    expect(await reason({ limits, resolve })).to.equal('connect_timeout')
  })

  it('waits so long for headers and no longer', async () => {
    receiver.answer = () => undefined
    expect(await reason({ limits: { ...LIMITS, headersMs: SHORT } })).to.equal('headers_timeout')
  })

  it('waits so long for the whole of an answer that drips, and no longer', async () => {
    let dripping: NodeJS.Timeout | undefined
    receiver.answer = (request, response) => {
      response.writeHead(200)
      dripping = setInterval(() => response.write('.'), 20)
      request.socket.on('close', () => clearInterval(dripping))
    }
    expect(await reason({ limits: { ...LIMITS, wholeMs: 2 * SHORT } })).to.equal('timeout')
    clearInterval(dripping)
  })

  it('reads so many octets of an endless answer and no more', async () => {
    let written = 0
    receiver.answer = (request, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!request.socket.destroyed && response.write(Buffer.alloc(1024))) written++
      }
      response.on('drain', more)
      more()
    }
    expect(await reason()).to.equal('too_large')
    expect(written).to.be.lessThan(10_000)
  })

  it('is not confused by an answer that is none', async () => {
    receiver.answer = (request) => request.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort')
    expect(await reason()).to.equal('connection_failed')
    receiver.answer = (request) => request.socket.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(await reason()).to.equal('connection_failed')
  })

  it('can be ended', async () => {
    const ending = new AbortController()
    receiver.answer = () => ending.abort()
    const fetch = guardedFetch({
      hosts: { notification: undefined, message: [], 'did-web': [NAME], 'status-list': [] },
      privateHosts: [NAME],
      ca: receiver.ca,
      ...answering([HERE]),
    })
    const url = new URL(`https://${NAME}:${receiver.port}/`)
    const asking = fetch({ purpose: 'notification', method: 'GET', url, signal: ending.signal })
    expect(await asking.catch((error: unknown) => (error as OutgoingError).reason)).to.equal('aborted')
  })

  describe('where TLS never comes', () => {
    let mute: Server
    const sockets: Socket[] = []
    before(async () => {
      mute = createServer((socket) => void sockets.push(socket))
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    })
    after(() => {
      for (const socket of sockets) socket.destroy()
      mute.close()
    })

    it('waits so long for the handshake and no longer', async () => {
      const { port } = mute.address() as AddressInfo
      const limits = { ...LIMITS, connectMs: SHORT }
      expect(await reason({ limits }, `https://${NAME}:${port}/`)).to.equal('connect_timeout')
    })
  })
})
