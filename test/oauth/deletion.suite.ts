import { expect } from 'chai'
import { OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { sharedService } from './shared.ts'

const TYPE = 'https://cloudsignatureconsortium.org/2025/credential-deletion'
const UNKNOWN = { status: 400, body: refusal('Invalid parameter credentialID') }

describe('a holder who lets a credential be deleted', () => {
  let service: TestService
  let client: CodeClient
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
  })
  afterEach(() => service.checkState())

  const newCredential = (mode: 'explicit' | 'oauth2code' = 'oauth2code') =>
    service.newCredential({ clientId: client.client.id, mode })
  const asking = (
    { id: credentialID }: Pick<TestCredential, 'id'>,
    more: Record<string, string | undefined> = {},
  ) => client.login({ scope: 'credential-deletion', credentialID, ...more })
  const tokenFor = async (credential: TestCredential) => {
    const code = await client.code(asking(credential), { pin: credential.pin })
    return String((await client.redeem(code)).body['access_token'])
  }
  const remove = async (token: string, credentialID: string) => {
    const response = await fetch(`${service.url}/csc/v2/credentials/delete`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ credentialID }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
  const stateOf = async ({ id }: TestCredential) => {
    const [row] = await service.sql<{ state: string; key: string }>(
      'select c.state, k.state as key from credential c join key k on k.id = c.key_id where c.id = $1',
      [id],
    )
    return row
  }

  it('is shown which one, gives its PIN, and the client deletes that one with the token of the code', async () => {
    const own = await newCredential()
    const page = await client.open(asking(own))
    expect(page.html).to.contain('Wallet asks to delete a credential of yours.').and.to.contain(own.id)
    const code = back(await client.answer(page, { pin: own.pin })).get('code') ?? ''
    service.keepSecret(code)
    const { status, body } = await client.redeem(code)
    const { access_token: token, ...rest } = body
    expect({ status, rest }).to.deep.equal({
      status: 200,
      rest: {
        expires_in: 300,
        token_type: 'Bearer',
        scope: 'credential-deletion',
        credentialID: own.id,
      },
    })
    expect(await stateOf(own)).to.deep.equal({ state: 'enabled', key: 'enabled' })
    expect(await remove(String(token), own.id)).to.deep.equal({ status: 204, body: undefined })
    expect(await stateOf(own)).to.deep.equal({ state: 'ended', key: 'destroyed' })
    expect(await remove(String(token), own.id)).to.deep.equal(UNKNOWN)
    const [approved] = await service.acts('credential.approve-deletion', `credential:${own.id}`)
    expect(approved).to.include({ actor: `person:${service.person.id}` })
    const [deleted] = await service.acts('credential.delete', `credential:${own.id}`)
    expect(deleted).to.include({ actor: `client:${client.client.id}` })
  })

  it('may be asked in details, which come back, and for a credential of another mode', async () => {
    const own = await newCredential('explicit')
    const details = [{ type: TYPE, credentialID: own.id }]
    const form = client.login({ authorization_details: JSON.stringify(details) })
    const { body } = await client.redeem(await client.code(form, { pin: own.pin }))
    expect(body['authorization_details']).to.deep.equal(details)
    expect((await remove(String(body['access_token']), own.id)).status).to.equal(204)
  })

  it('allows that one deletion, and nothing else', async () => {
    const own = await newCredential()
    const other = await newCredential()
    const token = await tokenFor(own)
    expect(await remove(token, other.id)).to.deep.equal(UNKNOWN)
    for (const [method, body] of [
      ['credentials/list', {}],
      ['credentials/info', { credentialID: own.id }],
      ['credentials/create', {}],
      ['signatures/signHash', { credentialID: own.id, hashes: [digest('x')], signAlgo: OID.ecdsa256 }],
    ] as const) {
      expect((await client.call(token, method, body)).status, method).to.equal(403)
    }
    expect(await stateOf(other)).to.deep.equal({ state: 'enabled', key: 'enabled' })
    const answers = await Promise.all(Array.from({ length: 50 }, () => remove(token, own.id)))
    expect(answers.filter(({ status }) => status === 204)).to.have.length(1)
    expect(answers.filter(({ status }) => status === 400)).to.have.length(49)
  })

  it('may mistype, say no, or think better of it: nothing is deleted', async () => {
    const own = await newCredential()
    const page = await client.open(asking(own))
    const mistyped = await client.answer(page, { pin: 'not the PIN' })
    expect(mistyped.status).to.equal(400)
    expect(await mistyped.text()).to.contain('The PIN is wrong')
    const denied = back(await client.answer(page, { answer: 'deny' }))
    expect(denied.get('error')).to.equal('access_denied')
    const token = await tokenFor(own)
    expect((await client.revoke(token)).status).to.equal(200)
    expect((await remove(token, own.id)).status).to.equal(401)
    expect(await stateOf(own)).to.deep.equal({ state: 'enabled', key: 'enabled' })
  })

  it('is not asked about a credential that is unknown, foreign, pending, gone or not usable', async () => {
    const foreign = service.credential
    const disabled = await newCredential()
    const gone = await newCredential()
    await service.sql(`update credential set state = 'disabled' where id = $1`, [disabled.id])
    await remove(await service.serviceToken(client.client), gone.id)
    const unknown = 'Invalid parameter credentialID'
    for (const [id, description] of [
      [foreign.id, unknown],
      ['f'.repeat(32), unknown],
      [`' or '1'='1`, unknown],
      [gone.id, unknown],
      [disabled.id, 'The credential identified by credentialID is disabled'],
      [undefined, 'Missing (or invalid type) string parameter credentialID'],
    ] as const) {
      const form = asking({ id: id ?? '' }, id === undefined ? { credentialID: undefined } : {})
      expect(await client.push(form)).to.deep.include({ status: 400, body: refusal(description) })
    }
  })

  it('is asked in the standard’s words', async () => {
    const own = await newCredential()
    for (const [name, detail, description] of [
      ['no credentialID', { type: TYPE }, 'Missing (or invalid type) string parameter credentialID'],
      ['an unknown member', { type: TYPE, credentialID: own.id, x: 1 }, 'Unknown parameter x'],
    ] as const) {
      const form = client.login({ authorization_details: JSON.stringify([detail]) })
      expect(await client.push(form), name).to.deep.include({
        status: 400,
        body: refusal(description, 'invalid_authorization_details'),
      })
    }
    const twice = client.login({
      authorization_details: JSON.stringify([{ type: TYPE, credentialID: own.id }]),
      credentialID: own.id,
    })
    expect((await client.push(twice)).body).to.deep.equal(refusal('Invalid parameter credentialID'))
  })
})
