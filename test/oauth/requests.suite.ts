import { expect } from 'chai'
import { refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { detailRows, good, rows, url } from './requestRows.ts'
import { sharedService } from './shared.ts'

describe('an authorization request', () => {
  let service: TestService
  let client: CodeClient
  let credential: TestCredential
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    credential = await service.newCredential({
      clientId: client.client.id,
      mode: 'oauth2code',
      multisign: 10,
    })
  })
  afterEach(() => service.checkState())

  /** Refused at the client's address, and at once where it is pushed. */
  const refuses = async (form: Record<string, string>, error: string, description: string) => {
    const sent = await client.authorize(form)
    expect(sent.status).to.equal(302)
    const answer = back(sent)
    expect(Object.fromEntries(answer)).to.deep.equal({
      app: '1',
      error,
      error_description: description,
      ...(form['state'] === undefined ? {} : { state: form['state'] }),
      iss: `${service.url}/oauth2`,
    })
    expect(await client.push(form)).to.deep.include({ status: 400, body: refusal(description, error) })
  }

  for (const [name, change, description, error = 'invalid_request'] of rows) {
    it(`is refused with ${name}`, () =>
      refuses(client.request(credential, { state: 's', ...change }), error, description))
  }

  for (const [name, change, description, error = 'invalid_authorization_details'] of detailRows) {
    it(`is refused with ${name} in its details`, () => {
      const one = typeof change === 'string' ? change : [{ credentialID: credential.id, ...good, ...change }]
      const details = typeof one === 'string' ? one : JSON.stringify(one)
      return refuses(client.login({ authorization_details: details }), error, description)
    })
  }

  it('is refused when it says something in details and again beside them', async () => {
    const details = JSON.stringify([{ credentialID: credential.id, ...good }])
    for (const name of [
      'credentialID',
      'numSignatures',
      'hashes',
      'hashAlgorithmOID',
      'signatureQualifier',
    ]) {
      const form = client.login({ authorization_details: details, [name]: '1' })
      await refuses(form, 'invalid_request', `Invalid parameter ${name}`)
    }
    const service_ = client.login({ authorization_details: details, scope: 'service' })
    await refuses(service_, 'invalid_scope', 'Invalid parameter scope')
  })

  it('gets one answer for a credential that is another client’s, of another mode, pending or unknown', async () => {
    const pending = await service.sql<{ id: string }>(
      `insert into credential (id, person_id, client_id, key_type, scal, mode, multisign, state)
       values ('pending', $1, $2, 'P-256', 2, 'oauth2code', 1, 'pending') returning id`,
      [service.person.id, client.client.id],
    )
    const explicit = await service.newCredential({ clientId: client.client.id })
    const foreign = await service.newCredential({ mode: 'oauth2code' })
    for (const id of [pending[0]?.id ?? '', explicit.id, foreign.id, 'unknown']) {
      await refuses(
        client.request(credential, { credentialID: id }),
        'invalid_request',
        'Invalid parameter credentialID',
      )
    }
  })

  it('is refused for a credential that is disabled, also where the page was open already', async () => {
    const own = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    const page = await client.open(client.request(own))
    await service.sql(`update credential set state = 'disabled' where id = $1`, [own.id])
    const description = 'The credential identified by credentialID is disabled'
    await refuses(client.request(own), 'invalid_request', description)
    const answer = back(await client.answer(page, { pin: own.pin }))
    expect(answer.get('error_description')).to.equal(description)
  })

  it('is not approved where it was altered in the database after it was shown', async () => {
    const own = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    const page = await client.open(client.request(own))
    await service.sql(
      `update oauth_object set payload = jsonb_set(payload, '{parameters,description}', '"another"')
        where model = 'Consent'`,
    )
    const answer = await client.answer(page, { pin: own.pin })
    expect(answer.status).to.equal(404)
    expect(await answer.text()).to.contain('This page is no longer valid')
  })

  it('ends in a page where its client is disabled, or its address gone, while the page is open', async () => {
    const own = new CodeClient(service, await service.newClient('Short-lived', [REDIRECT]))
    const credential_ = await service.newCredential({ clientId: own.client.id, mode: 'oauth2code' })
    const page = await own.open(own.request(credential_))
    for (const change of [`redirect_uris = '{}'`, `state = 'disabled', redirect_uris = '{${REDIRECT}}'`]) {
      await service.sql(`update client set ${change} where id = $1`, [own.client.id])
      const answer = await own.answer(page, { pin: credential_.pin })
      expect(answer.status).to.equal(404)
      expect(answer.headers.get('content-type')).to.match(/^text\/html/)
      expect(await answer.text()).to.contain('This page is no longer valid')
    }
  })

  it('sends nobody to an address that is not registered', async () => {
    for (const uri of [
      'https://client.example/back',
      `${REDIRECT}&more`,
      'https://client.example/back?app=1#x',
      'https://CLIENT.example/back?app=1',
      'https://client.example:443/back?app=1',
      'https://evil.example/',
      'javascript:alert(1)',
    ]) {
      const form = client.request(credential, { redirect_uri: uri })
      const sent = await client.authorize(form)
      expect(sent.status).to.equal(400)
      expect(sent.headers.get('location')).to.equal(null)
      expect(await sent.json()).to.deep.equal(refusal('Invalid parameter redirect_uri'))
      expect((await client.push(form)).body).to.deep.equal(refusal('Invalid parameter redirect_uri'))
    }
  })

  it('may name any port of an app on this machine, and nothing else of its address', async () => {
    const registered = ['http://127.0.0.1/back?x', 'http://[::1]:8080/back', 'http://localhost:8080/back']
    const own = await service.newClient('On this machine', registered)
    const asked = (redirect_uri: string) =>
      client.authorize(client.login({ client_id: own.id, redirect_uri }))
    for (const uri of ['http://127.0.0.1:49152/back?x', 'http://127.0.0.1/back?x', 'http://[::1]/back']) {
      expect((await asked(uri)).status, uri).to.equal(302)
    }
    for (const uri of [
      'http://127.0.0.1:99999/back?x',
      'http://127.0.0.1:8080/other',
      'http://127.0.0.1:8080/back',
      'http://127.0.0.1:8080@evil.example/back?x',
      'http://127.0.0.1.evil.example/back?x',
      'https://127.0.0.1:8080/back?x',
      'http://127.0.0.2:8080/back?x',
      'http://localhost:49152/back',
    ]) {
      expect((await asked(uri)).status, uri).to.equal(400)
    }
  })

  it('may leave its address out where one is registered, and not where there are several or none', async () => {
    const form = client.request(credential, { redirect_uri: undefined })
    const code = await client.code(form, { pin: credential.pin })
    expect((await client.redeem(code, { redirect_uri: undefined })).status).to.equal(200)
    const several = await service.newClient('Several', [REDIRECT, 'https://client.example/2'])
    const none = await service.newClient('None')
    for (const { id } of [several, none]) {
      const sent = await client.authorize(client.login({ client_id: id, redirect_uri: undefined }))
      expect(sent.status).to.equal(400)
      expect(await sent.json()).to.deep.equal(refusal('Missing parameter redirect_uri'))
    }
  })

  it('is refused for a client that is unknown, disabled or not named', async () => {
    const disabled = await service.newClient('Disabled', [REDIRECT])
    await service.sql(`update client set state = 'disabled' where id = $1`, [disabled.id])
    for (const [client_id, description] of [
      ['nobody', 'Invalid parameter client_id'],
      [`' or 1=1`, 'Invalid parameter client_id'],
      [disabled.id, 'Invalid parameter client_id'],
      [undefined, 'Missing parameter client_id'],
    ] as const) {
      const sent = await client.authorize(client.request(credential, { client_id }))
      expect(sent.status).to.equal(400)
      expect(await sent.json()).to.deep.equal(refusal(description))
    }
  })

  it('says each thing once', async () => {
    const twice = `${new URLSearchParams(client.request(credential)).toString()}&state=other`
    const sent = await client.authorize(twice)
    expect(sent.status).to.equal(400)
    expect(await sent.json()).to.deep.equal(refusal('Parameter state is given twice'))
    const nul = await client.authorize(client.request(credential, { state: 'a\0b' }))
    expect(await nul.json()).to.deep.equal(refusal('Invalid parameter state'))
  })

  it('may write hashes as version 1 of the API does, and in either alphabet', async () => {
    const bytes = Buffer.from('fb'.repeat(31) + 'ff', 'hex')
    for (const text of [
      bytes.toString('base64url'),
      bytes.toString('base64'),
      bytes.toString('base64').replaceAll('+', ' '),
    ]) {
      const page = await client.open(client.request(credential, { hashes: undefined, hash: text }))
      expect(page.html).to.contain(bytes.toString('base64'))
    }
  })

  it('counts its signatures by its hashes where it does not say', async () => {
    const page = await client.open(
      client.request(credential, { hashes: `${url},${url}`, numSignatures: undefined }),
    )
    expect(page.html).to.contain('The 2 documents')
  })

  it('may be posted, too', async () => {
    const response = await fetch(`${service.url}/oauth2/authorize`, {
      method: 'POST',
      body: new URLSearchParams(client.request(credential)),
      redirect: 'manual',
    })
    expect(response.status).to.equal(303)
    expect(response.headers.get('location')).to.match(/^\/oauth2\/consent\//)
  })
})
