import { expect } from 'chai'
import { createPerson } from '../../src/api/admin/persons.ts'
import { strings } from '../../src/api/oauth/strings.ts'
import { APPROVAL_LIMITS } from '../../src/signing/outOfBand.ts'
import { CscClient, OID, digest, refusal, type CscAnswer } from '../csc/client.ts'
import { HASH, UNKNOWN_ID } from '../csc/rows.ts'
import { CodeClient, REDIRECT } from '../oauth/codeClient.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { Authenticator, post, type Page } from './authenticator.ts'
import { badRequests } from './badRequests.ts'
import { Phone } from './phone.ts'

const CONTACT = 'mailto:kari@example.org'
const MISSING = 'Missing (or invalid type)'
const { errors, answered, ...text } = strings.en

describe('approvals out of band', () => {
  let service: TestService
  let client: CscClient
  let phone: Phone
  let mine: TestCredential
  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    phone = new Phone(service)
    mine = await credentialOf()
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const credentialOf = async (scal: 1 | 2 = 2, clientId = service.client.id): Promise<TestCredential> => {
    const detail = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', contact: CONTACT }
    const personId = await createPerson(service.ctx, 'service', detail)
    return service.newCredential({ personId, mode: 'oob', multisign: 10, scal, clientId })
  }
  const request = (credential: TestCredential, more = {}) => ({
    credentialID: credential.id,
    numSignatures: 1,
    hashes: [HASH],
    hashAlgorithmOID: OID.sha256,
    ...more,
  })
  /** Each message of a credential has to be some seconds after the one before. */
  const settled = (credential: TestCredential) =>
    service.sql(
      `update approval set created_at = created_at - interval '10 seconds' where credential_id = $1`,
      [credential.id],
    )
  const ask = async (credential = mine, more = {}): Promise<{ handle: string; code: string }> => {
    await settled(credential)
    const answer = await client.call('credentials/authorize', request(credential, more))
    if (answer.status !== 202) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    const handle = String(answer.body['handle'])
    const code = /\/oauth2\/approve#([A-Za-z0-9_-]{43}) /.exec(phone.messages.at(-1)?.text ?? '')?.[1] ?? ''
    for (const secret of [handle, code]) service.keepSecret(secret)
    return { handle, code }
  }
  const check = (handle: unknown, by = client): Promise<CscAnswer> =>
    by.call('credentials/authorizeCheck', { handle })
  const page = (form: Record<string, string>): Promise<Page> => post(service, '/oauth2/approve', form)
  const shownFor = async (code: string): Promise<string> =>
    /name="shown" value="([^"]+)"/.exec((await page({ code })).text)?.[1] ?? ''
  const approve = async (code: string, more: Record<string, string> = {}): Promise<Page> =>
    page({ token: code, shown: await shownFor(code), answer: 'approve', pin: mine.pin, ...more })
  const refused = (answer: CscAnswer, description: string, error?: string): void => {
    expect([answer.status, answer.body]).to.deep.equal([400, refusal(description, error)])
  }

  it('lead from the client to the holder’s page, and back to a SAD that is given once', async () => {
    const hashes = [digest('one'), digest('two')]
    const wish = await ask(mine, { numSignatures: 2, hashes, description: 'The lease of <the harbour>' })
    expect(wish.handle).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(phone.messages.at(-1)?.to).to.equal(CONTACT)
    expect(phone.messages.at(-1)?.text).to.match(/^Test client asks you to approve 2 signatures: http/)
    const pending = await check(wish.handle)
    expect([pending.status, pending.body]).to.deep.equal([202, { handle: wish.handle }])

    const link = await fetch(`${service.url}/oauth2/approve`)
    expect(link.headers.get('content-security-policy')).to.contain("script-src 'self'")
    expect(await link.text()).to.contain(text.linkIntro)
    const shown = await page({ code: ` ${wish.code} ` })
    expect(shown.status).to.equal(200)
    expect(shown.headers.get('content-security-policy')).to.not.contain('script-src')
    for (const part of ['Test client asks for', mine.id, ...hashes, 'The lease of &lt;the harbour&gt;']) {
      expect(shown.text).to.contain(part)
    }
    const done = await approve(wish.code)
    expect([done.status, done.text.includes(answered.approved.heading)]).to.deep.equal([200, true])
    expect((await approve(wish.code)).status).to.equal(404)

    const given = await check(wish.handle)
    expect(given.status).to.equal(200)
    expect(Object.keys(given.body)).to.deep.equal(['SAD', 'expiresIn'])
    expect(given.body['expiresIn']).to.be.within(290, 300)
    refused(await check(wish.handle), 'Invalid parameter handle')
    const sign = { credentialID: mine.id, SAD: given.body['SAD'], hashes, signAlgo: OID.ecdsa256 }
    expect((await client.call('signatures/signHash', sign)).status).to.equal(200)
    refused(await client.call('signatures/signHash', sign), 'Hash is not authorized by the SAD')
    const [act] = await service.acts('approval.ask', `credential:${mine.id}`)
    expect(act?.actor).to.equal(`client:${service.client.id}`)
  })

  it('take the id of the PIN without a value, and no value', async () => {
    await ask(mine, { authData: [{ id: 'PIN' }] })
    for (const authData of [[{ id: 'PIN', value: mine.pin }], [{ id: 'OTP' }], [{ id: 'x' }], []]) {
      refused(
        await client.call('credentials/authorize', request(mine, { authData })),
        'Invalid parameter authData',
      )
    }
  })

  it('are not asked of an explicit credential, which wants its PIN', async () => {
    const body = request(service.credential)
    refused(await client.call('credentials/authorize', body), `${MISSING} array parameter authData`)
    const bare = { ...body, authData: [{ id: 'PIN' }] }
    refused(await client.call('credentials/authorize', bare), 'Invalid parameter authData')
  })

  it('check what is asked as everywhere, and ask nobody before', async () => {
    const before = phone.messages.length
    for (const [more, description] of badRequests) {
      refused(await client.call('credentials/authorize', request(mine, more)), description)
    }
    expect(phone.messages.length).to.equal(before)
  })

  it('are version 2’s: version 1 has no handles', async () => {
    const body = { credentialID: mine.id, numSignatures: 1, hash: [HASH], PIN: mine.pin }
    refused(await client.at('/csc/v1').call('credentials/authorize', body), 'Invalid parameter credentialID')
    expect((await client.at('/csc/v1').call('credentials/authorizeCheck', {})).status).to.equal(404)
    const how = { credentialID: mine.id, certificates: 'none', authInfo: true }
    const { auth } = (await client.get('credentials/info', how)) as { auth: { objects: { type: string }[] } }
    expect(auth).to.include({ mode: 'explicit', expression: 'PIN' })
    expect(auth.objects.map(({ type }) => type)).to.deep.equal(['PasswordOOB'])
    const one = await client.at('/csc/v1').get('credentials/info', how)
    expect(one['PIN']).to.deep.equal({ presence: 'false' })
  })

  it('have handles that are this client’s, and no other values', async () => {
    const { handle } = await ask()
    for (const [value, description] of [
      [undefined, `${MISSING} string parameter handle`],
      [7, `${MISSING} string parameter handle`],
      ['', 'Invalid parameter handle'],
      ['A'.repeat(43), 'Invalid parameter handle'],
      ['x'.repeat(5000), 'Invalid parameter handle'],
      [`' or 1=1`, 'Invalid parameter handle'],
    ] as const) {
      refused(await check(value), description)
    }
    const other = await CscClient.of(service, await service.newClient())
    refused(await check(handle, other), 'Invalid parameter handle')
    expect((await check(handle)).status).to.equal(202)
    const without = await client.call('credentials/authorizeCheck', { handle }, { authorization: 'Bearer x' })
    expect(without.status).to.equal(401)
  })

  it('have handles that tell nothing to whom else the client serves', async () => {
    const wallet = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    const clientId = wallet.client.id
    const [theirs, other] = [await credentialOf(2, clientId), await service.newCredential({ clientId })]
    const own = await CscClient.of(service, wallet.client)
    const { body } = await own.call('credentials/authorize', request(theirs))
    const code = await wallet.code(wallet.login(), { credential: other.id, pin: other.pin })
    const token = String((await wallet.redeem(code)).body['access_token'])
    const { handle } = body
    service.keepSecret(String(handle))
    const asked = await own.call(
      'credentials/authorizeCheck',
      { handle },
      { authorization: `Bearer ${token}` },
    )
    refused(asked, 'Invalid parameter handle')
    expect((await check(handle, own)).status).to.equal(202)
  })

  it('are denied without a PIN', async () => {
    const { handle, code } = await ask()
    const done = await page({ token: code, answer: 'deny' })
    expect([done.status, done.text.includes(answered.denied.heading)]).to.deep.equal([200, true])
    for (let times = 0; times < 2; times++) {
      refused(await check(handle), 'The authentication data is invalid', 'invalid_authentication_data')
    }
    expect((await approve(code)).status).to.equal(404)
    expect(await service.acts('approval.deny', `credential:${mine.id}`)).to.have.length(1)
  })

  it('that were altered in the database after they were shown are shown again, and not approved', async () => {
    const { handle, code } = await ask()
    const shown = await shownFor(code)
    await service.sql(
      `update approval set asked = jsonb_set(asked, '{digests,0}', to_jsonb($1::text)) where state = 'pending'`,
      [digest('another document')],
    )
    const answer = await page({ token: code, shown, answer: 'approve', pin: mine.pin })
    expect([answer.status, answer.text.includes(digest('another document'))]).to.deep.equal([200, true])
    expect((await check(handle)).status).to.equal(202)
  })

  it('expire', async () => {
    const { handle, code } = await ask()
    await service.sql(`update approval set expires_at = now() where state = 'pending'`)
    refused(await check(handle), 'Invalid parameter handle')
    for (const form of [{ code }, { token: code, answer: 'approve', pin: mine.pin }]) {
      const answer = await page(form)
      expect(answer.status).to.equal(404)
      expect(answer.text).to.contain(errors.gone)
    }
    const late = await ask()
    expect((await approve(late.code)).status).to.equal(200)
    await service.sql(
      `update authorisation set expires_at = now() where sad_hash is null and credential_id = $1`,
      [mine.id],
    )
    refused(await check(late.handle), 'Invalid parameter handle')
  })

  it('want the PIN, and count wrong ones until the credential is locked', async () => {
    const credential = await credentialOf()
    const { handle, code } = await ask(credential)
    for (const [pin, sentence] of [
      ['', errors.missing],
      ['not the PIN', errors.pin],
    ] as const) {
      const answer = await approve(code, { pin })
      expect([answer.status, answer.text.includes(sentence)]).to.deep.equal([400, true])
    }
    for (let times = 0; times < 4; times++) await approve(code, { pin: 'not the PIN' })
    const locked = await approve(code, { pin: credential.pin })
    expect([locked.status, locked.text.includes(errors.locked)]).to.deep.equal([400, true])
    refused(await check(handle), 'Credential locked')
    await settled(credential)
    refused(await client.call('credentials/authorize', request(credential)), 'Credential locked')
  })

  it('want the one-time code as well, where there is one', async () => {
    const credential = await credentialOf()
    const app = await Authenticator.setUp(service, credential)
    const { handle, code } = await ask(credential)
    expect((await page({ code })).text).to.contain(text.otpHint)
    const { pin } = credential
    for (const [otp, sentence] of [
      ['', errors.missing],
      ['12', errors.otp],
      [app.wrong(), errors.otp],
    ] as const) {
      expect((await approve(code, { pin, otp })).text).to.contain(sentence)
    }
    expect((await approve(code, { pin, otp: await app.fresh() })).status).to.equal(200)
    expect((await check(handle)).status).to.equal(200)
  })

  it('are given once, of ten who ask at the same time, and approved once of ten', async () => {
    const { handle, code } = await ask()
    const said = await Promise.all(Array.from({ length: 10 }, () => approve(code)))
    expect(said.filter(({ status }) => status === 200)).to.have.length(1)
    const answers = await Promise.all(Array.from({ length: 10 }, () => check(handle)))
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
    expect(answers.filter(({ status }) => status === 400)).to.have.length(9)
  })

  it('show nothing for a code that is unknown', async () => {
    for (const code of ['A'.repeat(43), UNKNOWN_ID, '', `' or 1=1`]) {
      expect((await page({ code })).status, code).to.equal(404)
    }
  })

  it('flood nobody', async () => {
    const credential = await credentialOf()
    for (let asked = 0; asked < APPROVAL_LIMITS.outstanding; asked++) await ask(credential)
    await settled(credential)
    const before = phone.messages.length
    const answer = await client.call('credentials/authorize', request(credential))
    expect([answer.status, answer.body]).to.deep.equal([
      429,
      refusal('Too many approvals were asked for', 'temporarily_unavailable'),
    ])
    expect(phone.messages.length).to.equal(before)
  })

  it('are for persons who can be reached', async () => {
    const body = { personId: service.person.id, clientId: service.client.id, mode: 'oob' }
    const answer = await service.admin(service.operators.officer, 'POST /credentials', { body })
    expect(answer.status).to.equal(409)
    expect(answer.body).to.include({ detail: 'The person has no contact.' })
  })

  it('are for a number of signatures under SCAL 1, and say that no document is listed', async () => {
    const credential = await credentialOf(1)
    const { handle, code } = await ask(credential, {
      hashes: undefined,
      hashAlgorithmOID: undefined,
      numSignatures: 2,
    })
    expect((await page({ code })).text).to.contain(text.unlisted)
    expect((await approve(code, { pin: credential.pin })).status).to.equal(200)
    expect((await check(handle)).status).to.equal(200)
  })
})
