import { expect } from 'chai'
import { createHash, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { createPerson } from '../../src/api/admin/persons.ts'
import { refusal } from '../csc/client.ts'
import { otherForms } from '../support/jwsForms.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { sharedService } from './shared.ts'

describe('an account_token', () => {
  let service: TestService
  let client: CodeClient
  let mine: TestCredential
  let theirs: TestCredential
  let other: string
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    const clientId = client.client.id
    mine = await service.newCredential({ clientId, mode: 'oauth2code' })
    other = await createPerson(service.ctx, 'service', { givenName: 'Ola', surname: 'Other', country: 'NO' })
    theirs = await service.newCredential({ clientId, personId: other, mode: 'oauth2code' })
  })
  afterEach(() => service.checkState())

  const now = (): number => Math.floor(Date.now() / 1000)
  const good = (): Record<string, unknown> => ({
    sub: service.person.id,
    iat: now(),
    jti: randomUUID(),
    azp: client.client.id,
  })
  const signed = (claims: Record<string, unknown>, secret = client.client.secret, alg = 'HS256') =>
    new SignJWT(claims).setProtectedHeader({ alg }).sign(
      createHash(alg === 'HS256' ? 'sha256' : 'sha512')
        .update(secret)
        .digest(),
    )

  it('lets its person approve, and log in', async () => {
    const approving = await client.open(client.request(mine, { account_token: await signed(good()) }))
    expect(back(await client.answer(approving, { pin: mine.pin })).has('code')).to.equal(true)
    const page = await client.open(client.login({ account_token: await signed(good()) }))
    expect(back(await client.answer(page, { credential: mine.id, pin: mine.pin })).has('code')).to.equal(true)
  })

  it('lets nobody else: their credential is unknown to it, and their PIN logs nobody in', async () => {
    const sent = await client.authorize(client.request(theirs, { account_token: await signed(good()) }))
    expect(back(sent).get('error_description')).to.equal('Invalid parameter credentialID')
    const page = await client.open(client.login({ account_token: await signed(good()) }))
    const answer = await client.answer(page, { credential: theirs.id, pin: theirs.pin })
    expect(answer.status).to.equal(400)
    expect(await answer.text()).to.contain('The number or the PIN is wrong.')
    const own = await client.open(client.login({ account_token: await signed({ ...good(), sub: other }) }))
    expect(back(await client.answer(own, { credential: theirs.id, pin: theirs.pin })).has('code')).to.equal(
      true,
    )
  })

  it('works once, also of ten at the same time, pushed or not', async () => {
    const account_token = await signed(good())
    const form = client.request(mine, { account_token })
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.push(form)))
    expect(answers.filter(({ status }) => status === 201)).to.have.length(1)
    const used = answers.find(({ status }) => status === 400)
    expect(used?.body).to.deep.equal(refusal('Invalid parameter account_token'))
    expect(back(await client.authorize(form)).get('error_description')).to.equal(
      'Invalid parameter account_token',
    )
    const uri = String(answers.find(({ status }) => status === 201)?.body['request_uri'])
    service.keepSecret(uri.slice(-43))
    const page = await client.open({ client_id: client.client.id, request_uri: uri })
    expect(back(await client.answer(page, { pin: mine.pin })).has('code')).to.equal(true)
  })

  it('is refused where it is not what it should be', async () => {
    const change = (claims: Record<string, unknown>) => signed({ ...good(), ...claims })
    const wrong: Record<string, string> = {
      'signed with the secret itself': await new SignJWT(good())
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from(client.client.secret)),
      'signed with another secret': await signed(good(), 'x'.repeat(43)),
      'signed by another algorithm': await signed(good(), client.client.secret, 'HS512'),
      'without a signature': `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
      'of another client': await change({ azp: service.client.id }),
      'too old': await change({ iat: now() - 301 }),
      'of the future': await change({ iat: now() + 65 }),
      expired: await change({ exp: now() - 1 }),
      'without jti': await change({ jti: undefined }),
      'without iat': await change({ iat: undefined }),
      'without sub': await change({ sub: undefined }),
      'of nobody': await change({ sub: 'kari' }),
      'with a NUL': await change({ jti: 'a\0b', sub: 'a\0b' }),
      endless: 'x'.repeat(5000),
    }
    for (const [name, account_token] of Object.entries(wrong)) {
      const sent = await client.authorize(client.login({ account_token }))
      expect(back(sent).get('error_description'), name).to.equal('Invalid parameter account_token')
    }
    const pushed = await client.push(client.login())
    const uri = String(pushed.body['request_uri'])
    const added = { client_id: client.client.id, request_uri: uri, account_token: await signed(good()) }
    expect(await (await client.authorize(added)).json()).to.deep.equal(
      refusal('Parameter account_token is not what was pushed'),
    )
  })

  it('is refused where its signature is written in another way, and good as it was', async () => {
    const account_token = await signed(good())
    for (const [name, form] of otherForms(account_token)) {
      const sent = await client.authorize(client.login({ account_token: form }))
      expect(back(sent).get('error_description'), name).to.equal('Invalid parameter account_token')
    }
    const page = await client.open(client.login({ account_token }))
    expect(back(await client.answer(page, { credential: mine.id, pin: mine.pin })).has('code')).to.equal(true)
  })

  it('says nothing by a parameter of another name', async () => {
    const form = { ...client.request(theirs), account: service.person.id }
    expect((await client.open(form)).html).to.contain(theirs.id)
  })
})
