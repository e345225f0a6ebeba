import { expect } from 'chai'
import { rootCertificate } from '../../src/pki/hierarchy.ts'
import { certificatesOf, infoOf, OpenSsl, pem } from '../pki/tsaClient.ts'
import { startService, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal } from './client.ts'

const METHOD = 'signatures/timestamp'
const DATA = 'a document'
const MISSING = 'Missing (or invalid type) string parameter'
const good = { hash: digest(DATA), hashAlgo: OID.sha256, nonce: '4f1a9c03b7d2e856' }

const ROWS: readonly (readonly [name: string, change: object, description: string])[] = [
  ['no hash', { hash: undefined }, `${MISSING} hash`],
  ['a list of hashes', { hash: [good.hash] }, `${MISSING} hash`],
  ['an empty hash', { hash: '' }, 'Empty hash parameter'],
  ['a hash that is no base64', { hash: '*' }, 'Invalid Base64 hash string parameter'],
  ['a hash with a line break', { hash: `${good.hash}\n` }, 'Invalid Base64 hash string parameter'],
  ['a hash of another length', { hash: digest(DATA, 'sha384') }, 'Invalid digest value length'],
  ['no hashAlgo', { hashAlgo: undefined }, `${MISSING} hashAlgo`],
  ['a hashAlgo that is a number', { hashAlgo: 5 }, `${MISSING} hashAlgo`],
  ['SHA-1', { hash: digest(DATA, 'sha1'), hashAlgo: '1.3.14.3.2.26' }, 'Invalid parameter hashAlgo'],
  ['a hashAlgo that is no OID', { hashAlgo: 'SHA-256' }, 'Invalid parameter hashAlgo'],
  ['a nonce that is no hexadecimal', { nonce: '0x12' }, 'Invalid parameter nonce'],
  ['an empty nonce', { nonce: '' }, 'Invalid parameter nonce'],
  ['a nonce that is a number', { nonce: 5 }, 'Invalid parameter nonce'],
  ['an endless nonce', { nonce: 'f'.repeat(65) }, 'Invalid parameter nonce'],
  ['clientData of another type', { clientData: {} }, 'Invalid parameter clientData'],
  ['an unknown member', { policy: '1.2.3' }, 'Unknown parameter policy'],
]

describe(METHOD, function () {
  this.timeout(60_000)
  let service: TestService
  let client: CscClient
  let openssl: OpenSsl
  let root: string
  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    openssl = new OpenSsl()
    root = openssl.file(pem(await rootCertificate(service.ctx)))
  })
  afterEach(() => service.checkState())
  after(async () => {
    openssl.remove()
    await service.close()
  })

  for (const mount of ['/csc/v1', '/csc/v2'] as const) {
    describe(`at ${mount}`, () => {
      for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
        it(`stamps a ${hash} digest, as openssl finds, and repeats the nonce`, async () => {
          const asked = { ...good, hash: digest(DATA, hash), hashAlgo: OID[hash], clientData: 'mine' }
          const answer = await client.at(mount).get(METHOD, asked)
          expect(Object.keys(answer)).to.deep.equal(['timestamp'])
          const token = Buffer.from(String(answer['timestamp']), 'base64')
          expect(infoOf(token).nonce).to.equal(good.nonce)
          expect(certificatesOf(token)).to.have.length(2)
          const verify = (data: string): string =>
            openssl.run(
              ...['ts', '-verify', '-in', openssl.file(token), '-token_in'],
              ...['-data', openssl.file(data), '-CAfile', root],
            )
          expect(verify(DATA)).to.include('Verification: OK')
          expect(verify('another one')).to.include('message imprint mismatch')
        })
      }

      it('takes a nonce as the number that it is, and does without one', async () => {
        for (const [nonce, contents] of [
          ['f', '0f'],
          ['00ff', '00ff'],
          ['0000', '00'],
          ['8000000000000000', '008000000000000000'],
        ]) {
          const { timestamp } = await client.at(mount).get(METHOD, { ...good, nonce })
          expect(infoOf(Buffer.from(String(timestamp), 'base64')).nonce).to.equal(contents)
        }
        const { timestamp } = await client.at(mount).get(METHOD, { hash: good.hash, hashAlgo: good.hashAlgo })
        expect(infoOf(Buffer.from(String(timestamp), 'base64')).nonce).to.equal(undefined)
      })

      for (const [name, change, description] of ROWS) {
        it(`refuses ${name}`, async () => {
          const { status, body } = await client.at(mount).call(METHOD, { ...good, ...change })
          expect(body).to.deep.equal(refusal(description))
          expect(status).to.equal(400)
        })
      }

      it('wants an access token', async () => {
        const { status } = await client.at(mount).call(METHOD, good, { authorization: 'Bearer x' })
        expect(status).to.equal(401)
      })
    })
  }

  it('is recorded as what this client asked for', async () => {
    await client.get(METHOD, good)
    const [{ actor } = { actor: '' }] = await service.sql<{ actor: string }>(
      `select actor from audit where act = 'timestamp' and kind = 'intent' order by recorded_at desc limit 1`,
    )
    expect(actor).to.equal(`client:${service.client.id}`)
  })
})
