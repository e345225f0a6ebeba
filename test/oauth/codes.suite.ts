import { expect } from 'chai'
import { CscClient, OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { sharedService } from './shared.ts'

const HASH = digest('a document')
const OTHER = digest('another document')
const base64url = (text: string): string => Buffer.from(text, 'base64').toString('base64url')

describe('an authorization code, and the token that it gives', () => {
  let service: TestService
  let client: CodeClient
  let credential: TestCredential
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    credential = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
  })
  afterEach(() => service.checkState())

  const sign = (token: string, more: Record<string, unknown> = {}) => client.sign(token, credential, more)
  const tokenFor = (more: Record<string, string | undefined> = {}) => client.tokenFor(credential, more)

  it('takes back what a code gave when it comes again', async () => {
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const first = await client.redeem(code)
    expect(first.status).to.equal(200)
    expect(await client.redeem(code)).to.deep.include({
      status: 400,
      body: refusal('Authorization code is invalid or expired', 'invalid_grant'),
    })
    const token = String(first.body['access_token'])
    expect((await sign(token)).status).to.equal(401)
    const own = await service.serviceToken(client.client)
    expect((await sign(own, { SAD: token })).body).to.deep.equal(refusal('Invalid parameter SAD'))
  })

  it('takes it back also from who had begun to use it', async () => {
    const code = await client.code(
      client.request(credential, { numSignatures: '2', hashes: `${base64url(HASH)},${base64url(OTHER)}` }),
      {
        pin: credential.pin,
      },
    )
    const token = String((await client.redeem(code)).body['access_token'])
    expect((await sign(token)).status).to.equal(200)
    await client.redeem(code)
    expect((await sign(token, { hashes: [OTHER] })).status).to.be.within(400, 401)
  })

  it('takes back also what it was extended to, however often', async () => {
    const own = await CscClient.of(service, client.client)
    const extend = (SAD: string) =>
      own.call('credentials/extendTransaction', {
        credentialID: credential.id,
        SAD,
        hashes: [HASH],
        hashAlgorithmOID: OID.sha256,
      })
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const token = String((await client.redeem(code)).body['access_token'])
    const once = String((await extend(token)).body['SAD'])
    // What was extended is no SAD any more, whoever bears it.
    expect((await sign(token)).body).to.deep.equal(refusal('Invalid parameter SAD'))
    const twice = String((await extend(once)).body['SAD'])
    await client.redeem(code)
    expect((await sign(own.token, { SAD: twice })).body).to.deep.equal(refusal('Invalid parameter SAD'))
    expect((await extend(twice)).body).to.deep.equal(refusal('Invalid parameter SAD'))
  })

  const ends: Readonly<Record<string, (code: string, token: string) => Promise<unknown>>> = {
    'by its code': (code) => client.redeem(code),
    'by revoking its token': (_code, token) => client.revoke(token),
  }
  for (const [how, end] of Object.entries(ends)) {
    it(`takes back a chain that is extended at that moment, ${how}`, () => extendedMeanwhile(end))
  }
  const extendedMeanwhile = async (end: (code: string, token: string) => Promise<unknown>): Promise<void> => {
    const own = await CscClient.of(service, client.client)
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const token = String((await client.redeem(code)).body['access_token'])
    let SAD = token
    const extend = async (): Promise<boolean> => {
      const body = { credentialID: credential.id, SAD, hashes: [HASH], hashAlgorithmOID: OID.sha256 }
      const answer = await own.call('credentials/extendTransaction', body)
      if (answer.status === 200) SAD = String(answer.body['SAD'])
      else expect(answer.body).to.deep.equal(refusal('Invalid parameter SAD'))
      return answer.status === 200
    }
    await extend()
    const untilRefused = async (): Promise<void> => {
      let isGood = true
      while (isGood) isGood = await extend()
    }
    await Promise.all([untilRefused(), end(code, token)])
    expect((await sign(own.token, { SAD })).body).to.deep.equal(refusal('Invalid parameter SAD'))
  }

  it('ends with all that it was extended to when it is revoked, and the log says so', async () => {
    const own = await CscClient.of(service, client.client)
    const extend = (SAD: string) =>
      own.call('credentials/extendTransaction', {
        credentialID: credential.id,
        SAD,
        hashes: [HASH],
        hashAlgorithmOID: OID.sha256,
      })
    const token = await tokenFor()
    const once = String((await extend(token)).body['SAD'])
    const twice = String((await extend(once)).body['SAD'])
    const recorded = await service.sql('select 1 from audit where act = $1', ['authorise.revoke'])
    expect((await client.revoke(token)).status).to.equal(200)
    expect((await sign(own.token, { SAD: twice })).body).to.deep.equal(refusal('Invalid parameter SAD'))
    expect((await extend(twice)).body).to.deep.equal(refusal('Invalid parameter SAD'))
    const acts = await service.sql<{ actor: string; subjects: string[] }>(
      'select actor, subjects from audit where act = $1 order by recorded_at',
      ['authorise.revoke'],
    )
    expect(acts).to.have.length(recorded.length + 1)
    expect(acts.at(-1)?.actor).to.equal(`client:${client.client.id}`)
    expect(acts.at(-1)?.subjects).to.have.length(3)
    // What is gone can be revoked again, and nothing more happens.
    expect((await client.revoke(token)).status).to.equal(200)
    expect((await client.revoke(twice)).status).to.equal(200)
  })

  it('ends a chain also by the SAD that it has come to, and by no other client', async () => {
    const own = await CscClient.of(service, client.client)
    const body = { credentialID: credential.id, hashes: [HASH], hashAlgorithmOID: OID.sha256 }
    const answer = await own.call('credentials/extendTransaction', { ...body, SAD: await tokenFor() })
    const SAD = String(answer.body['SAD'])
    const other = new CodeClient(service, await service.newClient('Other', [REDIRECT]))
    await other.revoke(SAD)
    const again = await own.call('credentials/extendTransaction', { ...body, SAD })
    expect(again.status).to.equal(200)
    const last = String(again.body['SAD'])
    await client.revoke(last)
    expect((await sign(own.token, { SAD: last })).body).to.deep.equal(refusal('Invalid parameter SAD'))
  })

  it('redeems a code once of twenty at the same time, and then not even once', async () => {
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.redeem(code)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).to.have.length(1)
    expect((await sign(String(won[0]?.body['access_token']))).status).to.equal(401)
  })

  it('redeems a code for its client, its address and its verifier alone, and spends it on a wrong one', async () => {
    const other = new CodeClient(service, await service.newClient('Other', [REDIRECT]))
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const invalid = (description: string) => ({ status: 400, body: refusal(description, 'invalid_grant') })
    expect(await other.redeem(code, { code_verifier: client.verifier })).to.deep.include(
      invalid('Invalid parameter code'),
    )
    // Somebody else's attempt costs the client nothing.
    expect((await client.redeem(code)).status).to.equal(200)
    for (const [wrong, description] of [
      [{ code_verifier: 'x'.repeat(43) }, 'Invalid parameter code_verifier'],
      [{ redirect_uri: 'https://client.example/back' }, 'redirect_uri parameter does not match'],
      [{ redirect_uri: undefined }, 'redirect_uri parameter does not match'],
    ] as const) {
      const spent = await client.code(client.request(credential), { pin: credential.pin })
      expect(await client.redeem(spent, wrong)).to.deep.include(invalid(description))
      expect(await client.redeem(spent)).to.deep.include(invalid('Authorization code is invalid or expired'))
    }
  })

  it('redeems no code after a minute', async () => {
    const code = await client.code(client.request(credential), { pin: credential.pin })
    await service.sql(
      `update oauth_object set expires_at = now() - interval '1 second' where model = 'AuthorizationCode' and consumed_at is null`,
    )
    expect((await client.redeem(code)).body).to.deep.equal(
      refusal('Authorization code is invalid or expired', 'invalid_grant'),
    )
  })

  it('is a token for signing with that credential, and for nothing else', async () => {
    const token = await tokenFor()
    expect((await client.call(token, 'credentials/list', {})).status).to.equal(403)
    expect((await client.call(token, 'credentials/authorize', {})).body).to.deep.equal(
      refusal('The access token is not of the scope service', 'access_denied'),
    )
    const info = await client.call(token, 'credentials/info', { credentialID: credential.id, authInfo: true })
    expect(info.status).to.equal(200)
    expect(info.body['auth']).to.deep.equal({ mode: 'oauth2code', objects: null })
    const another = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    for (const method of ['credentials/info', 'signatures/signHash']) {
      const body = { credentialID: another.id, hashes: [HASH], signAlgo: OID.ecdsa256 }
      const asked = method === 'credentials/info' ? { credentialID: another.id } : body
      expect((await client.call(token, method, asked)).body).to.deep.equal(
        refusal('Invalid parameter credentialID'),
      )
    }
    expect((await sign(token, { SAD: await tokenFor() })).body).to.deep.equal(
      refusal('Invalid parameter SAD'),
    )
    expect((await sign(token, { SAD: token })).status).to.equal(200)
  })

  it('is one at /csc/v1, too', async () => {
    const at1 = (token: string, method: string, body: unknown) =>
      client.call(token, `/csc/v1/${method}`, body)
    const token = await tokenFor()
    expect((await at1(token, 'credentials/list', {})).status).to.equal(403)
    const extension = { credentialID: credential.id, SAD: token, hash: [HASH] }
    expect((await at1(token, 'credentials/extendTransaction', extension)).body).to.deep.equal(
      refusal('The access token is not of the scope service', 'access_denied'),
    )
    const info = await at1(token, 'credentials/info', { credentialID: credential.id, authInfo: true })
    expect(info.body).to.deep.include({ authMode: 'oauth2code' })
    expect(info.body).to.not.have.any.keys('PIN', 'OTP')
    const body = { credentialID: credential.id, hash: [HASH], signAlgo: OID.ecdsa256 }
    const another = { ...body, credentialID: 'f'.repeat(32) }
    expect((await at1(token, 'signatures/signHash', another)).body).to.deep.equal(
      refusal('Invalid parameter credentialID'),
    )
    const own = await service.serviceToken(client.client)
    expect((await at1(own, 'signatures/signHash', body)).body).to.deep.equal(
      refusal('Missing (or invalid type) string parameter SAD'),
    )
    expect((await at1(token, 'signatures/signHash', body)).status).to.equal(200)
    const beside = await tokenFor()
    expect((await at1(own, 'signatures/signHash', { ...body, SAD: beside })).status).to.equal(200)
  })

  it('makes no SAD of another kind a bearer', async () => {
    const explicit = await service.newCredential({ clientId: client.client.id })
    const sad = await (await CscClient.of(service, client.client)).authorize(explicit, [HASH])
    expect((await sign(sad, { credentialID: explicit.id })).status).to.equal(401)
  })

  it('is not opened by credentials/authorize', async () => {
    const own = await CscClient.of(service, client.client)
    const answer = await own.call('credentials/authorize', {
      credentialID: credential.id,
      numSignatures: 1,
      hashes: [HASH],
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: credential.pin }],
    })
    expect(answer).to.deep.include({ status: 400, body: refusal('Invalid parameter credentialID') })
  })

  it('signs under SCAL 1 what was not named, and messages with Ed25519', async () => {
    const open = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code', scal: 1 })
    const form = client.request(open, { hashes: undefined, hashAlgorithmOID: undefined, numSignatures: '2' })
    const page = await client.open(form)
    expect(page.html).to.contain('Which documents is not said.')
    const code = back(await client.answer(page, { pin: open.pin })).get('code') ?? ''
    const token = String((await client.redeem(code)).body['access_token'])
    expect((await sign(token, { credentialID: open.id, hashes: [HASH, OTHER] })).status).to.equal(200)
    const edwards = await service.newCredential({
      clientId: client.client.id,
      mode: 'oauth2code',
      keyType: 'Ed25519',
    })
    const asked = client.request(edwards, { hashAlgorithmOID: undefined, hashes: base64url(OTHER) })
    const second = await client.code(asked, { pin: edwards.pin })
    const answer = await sign(String((await client.redeem(second)).body['access_token']), {
      credentialID: edwards.id,
      hashes: [OTHER],
      signAlgo: OID.ed25519,
    })
    expect(answer.status).to.equal(200)
  })

  it('records who was asked and what was approved', async () => {
    await tokenFor()
    const acts = await service.acts('authorise', `credential:${credential.id}`)
    expect(acts.at(-1)?.detail).to.deep.equal({
      count: 1,
      hash: 'SHA-256',
      digests: [Buffer.from(HASH, 'base64').toString('hex')],
    })
  })

  it('writes neither PIN nor code nor cookie into the log', async () => {
    const before = service.log().length
    await tokenFor()
    expect(service.log().slice(before)).to.not.contain(credential.pin)
  })
})
