import { expect } from 'chai'
import { X509Certificate } from 'node:crypto'
import { endOverdue } from '../../src/pki/createCredential.ts'
import { OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { CREATION_TYPE, Creating, POLICY } from './creating.ts'

describe('a client that has a credential created', function () {
  this.timeout(60_000)
  let creating: Creating
  let service: TestService
  let client: CodeClient
  let mine: TestCredential
  before(async () => {
    creating = await Creating.begin()
    ;({ service, client, mine } = creating)
  })
  afterEach(() => service.checkState())

  it('gets it by the code of the page, once its holder has chosen the PIN, and it signs by that PIN', async () => {
    const pin = creating.newPin()
    const page = await client.open(creating.asking())
    expect(page.html).to.contain('Wallet of Narvik asks for a new credential in your name.')
    const response = await client.answer(page, creating.typed(pin))
    const code = back(response).get('code') ?? ''
    service.keepSecret(code)
    const { status, body } = await client.redeem(code)
    const { access_token: token, expires_in: seconds, ...rest } = body
    expect({ status, rest }).to.deep.equal({
      status: 200,
      rest: { token_type: 'Bearer', scope: 'credential-creation' },
    })
    expect(seconds).to.equal(300)
    const made = await creating.create(String(token))
    const id = String(made.body['credentialID'])
    expect(made).to.deep.equal({ status: 201, body: { credentialID: id } })
    expect(await creating.listed()).to.include(id)
    const info = await client.call(await service.serviceToken(client.client), 'credentials/info', {
      credentialID: id,
      certInfo: true,
    })
    expect(info.body).to.deep.include({ auth: { mode: 'oauth2code', objects: null }, SCAL: '2' })
    const cert = info.body['cert'] as { subjectDN: string; certificates: string[] }
    expect(cert.subjectDN).to.contain('GIVENNAME=Tess').and.to.contain('SURNAME=Tester')
    const der = Buffer.from(cert.certificates[0] ?? '', 'base64')
    expect(new X509Certificate(der).subject).to.contain('CN=Tess Tester')
    expect(der.includes(Buffer.from('0603551d20', 'hex')), 'certificatePolicies').to.equal(true)
    const own = { ...mine, id, pin }
    expect((await client.sign(await client.tokenFor(own), own)).status).to.equal(200)
  })

  it('sees nothing of it before it asks for it, and nothing signs with it', async () => {
    const before = await creating.listed()
    const token = await creating.token()
    const waiting = await creating.last()
    expect(waiting).to.include({ state: 'pending', key: 'enabled' })
    const id = waiting.id
    expect(await creating.listed()).to.deep.equal(before)
    const unknown = { status: 400, body: refusal('Invalid parameter credentialID') }
    const own = await service.serviceToken(client.client)
    for (const [method, more] of [
      ['credentials/info', {}],
      ['credentials/delete', {}],
      ['credentials/revoke', {}],
    ] as const) {
      expect(await client.call(own, method, { credentialID: id, ...more }), method).to.deep.equal(unknown)
    }
    for (const scope of ['credential', 'credential-deletion']) {
      const sent = await client.authorize(client.request({ ...mine, id }, { scope }))
      expect(back(sent).get('error_description')).to.equal('Invalid parameter credentialID')
    }
    expect((await creating.create(token)).body).to.deep.equal({ credentialID: id })
  })

  it('is given what it asked for in details, in the same words, and the credential described', async () => {
    const creation = {
      certificatePolicy: POLICY,
      subjectData: { givenName: 'Tess', surname: 'Tester', issuingCountry: 'NO' },
    }
    const page = await client.open(creating.asking(creation, { scope: undefined }))
    expect(page.html).to.contain('Tess Tester NO').and.to.contain(POLICY)
    const code = back(await client.answer(page, creating.typed())).get('code') ?? ''
    service.keepSecret(code)
    const { body } = await client.redeem(code)
    expect(body['authorization_details']).to.deep.equal([
      { type: CREATION_TYPE, credentialCreationRequest: creation },
    ])
    const token = String(body['access_token'])
    const answer = await creating.create(token, {
      credentialCreationRequest: creation,
      credentialInfo: true,
      certificates: 'single',
      certInfo: true,
    })
    expect(answer.status).to.equal(201)
    expect(answer.body).to.include({ status: 'valid', SCAL: '2' })
    expect(answer.body['credentialID']).to.match(/^[0-9a-f]{32}$/)
    expect(answer.body['cert']).to.include({ status: 'valid' })
  })

  it('gets one credential, of fifty requests with one token at once, and the same again later', async () => {
    const count = (await creating.listed()).length
    const token = await creating.token()
    const answers = await Promise.all(Array.from({ length: 50 }, () => creating.create(token)))
    const [first] = answers
    expect(first?.status).to.equal(201)
    for (const answer of answers) expect(answer).to.deep.equal(first)
    expect(await creating.create(token)).to.deep.equal(first)
    expect(await creating.listed()).to.have.length(count + 1)
    const id = String(first?.body['credentialID'])
    expect(await service.acts('credential.hand-over', `credential:${id}`)).to.have.length(1)
  })

  it('gets one credential, of eight answers to one page at once', async () => {
    const count = (await creating.rows()).length
    const page = await client.open(creating.asking())
    const form = creating.typed()
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.answer(page, form)))
    const codes = answers.filter(({ status }) => status === 303)
    expect(codes).to.have.length(1)
    for (const answer of answers) {
      if (!codes.includes(answer)) expect([404, 503]).to.include(answer.status)
    }
    const code = back(codes[0] as Response).get('code') ?? ''
    service.keepSecret(code)
    const live = (await creating.rows()).filter(({ state }) => state !== 'ended')
    expect(live).to.have.length.at.most(count + 1)
    expect((await creating.create(String((await client.redeem(code)).body['access_token']))).status).to.equal(
      201,
    )
  })

  it('is written down: who let it be created, and who got it', async () => {
    const id = String((await creating.create(await creating.token())).body['credentialID'])
    const subject = `credential:${id}`
    const [created] = await service.acts('credential.create', subject)
    expect(created).to.deep.include({
      actor: `person:${service.person.id}`,
      detail: { keyType: 'P-256', scal: 2, mode: 'oauth2code', multisign: 1000 },
    })
    expect(created?.subjects).to.include.members([`client:${client.client.id}`])
    const [handed] = await service.acts('credential.hand-over', subject)
    expect(handed).to.include({ actor: `client:${client.client.id}` })
  })

  it('gets nothing where it does not come in time: key, certificate and credential end', async () => {
    const code = await creating.code()
    const waiting = await creating.last()
    expect(waiting.key).to.equal('enabled')
    const id = waiting.id
    const [creation] = await service.sql<{ key: string; certificate: string }>(
      'select key_id as key, certificate_id as certificate from credential_creation where credential_id = $1',
      [id],
    )
    await endOverdue(service.ctx)
    expect(await creating.last()).to.deep.equal(waiting)
    await creating.expire(id)
    await Promise.all([endOverdue(service.ctx), endOverdue(service.ctx)])
    const [ended] = await service.sql(
      `select c.state, k.state as key, ce.state as certificate, ce.revocation_reason as reason
         from credential c, key k, certificate ce where c.id = $1 and k.id = $2 and ce.id = $3`,
      [id, creation?.key, creation?.certificate],
    )
    expect(ended).to.deep.equal({
      state: 'ended',
      key: 'destroyed',
      certificate: 'revoked',
      reason: 'cessationOfOperation',
    })
    const [deleted] = await service.acts('credential.delete', `credential:${id}`)
    expect(deleted).to.deep.include({ actor: 'service', detail: { reason: 'not handed over' } })
    expect(await service.acts('key.destroy', `key:${creation?.key ?? ''}`)).to.have.length(2)
    expect(await client.redeem(code)).to.deep.include({
      status: 400,
      body: refusal('Authorization code is invalid or expired', 'invalid_grant'),
    })
  })

  it('keeps what it came for, when the time of its token is over', async () => {
    const token = await creating.token()
    const id = String((await creating.create(token)).body['credentialID'])
    await creating.expire(id)
    await endOverdue(service.ctx)
    expect(await creating.listed()).to.include(id)
    expect(
      await service.sql('select 1 from credential_creation where credential_id = $1', [id]),
    ).to.deep.equal([])
  })

  it('ends what a process left that died while it made the key', async () => {
    const token = await creating.token()
    const id = (await creating.last()).id
    // As it is before the certificate and the seal are recorded.
    await service.sql(
      `update credential_creation set certificate_id = null, seal = null, expires_at = now() - interval '1 s'
        where credential_id = $1`,
      [id],
    )
    await endOverdue(service.ctx)
    expect(await creating.last()).to.include({ id, state: 'ended' })
    expect(await creating.create(token)).to.deep.equal({
      status: 400,
      body: refusal('The credential identified by credentialID is disabled'),
    })
  })

  it('leaves nothing of what was half made, and its holder tries again on the same page', async () => {
    const page = await client.open(creating.asking())
    const authority = `where id in (select key_id from certificate where profile = 'issuing')`
    await service.sql(`update key set state = 'disabled' ${authority}`)
    const failed = await client.answer(page, creating.typed())
    await service.sql(`update key set state = 'enabled' ${authority}`)
    expect(failed.status).to.equal(503)
    const { id, ...left } = await creating.last()
    expect(left).to.deep.include({ state: 'ended' })
    const [deleted] = await service.acts('credential.delete', `credential:${id}`)
    const key = deleted?.subjects.find((subject) => subject.startsWith('key:')) ?? ''
    expect(await service.acts('key.generate', key)).to.have.length(2)
    expect(await service.acts('key.destroy', key)).to.have.length(2)
    const again = await client.answer(page, creating.typed())
    expect(again.status).to.equal(303)
    service.keepSecret(back(again).get('code') ?? '')
  })

  it('has a token that is for this alone, and no other token does', async () => {
    const token = await creating.token()
    const id = (await creating.last()).id
    for (const [method, body] of [
      ['credentials/list', {}],
      ['credentials/info', { credentialID: id }],
      ['credentials/delete', { credentialID: id }],
      ['signatures/signHash', { credentialID: id, hashes: [digest('x')], signAlgo: OID.ecdsa256 }],
    ] as const) {
      expect(await client.call(token, method, body), method).to.deep.equal({
        status: 403,
        body: refusal('The access token is not of the scope service', 'access_denied'),
      })
    }
    const refused = {
      status: 403,
      body: refusal('The access token is not of the scope credential-creation', 'access_denied'),
    }
    expect(await creating.create(await service.serviceToken(client.client))).to.deep.equal(refused)
    const page = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    expect(await creating.create(await client.tokenFor(page))).to.deep.equal(refused)
    expect((await creating.create(token)).status).to.equal(201)
  })

  it('has a code that no other client redeems, and that takes back its token when it comes again', async () => {
    const code = await creating.code()
    const other = new CodeClient(service, await service.newClient('Other', [REDIRECT]))
    expect(await other.redeem(code, { code_verifier: client.verifier })).to.deep.include({
      status: 400,
      body: refusal('Invalid parameter code', 'invalid_grant'),
    })
    const token = String((await client.redeem(code)).body['access_token'])
    expect((await client.redeem(code)).status).to.equal(400)
    expect(await creating.create(token)).to.deep.equal({
      status: 401,
      body: refusal('The access token is invalid', 'invalid_token'),
    })
  })

  it('gets nothing that an operator has ended, and its link is nobody’s any more', async () => {
    const token = await creating.token()
    const params = { id: (await creating.last()).id }
    const { officer } = service.operators
    const link = await service.admin(officer, 'POST /credentials/:id/link', { params })
    expect(link.body).to.deep.include({ status: 409, detail: 'Its holder has set the PIN already.' })
    const reset = await service.admin(officer, 'POST /credentials/:id/send-codes', { params })
    expect(reset.status).to.equal(409)
    await service.admin(officer, 'POST /credentials/:id/disable', { params })
    expect(await creating.create(token)).to.deep.equal({
      status: 400,
      body: refusal('The credential identified by credentialID is disabled'),
    })
  })

  it('can sign with nothing where the row was altered before it was handed over', async () => {
    const pin = creating.newPin()
    const token = await creating.token(pin)
    const id = (await creating.last()).id
    await service.sql(`update credential set scal = 1 where id = $1`, [id])
    expect((await creating.create(token)).body).to.deep.equal({ credentialID: id })
    const own = { ...mine, id, pin }
    const page = await client.open(client.request(own))
    const answer = await client.answer(page, { pin })
    expect(answer.status).to.not.equal(303)
    await service.sql(`update credential set scal = 2 where id = $1`, [id])
  })
})
