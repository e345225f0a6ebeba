import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import type { JsonObject } from '../../../src/credentials/formats/format.ts'
import { valueAt } from '../../../src/credentials/status/listBits.ts'
import { MIN_LENGTH } from '../../../src/credentials/status/statusBits.ts'
import { SECONDS } from '../credentials.ts'
import { forged } from '../keys.ts'
import { HEADER, HOST, issuer, key, ListServer, secured, stranger } from './listServer.ts'

describe('a status list of somebody else', () => {
  let server: ListServer
  before(async () => {
    server = await ListServer.start()
  })
  beforeEach(() => server.reset())
  after(() => server.receiver.close())

  for (const format of ['data-integrity', 'jwt', 'sd-jwt', 'cose'] as const)
    it(`is read as a credential in the format ${format}`, async () => {
      server.serve(await secured(server.credential(), format))
      const list = await server.read(server.asBitstring())
      expect(list).to.deep.include({ issuer, purposes: ['revocation'] })
      expect([valueAt(list.bits, 0), valueAt(list.bits, 1)]).to.deep.equal([0, 1])
    })

  it('is read in an envelope, and as a token', async () => {
    server.serve({
      '@context': 'https://www.w3.org/ns/credentials/v2',
      type: 'EnvelopedVerifiableCredential',
      id: `data:application/vc+jwt,${(await secured(server.credential())) as string}`,
    })
    expect(valueAt((await server.read(server.asBitstring())).bits, 1)).to.equal(1)
    server.serve(server.token())
    const list = await server.read(server.asToken())
    expect(list).to.deep.include({ issuer, purposes: [] })
    expect([0, 1, 2].map((index) => valueAt(list.bits, index))).to.deep.equal([1, 2, 0])
  })

  it('is asked for by nobody in particular', async () => {
    server.serve(server.token())
    await server.read(server.asToken('/1'))
    const [{ method, path, headers } = { method: '', path: '', headers: {} }] = server.receiver.received
    expect({ method, path, headers }).to.deep.equal({
      method: 'GET',
      path: '/1',
      headers: {
        accept: 'application/statuslist+jwt',
        connection: 'close',
        host: `${HOST}:${String(server.receiver.port)}`,
      },
    })
  })

  describe('is not known', () => {
    const unknown = (why: string): string => `status-unknown: The status list of somebody else: ${why}`

    it('where nobody may ask for it', async () => {
      server.serve(server.token())
      for (const allowed of [[], ['other.example']])
        expect(await server.flawOf(server.asToken(), server.lists({}, allowed))).to.equal(
          unknown('its host is not one that lists are fetched from here'),
        )
      expect(await server.flawOf({ url: server.url().replace('https', 'http'), form: 'token' })).to.equal(
        unknown('its address is not https'),
      )
      expect(await server.flawOf(server.asToken(), server.lists({ privateHosts: [] }))).to.equal(
        unknown('its host has an address that is not public'),
      )
      expect(server.receiver.received).to.deep.equal([])
    })

    it('where its server has none, sends us elsewhere, or is not the one', async () => {
      server.serve('', 404)
      expect(await server.flawOf(server.asToken())).to.equal(unknown('its server answered 404'))
      server.receiver.answer = (_request, response) =>
        void response.writeHead(302, { location: server.url('/2') }).end(server.token())
      expect(await server.flawOf(server.asToken())).to.equal(
        unknown('its server sends us elsewhere, and nobody goes there'),
      )
      expect(server.receiver.received).to.have.length(2)
      expect(await server.flawOf(server.asToken(), server.lists({ ca: undefined }))).to.equal(
        unknown('the certificate of its server is not good'),
      )
    })

    it('where it is too large, or does not come in time', async () => {
      server.serve(Buffer.alloc(1024 * 1024 + 1, 'a'))
      expect(await server.flawOf(server.asToken())).to.equal(unknown('it is larger than lists may be'))
      server.receiver.answer = () => undefined
      expect(await server.flawOf(server.asToken())).to.equal(unknown('its server did not answer in time'))
      server.receiver.answer = (_request, response) => void response.writeHead(200).write('e')
      expect(await server.flawOf(server.asToken())).to.equal(unknown('its server did not answer in time'))
    })

    it('where those before it have taken too long', async () => {
      server.serve(server.token())
      expect(await server.flawOf(server.asToken(), server.lists({ patienceMs: 0 }))).to.equal(
        unknown('the lists before it have taken too long'),
      )
      expect(server.receiver.received).to.deep.equal([])
    })

    it('where its address is none', async () => {
      for (const address of [undefined, 7, 'lists.example/1', `${server.url()}?${'x'.repeat(2_048)}`])
        expect(await server.flawOf({ url: address, form: 'token' })).to.equal(
          'status-malformed: The status list: its address is no URL',
        )
      expect(await server.flawOf({ url: server.url('/a/../1'), form: 'token' })).to.equal(
        'status-malformed: The status list: its address is not written as URLs are',
      )
    })
  })

  describe('as a credential is not good', () => {
    const of = async (document: JsonObject): Promise<string> => {
      server.serve(await secured(document))
      return server.flawOf(server.asBitstring())
    }
    const invalid = (why: string): string => `status-list-invalid: The status list: ${why}`

    it('without the proof of its issuer', async () => {
      const made = (await secured(server.credential(), 'data-integrity')) as JsonObject
      server.serve({ ...made, validFrom: '2026-06-01T11:00:01Z' })
      expect(await server.flawOf(server.asBitstring())).to.equal(
        invalid('signature-invalid: proofValue: is no signature of this key over this document'),
      )
      server.serve(server.credential())
      expect(await server.flawOf(server.asBitstring())).to.equal(
        invalid('proof-missing: proof: there is none'),
      )
      server.serve(forged(stranger, { alg: 'ES256', typ: 'vc+jwt', kid: stranger.id }, server.credential()))
      expect(await server.flawOf(server.asBitstring())).to.equal(
        invalid('issuer-mismatch: issuer: not the controller of the key'),
      )
      server.serve(
        forged(key, { alg: 'ES256', typ: 'vc+jwt', kid: 'did:web:nobody.example#1' }, server.credential()),
      )
      expect(await server.flawOf(server.asBitstring())).to.equal(
        invalid('key-unknown: kid: nobody knows this key'),
      )
      server.serve('<html>')
      expect(await server.flawOf(server.asBitstring())).to.match(/^status-list-invalid: /)
    })

    it('where it is no list, or another one', async () => {
      expect(await of(server.credential({}, { type: ['VerifiableCredential'] }))).to.equal(
        invalid('malformed: type: no BitstringStatusListCredential'),
      )
      expect(await of(server.credential({ type: 'StatusList2021' }))).to.equal(
        invalid('malformed: credentialSubject.type: no BitstringStatusList'),
      )
      expect(await of(server.credential({}, { id: server.url('/2') }))).to.equal(
        invalid('malformed: id: another list'),
      )
      expect(await of(server.credential({ statusPurpose: 7 }))).to.equal(
        invalid('malformed: credentialSubject.statusPurpose: neither text nor a list of texts'),
      )
      for (const ttl of [-1, '300000'])
        expect(await of(server.credential({ ttl }))).to.equal(invalid('malformed: ttl: not a time'))
      expect(await of(server.credential({ encodedList: 'uAAAA' }))).to.equal(
        invalid('malformed: encodedList: cannot be unpacked'),
      )
    })

    it('where it hides too few, or is made to fill the memory', async () => {
      const packed = (octets: number): string => `u${gzipSync(Buffer.alloc(octets)).toString('base64url')}`
      expect(await of(server.credential({ encodedList: packed(MIN_LENGTH / 8 - 1) }))).to.equal(
        'status-list-too-short: The status list: encodedList: fewer than 131072 entries',
      )
      expect(await of(server.credential({ encodedList: packed(64 * 1024 * 1024) }))).to.equal(
        invalid('malformed: encodedList: unpacks to more than 2 MiB'),
      )
    })

    it('when it is over, or not yet', async () => {
      expect(await of(server.credential({}, { validUntil: '2026-06-01T12:00:00Z' }))).to.equal(
        'status-list-expired: The status list: validUntil: is over',
      )
      expect(await of(server.credential({}, { validFrom: '2026-06-01T13:00:00Z' }))).to.equal(
        invalid('not-yet-valid: validFrom: is to come'),
      )
    })
  })

  describe('as a token is not good', () => {
    const invalid = (why: string): string => `status-list-invalid: The status list: ${why}`
    const of = (text: string): Promise<string> => {
      server.serve(text)
      return server.flawOf(server.asToken())
    }

    it('without the signature of its issuer', async () => {
      expect(await of(forged(stranger, { ...HEADER, kid: stranger.id }, server.claims()))).to.equal(
        invalid('issuer-mismatch: iss: not the controller of the key'),
      )
      expect(await of(forged(stranger, HEADER, server.claims()))).to.equal(
        invalid('signature-invalid: The signature is not that of the key'),
      )
      expect(await of(server.token({}, { alg: 'none' }))).to.equal(
        invalid('algorithm-not-allowed: alg: not the algorithm of the key'),
      )
      expect(await of(server.token({}, { typ: 'JWT' }))).to.equal(
        invalid('type-not-allowed: typ: no status list token'),
      )
      expect(await of(server.token({}, { kid: undefined }))).to.equal(
        invalid('key-unknown: kid: names no key'),
      )
    })

    it('where it says nothing, or of another list', async () => {
      for (const [more, why] of [
        [{ sub: server.url('/2') }, 'sub: another list'],
        [{ iat: undefined }, 'iat: not a time'],
        [{ status_list: undefined }, 'status_list: there is none'],
        [{ status_list: { bits: 3, lst: '' } }, 'status_list.bits: not 1, 2, 4 or 8'],
        [{ ttl: '1' }, 'ttl: not a time'],
        [{ exp: 'tomorrow' }, 'exp: not a time'],
      ] as const)
        expect(await of(server.token(more))).to.equal(invalid(`malformed: ${why}`))
    })

    it('when it is over, or not yet', async () => {
      expect(await of(server.token({ exp: SECONDS }))).to.equal(
        'status-list-expired: The status list: exp: is over',
      )
      expect(await of(server.token({ iat: SECONDS + 120 }))).to.equal(
        invalid('not-yet-valid: iat: is to come'),
      )
    })
  })
})
