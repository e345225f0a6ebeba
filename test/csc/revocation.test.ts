import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, digest, refusal } from './client.ts'
import { HASH, commonRows, idRows, type Row } from './rows.ts'

interface Revoked {
  credentialID: string
  serialNumber: string
  reason: string
  revokedAt: string
}

const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]

const revokeRows: readonly Row[] = [
  ...idRows,
  ['a reason that RFC 5280 does not have', { reason: 'lost' }, 'Invalid parameter reason'],
  ['a reason by its number', { reason: 1 }, 'Invalid parameter reason'],
  ['a suspension', { reason: 'certificateHold' }, 'Invalid parameter reason'],
  ['what takes a suspension back', { reason: 'removeFromCRL' }, 'Invalid parameter reason'],
  ['what happens to authorities', { reason: 'cACompromise' }, 'Invalid parameter reason'],
  ['a reason that every object inherits', { reason: 'constructor' }, 'Invalid parameter reason'],
  ...commonRows,
]

const listRows: readonly Row[] = [
  ['maxResults of zero', { maxResults: 0 }, 'Invalid parameter maxResults'],
  ['maxResults as a text', { maxResults: '5' }, 'Invalid parameter maxResults'],
  ['a pageToken that was never given', { pageToken: '*' }, 'Invalid parameter pageToken'],
  ['a pageToken of another list', { pageToken: 'NmExYjMz' }, 'Invalid parameter pageToken'],
  [
    'a pageToken of no time',
    { pageToken: Buffer.from('9'.repeat(30) + '-x').toString('base64url') },
    'Invalid parameter pageToken',
  ],
  ...commonRows,
]

describe('revocation by clients', () => {
  let service: TestService
  let client: CscClient
  let stranger: CscClient

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    stranger = await CscClient.of(service, await service.newClient())
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const list = async (more: Record<string, unknown> = {}, by = client): Promise<Revoked[]> =>
    (await by.get('credentials/revocationlist', more))['revokedCredentials'] as Revoked[]
  const certificateOf = async ({ id }: TestCredential) => {
    const [row] = await service.sql<Record<string, unknown>>(
      `select ce.id, ce.state, ce.revocation_reason as reason, ce.revoked_at as "revokedAt",
              ce.revocation_requested_at as "requestedAt"
         from certificate ce join credential c on c.certificate_id = ce.id where c.id = $1`,
      [id],
    )
    return row ?? {}
  }

  describe('credentials/revoke', () => {
    it('revokes for good, says since when, and records who and why', async () => {
      const mine = await service.newCredential()
      const answer = await client.call('credentials/revoke', {
        credentialID: mine.id,
        reason: 'keyCompromise',
      })
      const { revokedAt, ...rest } = answer.body
      expect(answer.status).to.equal(200)
      expect(rest).to.deep.equal({ status: 'revoked', credentialID: mine.id, reason: 'keyCompromise' })
      const certificate = await certificateOf(mine)
      expect(certificate['state']).to.equal('revoked')
      expect(certificate['reason']).to.equal('keyCompromise')
      expect((certificate['revokedAt'] as Date).toISOString()).to.equal(revokedAt)
      expect(certificate['requestedAt']).to.deep.equal(certificate['revokedAt'])
      const id = String(certificate['id'])
      expect(await service.acts('certificate.revoke', `certificate:${id}`)).to.deep.equal([
        {
          kind: 'act',
          actor: `client:${service.client.id}`,
          subjects: [`certificate:${id}`, `credential:${mine.id}`],
          detail: { reason: 'keyCompromise' },
        },
      ])
    })

    it('takes every reason that RFC 5280 has for a holder, and none for "unspecified"', async () => {
      for (const reason of [undefined, ...REASONS]) {
        const { id } = await service.newCredential()
        const body = await client.get('credentials/revoke', { credentialID: id, reason })
        expect(body['reason']).to.equal(reason ?? 'unspecified')
      }
    })

    it('answers the same when asked again, whatever the reason is then, and records it once', async () => {
      const mine = await service.newCredential()
      const asked = { credentialID: mine.id, reason: 'superseded' }
      const first = await client.get('credentials/revoke', asked)
      expect(await client.get('credentials/revoke', asked)).to.deep.equal(first)
      expect(await client.get('credentials/revoke', { ...asked, reason: 'keyCompromise' })).to.deep.equal(
        first,
      )
      expect(await service.acts('certificate.revoke', `credential:${mine.id}`)).to.have.length(1)
    })

    it('revokes once, and answers all the same, when many ask at once', async () => {
      const mine = await service.newCredential()
      const answers = await Promise.all(
        REASONS.map((reason) => client.get('credentials/revoke', { credentialID: mine.id, reason })),
      )
      expect(new Set(answers.map((one) => JSON.stringify(one))).size).to.equal(1)
      expect(await service.acts('certificate.revoke', `credential:${mine.id}`)).to.have.length(1)
    })

    it('leaves nothing that signs: neither a new SAD nor one that was given before', async () => {
      const mine = await service.newCredential()
      const SAD = await client.authorize(mine, [HASH])
      await client.get('credentials/revoke', { credentialID: mine.id })
      const body = refusal('Signing certificate is revoked')
      const sign = { credentialID: mine.id, SAD, hashes: [HASH], signAlgo: '1.2.840.10045.4.3.2' }
      const hashAlgorithmOID = '2.16.840.1.101.3.4.2.1'
      const extend = { credentialID: mine.id, SAD, hashes: [HASH], hashAlgorithmOID }
      const authData = [{ id: 'PIN', value: mine.pin }]
      const authorize = {
        credentialID: mine.id,
        numSignatures: 1,
        hashes: [digest('another')],
        hashAlgorithmOID,
        authData,
      }
      for (const [method, asked] of Object.entries({
        'signatures/signHash': sign,
        'credentials/extendTransaction': extend,
        'credentials/authorize': authorize,
      })) {
        const answer = await client.call(method, asked)
        expect({ status: answer.status, body: answer.body }, method).to.deep.equal({ status: 400, body })
      }
      const info = await client.get('credentials/info', { credentialID: mine.id })
      expect([info['status'], (info['cert'] as { status: string }).status]).to.deep.equal([
        'invalid',
        'revoked',
      ])
      const listed = await client.get('credentials/list', { onlyValid: true })
      expect(listed['credentialIDs']).to.not.include(mine.id)
    })

    it("knows neither another client's credential nor one that nobody has enrolled", async () => {
      const mine = await service.newCredential()
      const pending = await service.admin(service.operators.officer, 'POST /credentials', {
        body: { personId: service.person.id, clientId: service.client.id },
      })
      const { id, enrolment } = pending.body as { id: string; enrolment: { link: string } }
      service.keepSecret(enrolment.link.slice(enrolment.link.indexOf('#') + 1))
      for (const [by, credentialID] of [
        [stranger, mine.id],
        [client, id],
      ] as const) {
        const answer = await by.call('credentials/revoke', { credentialID })
        expect({ status: answer.status, body: answer.body }).to.deep.equal({
          status: 400,
          body: refusal('Invalid parameter credentialID'),
        })
      }
      expect((await certificateOf(mine))['state']).to.equal('issued')
    })

    for (const [name, change, description] of revokeRows) {
      it(`refuses ${name}`, async () => {
        const asked = { credentialID: service.credential.id, reason: 'unspecified', ...change }
        const answer = await client.call('credentials/revoke', asked)
        expect({ status: answer.status, body: answer.body }).to.deep.equal({
          status: 400,
          body: refusal(description),
        })
        expect((await certificateOf(service.credential))['state']).to.equal('issued')
      })
    }

    it('wants an access token, and POST', async () => {
      const url = `${service.url}/csc/v2/credentials/revoke`
      const anyone = await fetch(url, { method: 'POST' })
      expect(anyone.status).to.equal(401)
      expect(await anyone.json()).to.deep.equal(refusal('An access token is required', 'invalid_token'))
      const got = await fetch(url, { headers: { authorization: `Bearer ${client.token}` } })
      expect([got.status, got.headers.get('allow')]).to.deep.equal([405, 'POST'])
    })

    it('is no method of version 1', async () => {
      const v1 = client.at('/csc/v1')
      for (const method of ['credentials/revoke', 'credentials/revocationlist']) {
        const answer = await v1.call(method, { credentialID: service.credential.id })
        expect({ status: answer.status, body: answer.body }).to.deep.equal({
          status: 404,
          body: refusal('There is no such method'),
        })
      }
    })
  })

  describe('credentials/revocationlist', () => {
    it("lists a client's own, in the order of their revocation, with number, reason and time", async () => {
      const own = await service.newClient()
      const by = await CscClient.of(service, own)
      expect(await list({}, by)).to.deep.equal([])
      const made: Revoked[] = []
      for (const reason of ['superseded', 'keyCompromise', 'unspecified']) {
        const { id } = await service.newCredential({ clientId: own.id })
        const info = await by.get('credentials/info', { credentialID: id, certInfo: true })
        const { serialNumber } = info['cert'] as { serialNumber: string }
        const { revokedAt } = (await by.get('credentials/revoke', { credentialID: id, reason })) as {
          revokedAt: string
        }
        made.push({ credentialID: id, serialNumber, reason, revokedAt })
      }
      expect(await list({}, by)).to.deep.equal(made)
      expect(JSON.stringify(await list())).to.not.contain(made[0]?.credentialID)
    })

    it('gives each exactly once, page by page, also where several were revoked at one moment', async () => {
      for (let n = 0; n < 3; n++) {
        const { id } = await service.newCredential()
        await client.get('credentials/revoke', { credentialID: id })
      }
      await service.sql(
        `update certificate set revoked_at = date_trunc('minute', now()) where state = 'revoked'`,
      )
      const all = (await list()).map((one) => one.credentialID)
      expect(all).to.have.length.greaterThan(2)
      const seen: string[] = []
      let pageToken: unknown
      do {
        const body = await client.get('credentials/revocationlist', { maxResults: 2, pageToken })
        const page = body['revokedCredentials'] as Revoked[]
        expect(page.length).to.be.within(1, 2)
        seen.push(...page.map((one) => one.credentialID))
        pageToken = body['nextPageToken']
      } while (pageToken !== undefined)
      expect(seen).to.deep.equal(all)
    })

    it('answers a GET as well, with its members in the query', async () => {
      const get = async (query: string) => {
        const response = await fetch(`${service.url}/csc/v2/credentials/revocationlist${query}`, {
          headers: { authorization: `Bearer ${client.token}` },
        })
        return { status: response.status, body: (await response.json()) as Record<string, unknown> }
      }
      expect((await get('')).body['revokedCredentials']).to.deep.equal(await list())
      const first = await client.get('credentials/revocationlist', { maxResults: 1 })
      const token = String(first['nextPageToken'])
      expect((await get(`?pageToken=${token}`)).body['revokedCredentials']).to.deep.equal(
        (await list()).slice(1),
      )
      for (const [query, description] of [
        ['?pageToken=*', 'Invalid parameter pageToken'],
        ['?other=1', 'Unknown parameter other'],
        ['?lang=en&lang=el', 'Invalid parameter lang'],
      ] as const) {
        expect(await get(query)).to.deep.equal({ status: 400, body: refusal(description) })
      }
    })

    for (const [name, change, description] of listRows) {
      it(`refuses ${name}`, async () => {
        const answer = await client.call('credentials/revocationlist', change)
        expect({ status: answer.status, body: answer.body }).to.deep.equal({
          status: 400,
          body: refusal(description),
        })
      })
    }
  })
})
