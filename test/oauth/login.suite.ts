import { expect } from 'chai'
import { createPerson } from '../../src/api/admin/persons.ts'
import { OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { sharedService } from './shared.ts'

describe('a holder who logs in', () => {
  let service: TestService
  let client: CodeClient
  let mine: TestCredential
  let theirs: TestCredential
  let person: string
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    const clientId = client.client.id
    mine = await service.newCredential({ clientId, mode: 'oauth2code' })
    person = await createPerson(service.ctx, 'service', { givenName: 'Ola', surname: 'Other', country: 'NO' })
    theirs = await service.newCredential({ clientId, personId: person })
  })
  afterEach(() => service.checkState())

  const login = async (credential: TestCredential): Promise<string> => {
    const answer = { credential: credential.id, pin: credential.pin }
    const { body } = await client.redeem(await client.code(client.login(), answer))
    return String(body['access_token'])
  }

  it('gives the client a service token, for the holder’s credentials alone', async () => {
    const code = await client.code(client.login(), { credential: ` ${mine.id} `, pin: mine.pin })
    const { status, body } = await client.redeem(code)
    expect(status).to.equal(200)
    const { access_token: token, refresh_token: refresh, ...rest } = body
    expect(refresh).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(rest).to.deep.equal({ expires_in: 3600, token_type: 'Bearer', scope: 'service' })
    const list = await client.call(String(token), 'credentials/list', {})
    expect(list.body['credentialIDs']).to.deep.equal([mine.id])
    expect(
      (await client.call(String(token), 'credentials/list', { userID: service.person.id })).body,
    ).to.deep.equal(refusal('userID parameter MUST be null'))
    expect((await client.call(String(token), 'credentials/info', { credentialID: mine.id })).status).to.equal(
      200,
    )
  })

  it('knows nobody else’s credential', async () => {
    const token = await login(mine)
    const bodies = {
      'credentials/info': {},
      'credentials/authorize': {
        numSignatures: 1,
        hashes: [digest('x')],
        hashAlgorithmOID: OID.sha256,
        PIN: theirs.pin,
      },
      'credentials/extendTransaction': { SAD: 'x', hashes: [digest('x')], hashAlgorithmOID: OID.sha256 },
      'signatures/signHash': { SAD: 'x', hashes: [digest('x')], signAlgo: OID.ecdsa256 },
    }
    for (const [method, body] of Object.entries(bodies)) {
      for (const credentialID of [theirs.id, 'f'.repeat(32)]) {
        for (const mount of ['/csc/v1', '/csc/v2'] as const) {
          expect(
            await client.call(token, `${mount}/${method}`, { credentialID, ...body }),
            method,
          ).to.deep.equal({
            status: 400,
            body: refusal('Invalid parameter credentialID'),
          })
        }
      }
    }
    const own = await login(theirs)
    expect(
      (
        await client.call(own, 'credentials/authorize', {
          credentialID: theirs.id,
          ...bodies['credentials/authorize'],
        })
      ).status,
    ).to.equal(200)
  })

  it('is asked for the credential’s number and its PIN, and told of either mistake in one way', async () => {
    const page = await client.open(client.login({ scope: 'service' }))
    expect(page.html).to.contain('Wallet asks to see your credentials.')
    const foreign = service.credential
    for (const [credential, pin] of [
      [mine.id, 'not the PIN'],
      [foreign.id, foreign.pin],
      ['unknown', 'not the PIN'],
      [`' or 1=1`, 'not the PIN'],
      ['a\0b', 'not the PIN'],
    ] as const) {
      const answer = await client.answer(page, { credential, pin })
      expect(answer.status).to.equal(400)
      expect(await answer.text()).to.contain('The number or the PIN is wrong.')
    }
    for (const form of [{ pin: mine.pin }, { credential: mine.id }]) {
      const answer = await client.answer(page, form)
      expect(answer.status).to.equal(400)
      expect(await answer.text()).to.contain('Fill in every field.')
    }
    const escaped = await client.answer(page, { credential: '"><script>', pin: 'x' })
    expect(await escaped.text()).to.contain('value="&quot;&gt;&lt;script&gt;"')
  })

  it('has five attempts, here and elsewhere together', async () => {
    const own = await service.newCredential({ clientId: client.client.id })
    const page = await client.open(client.login())
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await client.answer(page, { credential: own.id, pin: 'not the PIN' })).status).to.equal(400)
    }
    const answer = back(await client.answer(page, { credential: own.id, pin: own.pin }))
    expect(answer.get('error')).to.equal('access_denied')
    expect(answer.get('error_description')).to.equal('Credential locked')
  })

  it('authorises nothing by it', async () => {
    const before = await service.sql('select 1 from authorisation')
    const token = await login(mine)
    expect(await service.sql('select 1 from authorisation')).to.have.length(before.length)
    const sign = { credentialID: mine.id, hashes: [digest('x')], signAlgo: OID.ecdsa256 }
    expect((await client.call(token, 'signatures/signHash', sign)).body).to.deep.equal(
      refusal('Missing (or invalid type) string parameter SAD'),
    )
    expect((await client.call(token, 'signatures/signHash', { ...sign, SAD: token })).body).to.deep.equal(
      refusal('Invalid parameter SAD'),
    )
  })

  it('is recorded, as is who tried', async () => {
    await login(mine)
    const [act] = (await service.acts('recognise', `credential:${mine.id}`)).slice(-1)
    expect(act?.actor).to.equal(`client:${client.client.id}`)
    expect(act?.subjects).to.include(`person:${service.person.id}`)
  })

  it('loses the token when the code comes again', async () => {
    const code = await client.code(client.login(), { credential: mine.id, pin: mine.pin })
    const { body } = await client.redeem(code)
    await client.redeem(code)
    expect((await client.call(String(body['access_token']), 'credentials/list', {})).status).to.equal(401)
  })
})
