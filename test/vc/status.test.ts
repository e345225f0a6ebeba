import { createHash } from 'node:crypto'
import { gunzipSync, inflateSync } from 'node:zlib'
import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { allocateEntry } from '../../src/credentials/status/allocate.ts'
import { MIN_LENGTH } from '../../src/credentials/status/statusBits.ts'
import { startService, type TestService } from '../support/startService.ts'
import {
  credentialOf,
  newIssuer,
  problemsOf,
  VcClient,
  visible,
  type Credential,
  type Issuer,
} from './client.ts'

interface Entry {
  readonly type: string
  readonly statusPurpose: string
  readonly statusListIndex: string
  readonly statusListCredential: string
}

const entryOf = (credential: Credential): Entry => credential['credentialStatus'] as Entry

async function listOf(
  url: string,
): Promise<{ response: Response; subject: Record<string, unknown>; list: Credential }> {
  const response = await fetch(url)
  const list = (await response.json()) as Credential
  return { response, list, subject: list['credentialSubject'] as Record<string, unknown> }
}

/** As a verifier reads it that knows nothing of us. */
async function bitAt({ statusListCredential, statusListIndex }: Entry): Promise<number> {
  const { subject } = await listOf(statusListCredential)
  const bits = gunzipSync(Buffer.from(String(subject['encodedList']).slice(1), 'base64url'))
  const index = Number(statusListIndex)
  return ((bits[index >> 3] ?? 0) >> (7 - (index & 7))) & 1
}

describe('status lists', function () {
  this.timeout(60_000)
  let service: TestService
  let client: VcClient
  let issuer: Issuer
  before(async () => {
    service = await startService()
    client = await VcClient.of(service)
    issuer = await newIssuer(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const change = (credentialId: unknown, statusPurpose: string, status?: boolean) =>
    client.post('/credentials/status', {
      credentialId,
      credentialStatus: {
        type: 'BitstringStatusListEntry',
        statusPurpose,
        ...(status === undefined ? {} : { status }),
      },
    })

  it('are there before the first credential that names them, signed by its issuer', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    const { statusListCredential: url, type, statusPurpose } = entryOf(made)
    expect({ type, statusPurpose }).to.deep.equal({
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
    })
    const { response, list, subject } = await listOf(url)
    expect(response.status).to.equal(200)
    expect(response.headers.get('content-type')).to.equal('application/vc')
    expect(list).to.deep.include({ id: url, issuer: issuer.identifier })
    expect(subject).to.include({ type: 'BitstringStatusList', statusPurpose: 'revocation' })
    expect((await client.verify(list)).body).to.deep.equal({ verified: true, problemDetails: [] })
    expect(await bitAt(entryOf(made))).to.equal(0)
    expect((await client.verify(made)).status).to.equal(200)
  })

  it('say within five seconds that a credential was revoked, and for good', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    expect((await change(made['id'], 'revocation')).status).to.equal(200)
    // The service itself knows at once.
    expect(problemsOf(await client.verify(made))).to.deep.equal(['revoked'])
    await visible(async () => (await bitAt(entryOf(made))) === 1)
    expect((await change(made['id'], 'revocation')).status, 'once more').to.equal(200)
    const undone = await change(made['id'], 'revocation', false)
    expect({ status: undone.status, detail: undone.body['detail'] }).to.deep.equal({
      status: 400,
      detail: 'credentialStatus.status: a revocation is for good',
    })
    const suspended = await change(made['id'], 'suspension')
    expect({ status: suspended.status, detail: suspended.body['detail'] }).to.deep.equal({
      status: 409,
      detail: 'The credential is revoked.',
    })
  })

  it('take a suspension back', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['suspension'] })
    await change(made['id'], 'suspension')
    await visible(async () => (await bitAt(entryOf(made))) === 1)
    expect(problemsOf(await client.verify(made))).to.deep.equal(['suspended'])
    await change(made['id'], 'suspension', false)
    await visible(async () => (await bitAt(entryOf(made))) === 0)
    expect((await client.verify(made)).status).to.equal(200)
  })

  it('go on while their issuer is disabled', async () => {
    const own = await newIssuer(service)
    const made = await client.issue(credentialOf(own.identifier), { status: ['revocation'] })
    const { officer } = service.operators
    const disabled = await service.admin(officer, 'POST /issuers/:id/disable', { params: { id: own.id } })
    expect(disabled.status).to.equal(200)
    expect((await change(made['id'], 'revocation')).status).to.equal(200)
    await visible(async () => (await bitAt(entryOf(made))) === 1)
  })

  it('leave alone what they do not know, and whatever belongs to others', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    const stranger = await VcClient.of(service, await service.newClient('A stranger'))
    const asked = { credentialStatus: { type: 'BitstringStatusListEntry', statusPurpose: 'revocation' } }
    for (const credentialId of [made['id'], 'urn:uuid:nobody']) {
      const { status, body } = await stranger.post('/credentials/status', { credentialId, ...asked })
      expect({ status, body }).to.deep.equal({
        status: 404,
        body: {
          type: 'about:blank',
          title: 'Not Found',
          status: 404,
          code: 'not_found',
          detail: 'There is no such credential.',
        },
      })
    }
    expect((await client.verify(made)).status).to.equal(200)
  })

  it('are token status lists as well, of the same entries', async () => {
    const claims = { vct: 'https://example.org/degree', iss: issuer.identifier, degree: 'Master' }
    const { body } = await client.post('/credentials/issue', {
      credential: claims,
      options: { format: 'sd-jwt', status: ['revocation'], credentialId: 'urn:example:degree-1' },
    })
    const [jwt = ''] = String(body['verifiableCredential']).split('~')
    const { idx, uri } = (decodeJwt(jwt)['status'] as { status_list: { idx: number; uri: string } })
      .status_list
    const token = async (): Promise<string> => {
      const response = await fetch(uri)
      expect(response.headers.get('content-type')).to.equal('application/statuslist+jwt')
      return response.text()
    }
    const statusIn = (text: string): number => {
      const { status_list: list } = decodeJwt(text) as { status_list: { bits: number; lst: string } }
      expect(list.bits).to.equal(2)
      const octets = inflateSync(Buffer.from(list.lst, 'base64url'))
      return ((octets[idx >> 2] ?? 0) >> (2 * (idx & 3))) & 3
    }
    const first = await token()
    expect(decodeProtectedHeader(first)).to.include({ typ: 'statuslist+jwt', alg: 'ES256' })
    expect(decodeJwt(first)).to.include({ sub: uri, iss: issuer.identifier, ttl: 300 })
    expect(statusIn(first)).to.equal(0)
    expect((await change('urn:example:degree-1', 'revocation')).status).to.equal(200)
    await visible(async () => statusIn(await token()) === 1)
  })

  it('may be kept for as long as they say, and are not sent twice', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    const { statusListCredential: url } = entryOf(made)
    const first = await fetch(url)
    expect(first.headers.get('cache-control')).to.equal('public, max-age=300')
    const etag = first.headers.get('etag') ?? ''
    const sha256 = createHash('sha256')
      .update(Buffer.from(await first.arrayBuffer()))
      .digest('base64url')
    expect(etag).to.equal(`"${sha256}"`)
    const again = await fetch(url, { headers: { 'if-none-match': etag } })
    expect({ status: again.status, text: await again.text() }).to.deep.equal({ status: 304, text: '' })
  })

  it('leave no trace of who asked', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    const { statusListCredential: url } = entryOf(made)
    await fetch(url, { headers: { 'x-request-id': 'a-verifier-1' } })
    expect(service.log()).not.to.include('a-verifier-1')
    expect(service.log()).not.to.include(new URL(url).pathname)
  })

  it('are not found under any other address', async () => {
    const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    const { statusListCredential: url } = entryOf(made)
    for (const wrong of [
      `${url}s`,
      url.replace('revocation', 'message'),
      url.replace(/[0-9a-f]{12}\//, '0'.repeat(12) + '/'),
    ]) {
      const response = await fetch(wrong)
      expect(response.status, wrong).to.equal(404)
    }
    const posted = await fetch(url, { method: 'POST' })
    expect({ status: posted.status, allow: posted.headers.get('allow') }).to.deep.equal({
      status: 405,
      allow: 'GET, HEAD',
    })
  })

  it('give out each entry once, to however many ask, in an order that cannot be seen', async () => {
    const { id: issuerId } = await newIssuer(service)
    const entries = await Promise.all(
      Array.from({ length: 5_000 }, () => allocateEntry(service.ctx, { issuerId, credentialId: undefined })),
    )
    const names = new Set(entries.map(({ listId, index }) => `${listId} ${String(index)}`))
    expect(names.size).to.equal(5_000)
    expect(Math.max(...entries.map(({ index }) => index))).to.be.above(MIN_LENGTH * 0.9)
  })

  it('are followed by another when they are full', async () => {
    const { id: issuerId } = await newIssuer(service)
    const { listId } = await allocateEntry(service.ctx, { issuerId, credentialId: undefined })
    await service.sql('update status_list set taken = length where id = $1::uuid', [listId])
    const next = await allocateEntry(service.ctx, { issuerId, credentialId: undefined })
    expect(next.listId).not.to.equal(listId)
    expect((await fetch(`${service.url}/status/${next.listId}/revocation`)).status).to.equal(200)
  })

  it('count in a presentation, too', async () => {
    const { identifier } = await newIssuer(service)
    const { identifier: other } = await newIssuer(service)
    const options = { status: ['revocation'] }
    const made = await client.issue(credentialOf(identifier), options)
    const enveloped = await client.issue(credentialOf(other), { ...options, format: 'jwt', enveloped: true })
    const inside = String(enveloped['id']).split('.')[1] ?? ''
    const claims = JSON.parse(Buffer.from(inside, 'base64url').toString()) as Credential
    const verifiablePresentation = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      verifiableCredential: [made, enveloped],
    }
    const found = async (): Promise<string[]> =>
      problemsOf(await client.post('/presentations/verify', { verifiablePresentation }))
    expect(await found()).to.deep.equal(['proof-missing'])
    await change(made['id'], 'revocation')
    expect(await found()).to.deep.equal(['proof-missing', 'revoked'])
    await change(claims['id'], 'revocation')
    expect(await found()).to.deep.equal(['proof-missing', 'revoked', 'revoked'])
  })

  it('are signed once for each form, and only those forms that changed', async () => {
    const { identifier, id } = await newIssuer(service)
    const made = await client.issue(credentialOf(identifier), { status: ['revocation'] })
    const signed = async (): Promise<number> =>
      (await service.acts('status-list.sign', `issuer:${id}`)).length
    // Intent and result of three forms.
    expect(await signed()).to.equal(6)
    await change(made['id'], 'revocation')
    await visible(async () => (await bitAt(entryOf(made))) === 1)
    expect(await signed()).to.equal(10)
  })
})
