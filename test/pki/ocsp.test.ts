import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import {
  ARCHIVE_CUTOFF,
  certIdOf,
  newNonce,
  NONCE,
  OcspClient,
  readAnswer,
  requestFor,
  serialOf,
} from './ocspClient.ts'
import { copyOf, signatures } from './ocspCopies.ts'

describe('OCSP', function () {
  this.timeout(60_000)
  let service: TestService
  let ocsp: OcspClient
  let leaf: Buffer
  before(async () => {
    service = await startService()
    ocsp = await OcspClient.of(service)
    leaf = service.credential.certificate
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const copies = (count: number, change = ''): Promise<Buffer[]> => copyOf(service, leaf, { count, change })
  const about = (serial: Buffer): Buffer => requestFor([certIdOf({ issuer: ocsp.issuer, serial })])
  const statusOf = async (serial: Buffer): Promise<string> =>
    (await ocsp.get(about(serial))).singles[0]?.status ?? ''

  describe('by GET, without a nonce', () => {
    it('says good of what was issued, by both hashes, with the CertID that was asked about', async () => {
      for (const hash of ['sha1', 'sha256'] as const) {
        const { singles, extensions, producedAt, responder } = await ocsp.get(ocsp.request(leaf, { hash }))
        expect(singles).to.have.length(1)
        expect(singles[0]?.status).to.equal('good')
        expect(singles[0]?.certId).to.deep.equal(
          certIdOf({ issuer: ocsp.issuer, serial: serialOf(leaf), hash }),
        )
        expect(extensions.size).to.equal(0)
        expect(responder?.checkIssued(ocsp.issuer)).to.equal(true)
        const { thisUpdate, nextUpdate } = singles[0] ?? {}
        expect(Number(nextUpdate) - Number(thisUpdate)).to.equal(1_800_000)
        expect(Math.abs(Number(producedAt) - Number(thisUpdate))).to.be.lessThan(2_000)
      }
    })

    it('gives everyone the same answer, which is signed once', async () => {
      const [serial = leaf] = await copies(1)
      const before = await signatures(service.ctx)
      const answers = await Promise.all(Array.from({ length: 20 }, () => ocsp.get(about(serial))))
      answers.push(await ocsp.get(about(serial)))
      expect(new Set(answers.map(({ der }) => der.toString('hex'))).size).to.equal(1)
      expect((await signatures(service.ctx)) - before).to.equal(1)
    })

    it('may be kept for a minute, never beyond its end, and is not sent to whoever has it', async () => {
      const { headers, singles } = await ocsp.get(ocsp.request(leaf))
      expect(headers.get('cache-control')).to.equal('max-age=60, public, no-transform, must-revalidate')
      const expires = Number(new Date(headers.get('expires') ?? ''))
      expect(expires - Number(new Date(headers.get('date') ?? ''))).to.be.within(58_000, 61_000)
      expect(expires).to.be.lessThan(Number(singles[0]?.nextUpdate))
      expect(headers.get('last-modified')).to.equal(singles[0]?.thisUpdate.toUTCString())
      const etag = headers.get('etag') ?? ''
      expect(etag).to.match(/^"[0-9a-f]{40}"$/)
      const path = encodeURIComponent(ocsp.request(leaf).toString('base64'))
      const again = await fetch(`${service.url}/pki/ocsp/${path}`, { headers: { 'if-none-match': etag } })
      expect([again.status, again.headers.get('etag'), await again.text()]).to.deep.equal([304, etag, ''])
    })

    const SLOPPY: readonly (readonly [string, (base64: string) => string])[] = [
      ['percent-encoded', (text) => encodeURIComponent(text)],
      ['as it is', (text) => text],
      ['after a second slash', (text) => `/${text}`],
      [
        'percent-encoded in lower case',
        (text) => encodeURIComponent(text).replaceAll(/%../g, (one) => one.toLowerCase()),
      ],
      ['in base64url', (text) => text.replaceAll('+', '-').replaceAll('/', '_')],
      ['without padding', (text) => text.replaceAll('=', '')],
      ['with pluses that became spaces', (text) => encodeURIComponent(text.replaceAll('+', ' '))],
      ['with a query after it', (text) => `${encodeURIComponent(text)}?x=1`],
    ]
    for (const [how, written] of SLOPPY) {
      it(`takes a request ${how}`, async () => {
        // Some serial number, so that its base64 has everything that is written differently.
        const request = requestWithAll()
        const response = await fetch(`${service.url}/pki/ocsp/${written(request.toString('base64'))}`)
        expect(readAnswer(Buffer.from(await response.arrayBuffer())).singles[0]?.status).to.equal('unknown')
      })
    }

    function requestWithAll(): Buffer {
      for (;;) {
        const request = about(newNonce(16).fill(0x4a, 0, 1))
        const text = request.toString('base64')
        if (text.includes('+') && text.includes('/') && text.endsWith('=')) return request
      }
    }
  })

  describe('by POST, or with a nonce', () => {
    it('repeats a nonce of any length, signs for it alone, and lets nobody keep it', async () => {
      for (const length of [1, 16, 32, 128]) {
        const nonce = newNonce(length)
        const { singles, extensions, headers } = await ocsp.post(ocsp.request(leaf, { nonce }))
        expect(extensions.get(NONCE)?.subarray(-length)).to.deep.equal(nonce)
        expect(singles[0]?.status).to.equal('good')
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(headers.get('etag')).to.equal(null)
      }
    })

    it('answers a request of several certificates in their order, and with what was asked', async () => {
      const ids = [serialOf(leaf), newNonce(16).fill(0x4a, 0, 1), ocsp.issuer]
        .map((one) => (Buffer.isBuffer(one) ? one : Buffer.from(one.serialNumber, 'hex')))
        .map((serial) => certIdOf({ issuer: ocsp.issuer, serial, hash: 'sha256' }))
      const { singles } = await ocsp.post(requestFor(ids))
      expect(singles.map(({ status }) => status)).to.deep.equal(['good', 'unknown', 'unknown'])
      expect(singles.map(({ certId }) => certId)).to.deep.equal(ids)
    })

    it('gives a request without a nonce what it gives by GET', async () => {
      const [posted, got] = [await ocsp.post(ocsp.request(leaf)), await ocsp.get(ocsp.request(leaf))]
      expect(posted.der).to.deep.equal(got.der)
    })
  })

  describe('never says good', () => {
    it('of a serial that there is not, that was planned, or that is void', async () => {
      const [planned = leaf] = await copies(1, `state = 'planned', der = null`)
      const [empty = leaf] = await copies(1, `state = 'void', der = null`)
      for (const serial of [newNonce(16).fill(0x4a, 0, 1), planned, empty, Buffer.from([0])]) {
        expect(await statusOf(serial)).to.equal('unknown')
        const nonce = newNonce()
        const live = await ocsp.post(requestFor([certIdOf({ issuer: ocsp.issuer, serial })], nonce))
        expect(live.singles[0]?.status).to.equal('unknown')
        expect((await ocsp.get(about(serial))).headers.get('cache-control')).to.equal('no-store')
      }
    })

    it('of what is planned, however often it was asked, until it is issued', async () => {
      const [serial = leaf] = await copies(1, `state = 'planned', der = null`)
      expect(await statusOf(serial)).to.equal('unknown')
      await service.sql(`update certificate set state = 'issued', der = tbs where serial = $1`, [serial])
      expect(await statusOf(serial)).to.equal('good')
    })

    it("of somebody else's certificates: that is not ours to say", async () => {
      const root = await service.sql<{ der: Buffer }>(`select der from certificate where profile = 'root'`)
      const other = new X509Certificate(root[0]?.der ?? '')
      const foreign = certIdOf({ issuer: other, serial: serialOf(leaf) })
      expect((await ocsp.get(requestFor([foreign]))).status).to.equal(6)
      expect((await ocsp.post(requestFor([foreign], newNonce()))).status).to.equal(6)
      const ours = certIdOf({ issuer: ocsp.issuer, serial: serialOf(leaf) })
      expect((await ocsp.post(requestFor([ours, foreign]))).status).to.equal(6)
    })

    it('of a certificate that was revoked: it says why and since when, and no reason where there is none', async () => {
      const rows = [
        ['keyCompromise', 1],
        ['affiliationChanged', 3],
        ['superseded', 4],
        ['cessationOfOperation', 5],
        ['privilegeWithdrawn', 9],
        ['unspecified', undefined],
      ] as const
      for (const [reason, code] of rows) {
        const [serial = leaf] = await copies(
          1,
          `state = 'revoked', revoked_at = '2026-01-02T03:04:05Z', revocation_reason = '${reason}'`,
        )
        const { singles } = await ocsp.get(about(serial))
        expect([singles[0]?.status, singles[0]?.reason]).to.deep.equal(['revoked', code])
        expect(singles[0]?.revokedAt).to.deep.equal(new Date('2026-01-02T03:04:05Z'))
      }
    })

    it('of what has expired without saying since when nothing is forgotten', async () => {
      const [serial = leaf] = await copies(
        1,
        `not_before = now() - interval '2 days', not_after = now() - interval '1 day'`,
      )
      const { singles } = await ocsp.get(about(serial))
      const cutoff = singles[0]?.extensions.get(ARCHIVE_CUTOFF)?.subarray(2).toString('ascii') ?? ''
      const since = new Date(ocsp.issuer.validFrom).toISOString().replaceAll(/[-:T]|\.000/g, '')
      expect(cutoff).to.equal(since)
      expect((await ocsp.get(ocsp.request(leaf))).singles[0]?.extensions.size).to.equal(0)
    })
  })

  describe('refuses in its own words, by HTTP 200,', () => {
    const error = (status: number): Buffer => Buffer.from([0x30, 0x03, 0x0a, 0x01, status])

    it('what is malformed', async () => {
      const MALFORMED = [Buffer.alloc(0), Buffer.from('nonsense'), Buffer.alloc(20_000, 0x30)]
      for (const body of MALFORMED) expect((await ocsp.post(body)).der).to.deep.equal(error(1))
      for (const path of ['', '/', '/%', '/%zz', '/MA', '/nonsense!', `/${'A'.repeat(12_000)}`]) {
        const response = await fetch(`${service.url}/pki/ocsp${path}`)
        expect([response.status, response.headers.get('cache-control')]).to.deep.equal([200, 'no-store'])
        expect(Buffer.from(await response.arrayBuffer())).to.deep.equal(error(1))
      }
      for (const length of [0, 129]) {
        const nonce = newNonce(length)
        expect((await ocsp.post(ocsp.request(leaf, { nonce }))).der).to.deep.equal(error(1))
      }
    })

    it('and another method by 405', async () => {
      for (const path of ['/pki/ocsp', '/pki/ocsp/MA']) {
        const response = await fetch(`${service.url}${path}`, { method: 'PUT' })
        expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'GET, POST'])
      }
    })
  })
})
