import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal, type Mount } from './client.ts'

const METHOD = 'credentials/extendTransaction'
const DIGEST = digest('text 1')
const URL_DIGEST = Buffer.from(DIGEST, 'base64').toString('base64url')
const HASH_ALGORITHM = { hashAlgorithmOID: OID.sha256 }

type Body = Record<string, unknown>
type Row = readonly [name: string, mount: Mount, change: Body, strictly: string]

/** What a good request has besides credentialID and SAD, written otherwise; and what a strict service says to it. */
const rows: readonly Row[] = [
  ['hash for hashes, which implies the algorithm', '/csc/v2', { hash: [DIGEST] }, 'Unknown parameter hash'],
  [
    'hashAlgo for hashAlgorithmOID',
    '/csc/v2',
    { hashes: [DIGEST], hashAlgo: OID.sha256 },
    'Unknown parameter hashAlgo',
  ],
  [
    'hashes in the alphabet of the URL',
    '/csc/v2',
    { hashes: [URL_DIGEST], ...HASH_ALGORITHM },
    'Invalid Base64 hash string parameter',
  ],
  [
    'null for an absent member',
    '/csc/v2',
    { hashes: [DIGEST], ...HASH_ALGORITHM, clientData: null },
    'Invalid parameter clientData',
  ],
  [
    'hash in the alphabet of the URL',
    '/csc/v1',
    { hash: [URL_DIGEST] },
    'Invalid Base64 hash string parameter',
  ],
]

describe('an extension in the words of clients in the field', () => {
  let tolerant: TestService
  let strict: TestService
  let used: TestService

  before(async () => {
    tolerant = await startService()
    strict = await startService({ csc: { strict: true } })
  })
  afterEach(() => used.checkState())
  after(async () => {
    await tolerant.close()
    await strict.close()
  })

  async function extend(service: TestService, mount: Mount, change: Body) {
    used = service
    const client = await CscClient.of(service, service.client, '/csc/v2')
    const SAD = await client.authorize(service.credential, [DIGEST])
    return client.at(mount).call(METHOD, { credentialID: service.credential.id, SAD, ...change })
  }

  for (const [name, mount, change, strictly] of rows) {
    it(`takes ${name} at ${mount}`, async () => {
      const { status, body } = await extend(tolerant, mount, change)
      expect(Object.keys(body)).to.deep.equal(['SAD', 'expiresIn'])
      expect(status).to.equal(200)
    })
    it(`refuses ${name} at ${mount} where the service is strict`, async () => {
      const { status, body } = await extend(strict, mount, change)
      expect(body).to.deep.equal(refusal(strictly))
      expect(status).to.equal(400)
    })
  }

  it("takes version 1's own words where the service is strict", async () => {
    const { status } = await extend(strict, '/csc/v1', { hash: [DIGEST] })
    expect(status).to.equal(200)
  })

  it('refuses at /csc/v1 a length that is of no hash, and what is of version 2', async () => {
    const odd = await extend(tolerant, '/csc/v1', { hash: ['AAAA'] })
    expect([odd.status, odd.body]).to.deep.equal([400, refusal('Invalid digest value length')])
    const other = await extend(tolerant, '/csc/v1', { hashes: [DIGEST] })
    expect([other.status, other.body]).to.deep.equal([400, refusal('Unknown parameter hashes')])
  })
})
