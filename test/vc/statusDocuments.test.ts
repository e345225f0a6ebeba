import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { allocateEntry } from '../../src/credentials/status/allocate.ts'
import { startService, type TestService } from '../support/startService.ts'
import { newIssuer, visible, type Issuer } from './client.ts'

const FORMS = ['revocation', 'suspension', 'token'] as const

describe('a status list, as anybody gets it', function () {
  this.timeout(60_000)
  let service: TestService
  let issuer: Issuer
  let listId: string
  before(async () => {
    service = await startService()
    issuer = await newIssuer(service)
    ;({ listId } = await allocateEntry(service.ctx, { issuerId: issuer.id, credentialId: undefined }))
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const at = (form: string): string => `${service.url}/status/${listId}/${form}`
  const get = (form: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(at(form), { headers, method })
  const etagOf = async (form: string): Promise<string> => (await get(form)).headers.get('etag') ?? ''
  /** Whatever says something of the document, of those that a cache or a verifier looks at. */
  const said = ({ status, headers }: Response): Record<string, unknown> => ({
    status,
    ...Object.fromEntries(
      [
        'content-type',
        'cache-control',
        'vary',
        'access-control-allow-origin',
        'set-cookie',
        'content-encoding',
      ].map((name) => [name, headers.get(name)]),
    ),
  })
  const DOCUMENT = {
    status: 200,
    'cache-control': 'public, max-age=300',
    vary: 'Accept',
    'access-control-allow-origin': '*',
    'set-cookie': null,
    'content-encoding': null,
  }

  for (const [accept, type] of [
    ['*/*', 'application/vc'],
    ['application/vc', 'application/vc'],
    ['application/json', 'application/json'],
    ['application/ld+json', 'application/ld+json'],
    ['application/json, application/vc;q=0.5', 'application/json'],
    ['application/*', 'application/vc'],
    // There is one proof, in the document: who wants something else gets that, and sees what it is.
    ['application/vc+jwt', 'application/vc'],
    ['application/statuslist+jwt', 'application/vc'],
    ['text/html', 'application/vc'],
    ['application/vc;q=0', 'application/vc'],
  ] as const)
    it(`is a credential of the type ${type} for who accepts ${accept}`, async () => {
      for (const form of ['revocation', 'suspension'] as const) {
        const answer = await get(form, { accept })
        expect(said(answer)).to.deep.equal({ ...DOCUMENT, 'content-type': type })
        const body = (await answer.json()) as Record<string, unknown>
        expect(body).to.have.all.keys(
          ...['@context', 'id', 'type', 'issuer', 'validFrom', 'validUntil', 'credentialSubject', 'proof'],
        )
        expect(body).to.deep.include({
          '@context': ['https://www.w3.org/ns/credentials/v2'],
          id: at(form),
          type: ['VerifiableCredential', 'BitstringStatusListCredential'],
          issuer: issuer.identifier,
        })
        expect(body['proof']).to.include({
          type: 'DataIntegrityProof',
          cryptosuite: 'ecdsa-rdfc-2019',
          proofPurpose: 'assertionMethod',
        })
        const subject = body['credentialSubject'] as Record<string, unknown>
        expect(subject).to.have.all.keys('id', 'type', 'statusPurpose', 'ttl', 'encodedList')
        expect(subject).to.include({
          id: `${at(form)}#list`,
          type: 'BitstringStatusList',
          statusPurpose: form,
          ttl: 300_000,
        })
        const [from, until] = [Date.parse(String(body['validFrom'])), Date.parse(String(body['validUntil']))]
        expect(until - from).to.equal(86_400_000)
      }
    })

  for (const accept of [
    'application/statuslist+jwt',
    '*/*',
    'application/json',
    'application/statuslist+cwt',
  ])
    it(`is a token for who accepts ${accept}: there it is nothing else`, async () => {
      const answer = await get('token', { accept })
      expect(said(answer)).to.deep.equal({ ...DOCUMENT, 'content-type': 'application/statuslist+jwt' })
      const token = await answer.text()
      expect(decodeProtectedHeader(token)).to.have.all.keys('alg', 'typ', 'kid')
      expect(decodeProtectedHeader(token)).to.include({ alg: 'ES256', typ: 'statuslist+jwt' })
      const claims = decodeJwt(token)
      expect(claims).to.have.all.keys('iss', 'sub', 'iat', 'exp', 'ttl', 'status_list')
      expect(claims).to.include({ iss: issuer.identifier, sub: at('token'), ttl: 300 })
      expect(Number(claims.exp) - Number(claims.iat)).to.equal(86_400)
      expect(claims['status_list']).to.have.all.keys('bits', 'lst')
    })

  for (const form of FORMS) {
    it(`has the hash of its octets as its tag, and is not sent to who has it: ${form}`, async () => {
      const first = await get(form)
      const octets = Buffer.from(await first.arrayBuffer())
      const etag = first.headers.get('etag') ?? ''
      expect(etag).to.equal(`"${createHash('sha256').update(octets).digest('base64url')}"`)
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(form, { 'if-none-match': known })
        expect(said(again)).to.deep.equal({ ...DOCUMENT, status: 304, 'content-type': null })
        expect(again.headers.get('etag')).to.equal(etag)
        expect(await again.text()).to.equal('')
      }
      for (const other of ['"other"', etag.slice(1, -1), etag.toLowerCase()])
        expect((await get(form, { 'if-none-match': other })).status, other).to.equal(200)
    })

    it(`is told apart by its tag alone, since two may be of one second: ${form}`, async () => {
      const lastModified = (await get(form)).headers.get('last-modified') ?? ''
      expect(Date.parse(lastModified)).to.be.within(Date.now() - 60_000, Date.now())
      expect((await get(form, { 'if-modified-since': lastModified })).status).to.equal(200)
    })

    it(`says how long it is, and no more, to who asks by HEAD: ${form}`, async () => {
      const octets = Buffer.from(await (await get(form)).arrayBuffer())
      const answer = await get(form, {}, 'HEAD')
      expect(answer.status).to.equal(200)
      expect(answer.headers.get('etag')).to.equal(await etagOf(form))
      expect(answer.headers.get('content-length')).to.equal(String(octets.length))
      expect(await answer.text()).to.equal('')
    })
  }

  it('is kept by no cache beyond its own end', async () => {
    const ends = (seconds: number) =>
      service.sql(
        `update status_document set published_at = now() - interval '2 hours',
           expires_at = now() + $2::int * interval '1 second' where list_id = $1::uuid`,
        [listId, seconds],
      )
    // Nobody makes it anew meanwhile.
    await service.sql(
      `update status_list set retry_at = now() + interval '1 hour', refresh_at = now() - interval '2 hours'
        where id = $1::uuid`,
      [listId],
    )
    const maxAge = async (): Promise<number> =>
      Number(/^public, max-age=([0-9]+)$/.exec((await get('token')).headers.get('cache-control') ?? '')?.[1])
    await ends(100)
    expect(await maxAge()).to.be.within(60, 100)
    await ends(-3_600)
    expect(await maxAge()).to.equal(0)
    await service.sql('update status_list set retry_at = null where id = $1::uuid', [listId])
    await visible(async () => (await maxAge()) === 300)
  })

  it('is another one when it is made anew: no tag of the one before is believed', async () => {
    const before = await etagOf('token')
    await service.sql('update status_list set refresh_at = now() where id = $1::uuid', [listId])
    await visible(async () => (await etagOf('token')) !== before)
    expect((await get('token', { 'if-none-match': before })).status).to.equal(200)
  })

  it('is no other than those that there are', async () => {
    for (const [path, method, status, code, detail] of [
      ['message', 'GET', 404, 'not_found', 'There is no such list.'],
      ['Revocation', 'GET', 404, 'not_found', 'There is no such list.'],
      ['revocation/', 'GET', 404, 'not_found', 'There is no such address.'],
      ['revocation', 'POST', 405, 'method_not_allowed', 'Here is GET, and nothing else.'],
      ['revocation', 'DELETE', 405, 'method_not_allowed', 'Here is GET, and nothing else.'],
    ] as const) {
      const answer = await get(path, {}, method)
      expect(answer.status, path).to.equal(status)
      expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/)
      expect(answer.headers.get('cache-control')).to.equal('no-store')
      const { title, ...body } = (await answer.json()) as Record<string, unknown>
      expect(title).to.be.a('string')
      expect(body).to.deep.equal({ type: 'about:blank', status, code, detail })
    }
  })
})
