import { expect } from 'chai'
import { destroyDecided, decideToDestroy } from '../../src/signing/destroyKey.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, digest, refusal } from './client.ts'
import { HASH, commonRows, idRows } from './rows.ts'

const UNKNOWN = { status: 400, body: refusal('Invalid parameter credentialID') }

describe('credentials/delete', () => {
  let service: TestService
  let client: CscClient

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  /** The answer has no body, and says so. */
  const remove = async (body: unknown, by = client, mount = '/csc/v2') => {
    const response = await fetch(`${service.url}${mount}/credentials/delete`, {
      method: 'POST',
      headers: { authorization: `Bearer ${by.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
  const keyOf = async ({ keyId }: TestCredential) => {
    const { body } = await service.admin(service.operators.officer, 'GET /keys/:id', {
      params: { id: keyId },
    })
    return body as { state: string; inToken: unknown }
  }
  const states = async ({ id }: TestCredential) => {
    const [row] = await service.sql<{ credential: string; certificate: string; reason: string }>(
      `select c.state as credential, ce.state as certificate, ce.revocation_reason as reason
         from credential c join certificate ce on ce.id = c.certificate_id where c.id = $1`,
      [id],
    )
    return row
  }

  it('ends the credential, revokes its certificate and destroys its key in the token', async () => {
    const mine = await service.newCredential()
    expect((await keyOf(mine)).inToken).to.be.an('object')
    expect(await remove({ credentialID: mine.id })).to.deep.equal({ status: 204, body: undefined })
    expect(await states(mine)).to.deep.equal({
      credential: 'ended',
      certificate: 'revoked',
      reason: 'cessationOfOperation',
    })
    expect(await keyOf(mine)).to.include({ state: 'destroyed', inToken: null })
  })

  it('records who, what, and the intent before the key goes and the result after; the log stays', async () => {
    const mine = await service.newCredential()
    await client.sign(mine, [HASH], { SAD: await client.authorize(mine, [HASH]) })
    await remove({ credentialID: mine.id })
    const actor = `client:${service.client.id}`
    const [deleted] = await service.acts('credential.delete', `credential:${mine.id}`)
    expect(deleted).to.include({ kind: 'act', actor })
    expect(deleted?.subjects).to.include.members([`key:${mine.keyId}`, `credential:${mine.id}`])
    expect(await service.acts('certificate.revoke', `credential:${mine.id}`)).to.have.length(1)
    const destroyed = await service.acts('key.destroy', `key:${mine.keyId}`)
    expect(destroyed.map(({ kind, actor: who, detail }) => [kind, who, detail])).to.deep.equal([
      ['intent', actor, undefined],
      ['result', 'service', { outcome: 'destroyed' }],
    ])
    expect(await service.acts('sign', `credential:${mine.id}`)).to.have.length(2)
  })

  it('leaves nothing that signs, shows or lists it', async () => {
    const mine = await service.newCredential()
    const SAD = await client.authorize(mine, [HASH])
    await remove({ credentialID: mine.id })
    const hashAlgorithmOID = '2.16.840.1.101.3.4.2.1'
    const disabled = refusal('The credential identified by credentialID is disabled')
    for (const [method, asked, body] of [
      [
        'signatures/signHash',
        { credentialID: mine.id, SAD, hashes: [HASH], signAlgo: '1.2.840.10045.4.3.2' },
        disabled,
      ],
      [
        'credentials/extendTransaction',
        { credentialID: mine.id, SAD, hashes: [HASH], hashAlgorithmOID },
        disabled,
      ],
      [
        'credentials/authorize',
        {
          credentialID: mine.id,
          numSignatures: 1,
          hashes: [digest('another')],
          hashAlgorithmOID,
          authData: [{ id: 'PIN', value: mine.pin }],
        },
        disabled,
      ],
      ['credentials/info', { credentialID: mine.id }, UNKNOWN.body],
      ['credentials/revoke', { credentialID: mine.id }, UNKNOWN.body],
    ] as const) {
      const answer = await client.call(method, asked)
      expect({ status: answer.status, body: answer.body }, method).to.deep.equal({ status: 400, body })
    }
    expect((await client.get('credentials/list', {}))['credentialIDs']).to.not.include(mine.id)
    const revoked = (await client.get('credentials/revocationlist', {}))['revokedCredentials'] as object[]
    expect(revoked.map((one) => (one as { credentialID: string }).credentialID)).to.include(mine.id)
  })

  it('deletes once, of many who ask at once; whoever is second finds nothing', async () => {
    const mine = await service.newCredential()
    const answers = await Promise.all(Array.from({ length: 8 }, () => remove({ credentialID: mine.id })))
    expect(answers.filter(({ status }) => status === 204)).to.have.length(1)
    for (const answer of answers.filter(({ status }) => status !== 204)) expect(answer).to.deep.equal(UNKNOWN)
    expect(await service.acts('key.destroy', `key:${mine.keyId}`)).to.have.length(2)
  })

  it('deletes what is revoked or disabled already, and keeps the reason of the revocation', async () => {
    const mine = await service.newCredential()
    await client.get('credentials/revoke', { credentialID: mine.id, reason: 'keyCompromise' })
    await service.sql(`update credential set state = 'disabled' where id = $1`, [mine.id])
    expect((await remove({ credentialID: mine.id })).status).to.equal(204)
    expect(await states(mine)).to.deep.equal({
      credential: 'ended',
      certificate: 'revoked',
      reason: 'keyCompromise',
    })
  })

  it("does not know another client's credential", async () => {
    const stranger = await CscClient.of(service, await service.newClient())
    expect(await remove({ credentialID: service.credential.id }, stranger)).to.deep.equal(UNKNOWN)
    expect((await states(service.credential))?.credential).to.equal('enabled')
  })

  it('destroys later what it could not destroy at once, and says so once', async () => {
    const mine = await service.newCredential()
    const decide = () =>
      service.ctx.db.transaction((tx) => decideToDestroy(tx, { keyId: mine.keyId, actor: 'service' }))
    // As a process leaves it that dies after its decision.
    expect(await decide()).to.include({ keyId: mine.keyId })
    expect(await decide()).to.equal(undefined)
    const info = await client.get('credentials/info', { credentialID: mine.id })
    expect((info['key'] as { status: string }).status).to.equal('disabled')
    expect((await keyOf(mine)).inToken).to.be.an('object')
    await Promise.all([destroyDecided(service.ctx, 0), destroyDecided(service.ctx, 0)])
    expect(await keyOf(mine)).to.include({ state: 'destroyed', inToken: null })
    expect(await service.acts('key.destroy', `key:${mine.keyId}`)).to.have.length(2)
  })

  for (const [name, change, description] of [...idRows, ...commonRows]) {
    it(`refuses ${name}`, async () => {
      const answer = await remove({ credentialID: service.credential.id, ...change })
      expect(answer).to.deep.equal({ status: 400, body: refusal(description) })
      expect((await states(service.credential))?.credential).to.equal('enabled')
    })
  }

  it('is no method of version 1', async () => {
    expect(await remove({ credentialID: service.credential.id }, client, '/csc/v1')).to.deep.equal({
      status: 404,
      body: refusal('There is no such method'),
    })
  })
})
