import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, problemsOf, VcClient, type Credential, type Issuer } from './client.ts'

describe('a change of status', function () {
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

  const issue = (status: string[], more: Credential = {}): Promise<Credential> =>
    client.issue(credentialOf(issuer.identifier, more), { status })
  const change = async (credentialId: unknown, statusPurpose: string, more: Credential = {}) => {
    const credentialStatus = { type: 'BitstringStatusListEntry', statusPurpose, ...more }
    const { status, body } = await client.post('/credentials/status', { credentialId, credentialStatus })
    return status === 200 ? status : [status, body['detail']]
  }
  const noList = (purpose: string) => [
    409,
    `The credential names no list for ${purpose}: nobody would hear of it.`,
  ]

  it('that relying parties would not hear of is refused, not said to be done', async () => {
    const revocable = await issue(['revocation'])
    expect(await change(revocable['id'], 'suspension')).to.deep.equal(noList('suspension'))
    expect(await change(revocable['id'], 'revocation')).to.equal(200)
    const both = await issue(['suspension', 'revocation'])
    expect(await change(both['id'], 'suspension')).to.equal(200)
    expect(await change(both['id'], 'revocation')).to.equal(200)
  })

  it('does not make a suspended credential good: who names no list for revocation would see nothing but that', async () => {
    const made = await issue(['suspension'])
    expect(await change(made['id'], 'suspension')).to.equal(200)
    expect(await change(made['id'], 'revocation')).to.deep.equal(noList('revocation'))
    expect(problemsOf(await client.verify(made))).to.deep.equal(['suspended'])
  })

  it('of a token is told by its one list, whatever was asked for', async () => {
    const credentialId = `urn:uuid:${randomUUID()}`
    const claims = { vct: 'https://types.example/degree', iss: issuer.identifier }
    await client.issue(claims, { format: 'sd-jwt', status: ['revocation'], credentialId })
    expect(await change(credentialId, 'suspension')).to.equal(200)
    expect(await change(credentialId, 'revocation')).to.equal(200)
  })

  it('names list and index where several credentials have one id', async () => {
    const id = `urn:uuid:${randomUUID()}`
    const [one, other] = [await issue(['revocation'], { id }), await issue(['revocation'], { id })]
    const { statusListCredential, statusListIndex } = one['credentialStatus'] as Credential
    expect(await change(id, 'revocation')).to.deep.equal([
      409,
      'Several credentials have this id: name list and index of the one that is meant.',
    ])
    const unknown = [404, 'There is no such credential.']
    for (const named of [
      { statusListCredential: 'https://other.example/status/1/revocation', statusListIndex },
      {
        statusListCredential: String(statusListCredential).replace(/[0-9a-f]{12}\//, '0'.repeat(12) + '/'),
        statusListIndex,
      },
      { statusListCredential, statusListIndex: '999999999' },
    ])
      expect(await change(id, 'revocation', named)).to.deep.equal(unknown)
    expect(
      await change('urn:uuid:another', 'revocation', { statusListCredential, statusListIndex }),
    ).to.deep.equal(unknown)
    expect(await change(id, 'revocation', { statusListCredential })).to.deep.equal([
      400,
      'credentialStatus.statusListIndex: list and index go together',
    ])
    expect(await change(id, 'revocation', { statusListCredential, statusListIndex: '01' })).to.deep.equal([
      400,
      'credentialStatus.statusListIndex: an integer in base 10 is wanted',
    ])
    expect(await change(id, 'revocation', { statusListCredential, statusListIndex })).to.equal(200)
    expect(problemsOf(await client.verify(one))).to.deep.equal(['revoked'])
    expect((await client.verify(other)).status).to.equal(200)
  })

  it('is the same for a JWT that has a member vct: it is no token with a list of its own', async () => {
    const compact = (await client.issue(credentialOf(issuer.identifier, { vct: 'x' }), {
      format: 'jwt',
      status: ['revocation'],
    })) as unknown as string
    const claims = JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString()) as Credential
    expect(claims['credentialStatus']).to.include({ type: 'BitstringStatusListEntry' })
    expect(claims).not.to.have.property('status')
  })
})
