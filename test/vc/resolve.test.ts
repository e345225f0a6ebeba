import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { newIssuer } from './client.ts'

/** did:key's own example (did:key, 2). */
const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
const CONTEXT = 'https://w3id.org/did-resolution/v1'

describe('resolution of DIDs', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const resolved = async (did: string, query = '') => {
    const response = await fetch(`${service.url}/1.0/identifiers/${encodeURIComponent(did)}${query}`)
    return { response, body: (await response.json()) as Record<string, Record<string, unknown>> }
  }

  it('answers the document of a did:key, for anybody and any page', async () => {
    const { response, body } = await resolved(DID)
    expect(response.status).to.equal(200)
    expect(response.headers.get('content-type')).to.equal(
      'application/ld+json;profile="https://w3id.org/did-resolution"',
    )
    expect(response.headers.get('access-control-allow-origin')).to.equal('*')
    expect(body['didDocument']?.['id']).to.equal(DID)
    expect(body['didDocument']?.['assertionMethod']).to.deep.equal([`${DID}#${DID.slice(8)}`])
  })

  it('answers the document of an issuer of the web as it stands at its own address', async () => {
    const { id, identifier } = await newIssuer(service, { method: 'web' })
    const own = await (await fetch(`${service.url}/issuers/${id}/did.json`)).json()
    expect((await resolved(identifier)).body['didDocument']).to.deep.equal(own)
  })

  for (const [did, status, error] of [
    ['did:key:@', 400, 'invalidDid'],
    ['did:example:123', 501, 'methodNotSupported'],
    ['did:web:example.org', 404, 'notFound'],
    ['did:jwk:e30', 400, 'invalidPublicKey'],
    [`did:key:z${'6'.repeat(3_000)}`, 400, 'invalidDid'],
  ] as const) {
    it(`answers ${error} to ${did.slice(0, 30)}`, async () => {
      const { response, body } = await resolved(did)
      expect({ status: response.status, body }).to.deep.equal({
        status,
        body: {
          '@context': CONTEXT,
          didDocument: null,
          didDocumentMetadata: {},
          didResolutionMetadata: { error },
        },
      })
    })
  }
})
