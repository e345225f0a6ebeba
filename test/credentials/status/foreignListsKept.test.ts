import { deflateSync } from 'node:zlib'
import { expect } from 'chai'
import type { AskedList } from '../../../src/credentials/status/foreignLists.ts'
import { NOW, SECONDS } from '../credentials.ts'
import { forged } from '../keys.ts'
import { key, ListServer, secured } from './listServer.ts'

describe('a status list of somebody else is kept', () => {
  let server: ListServer
  before(async () => {
    server = await ListServer.start()
  })
  beforeEach(() => server.reset())
  after(() => server.receiver.close())

  /** How long it is, to the second. */
  const keptFor = async (asked: AskedList): Promise<number> => {
    const from = server.lists()
    server.clock = NOW.getTime()
    server.receiver.received.length = 0
    await server.read(asked, from)
    for (let seconds = 0; seconds <= 4_000; seconds += 30) {
      server.clock = NOW.getTime() + seconds * 1_000
      await server.read(asked, from).catch(() => undefined)
      if (server.receiver.received.length > 1) return seconds
    }
    return Infinity
  }

  it('for as long as it says, five minutes where it does not, an hour at most', async () => {
    for (const [ttl, seconds] of [
      [undefined, 300],
      [0, 0],
      [60, 60],
      [86_400, 3_600],
    ] as const) {
      server.serve(server.token({ ttl }))
      expect(await keptFor(server.asToken()), String(ttl)).to.equal(seconds)
      server.serve(await secured(server.credential(ttl === undefined ? {} : { ttl: ttl * 1_000 })))
      expect(await keptFor(server.asBitstring()), String(ttl)).to.equal(seconds)
    }
  })

  it('never beyond its own end, whatever ends it', async () => {
    server.serve(server.token({ exp: SECONDS + 90 }))
    expect(await keptFor(server.asToken())).to.equal(90)
    server.serve(await secured(server.credential({}, { validUntil: '2026-06-01T12:01:30Z' })))
    expect(await keptFor(server.asBitstring())).to.equal(90)
    // A claim beside the credential, which is not in it.
    server.serve(
      forged(
        key,
        { alg: 'ES256', typ: 'vc+jwt', kid: key.id },
        { ...server.credential(), exp: SECONDS + 90 },
      ),
    )
    expect(await keptFor(server.asBitstring())).to.equal(0)
  })

  it('once for all who ask at a time, and its absence for seconds', async () => {
    const from = server.lists()
    server.serve('', 500)
    expect(await server.flawOf(server.asToken(), from)).to.equal(await server.flawOf(server.asToken(), from))
    expect(server.receiver.received).to.have.length(1)
    server.clock += 5_000
    server.serve(server.token())
    const all = await Promise.all(Array.from({ length: 50 }, () => server.read(server.asToken(), from)))
    expect(new Set(all).size).to.equal(1)
    expect(server.receiver.received).to.have.length(2)
  })

  it('with 255 others', async () => {
    const from = server.lists()
    server.serveTokens()
    for (let at = 0; at < 256; at++) await server.read(server.asToken(`/${String(at)}`), from)
    await server.read(server.asToken('/0'), from)
    expect(server.receiver.received).to.have.length(256)
    await server.read(server.asToken('/256'), from)
    await server.read(server.asToken('/1'), from)
    expect(server.receiver.received).to.have.length(257)
    await server.read(server.asToken('/0'), from)
    expect(server.receiver.received).to.have.length(258)
  })

  it('with 64 MiB of others', async () => {
    const from = server.lists()
    const lst = deflateSync(Buffer.alloc(2 * 1024 * 1024)).toString('base64url')
    server.serveTokens({ status_list: { bits: 1, lst } })
    for (let at = 0; at < 32; at++) await server.read(server.asToken(`/${String(at)}`), from)
    await server.read(server.asToken('/0'), from)
    expect(server.receiver.received).to.have.length(32)
    await server.read(server.asToken('/32'), from)
    await server.read(server.asToken('/0'), from)
    expect(server.receiver.received).to.have.length(34)
  })

  it('where 32 are asked for at a time, and no more', async () => {
    const from = server.lists({ limits: { connectMs: 5_000, headersMs: 5_000, wholeMs: 5_000 } })
    const waiting: (() => void)[] = []
    server.receiver.answer = (request, response) =>
      void waiting.push(
        () => void response.writeHead(200).end(server.token({ sub: server.url(request.url) })),
      )
    const all = Array.from({ length: 32 }, (_, at) => server.read(server.asToken(`/${String(at)}`), from))
    expect(await server.flawOf(server.asToken('/one-more'), from)).to.equal(
      'status-unknown: The status list of somebody else: too many lists are being fetched now',
    )
    await server.receiver.until(32)
    for (const answer of waiting) answer()
    await Promise.all(all)
    server.serveTokens()
    expect(await server.flawOf(server.asToken('/one-more'), from)).to.equal('read')
  })
})
