import { expect } from 'chai'
import { createHash, randomBytes } from 'node:crypto'
import { OID, digest, refusal } from '../csc/client.ts'
import { selfSigned, type Issued } from '../support/authority.ts'
import type { HttpsAnswer } from '../support/https.ts'
import { Doors } from './doors.ts'

const REDIRECT = 'https://client.example/back'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

describe('authorization codes of a client that is let in by certificate', () => {
  let doors: Doors
  let id: string
  let mine: Issued
  before(async () => {
    doors = await Doors.open()
    ;({ id } = await doors.service.newClient('By certificate', [REDIRECT]))
    mine = await selfSigned({ name: 'client' })
    expect((await doors.register('clients', id, mine)).status).to.equal(201)
  })
  after(() => doors.close())
  afterEach(() => doors.service.checkState())

  const post = (
    path: string,
    form: Record<string, string>,
    { shows, cookie }: { shows?: Issued; cookie?: string } = {},
  ): Promise<HttpsAnswer> =>
    doors.calling(shows).send(`${doors.api}${path}`, {
      method: 'POST',
      headers: { ...FORM, ...(cookie === undefined ? {} : { cookie }) },
      body: new URLSearchParams(form).toString(),
    })

  it('are asked for, redeemed and used with that certificate, and with no other', async () => {
    const { service } = doors
    const credential = await service.newCredential({ clientId: id, mode: 'oauth2code', multisign: 2 })
    const hashes = [digest('a document'), digest('another')]
    const verifier = randomBytes(32).toString('base64url')
    const request = {
      client_id: id,
      response_type: 'code',
      scope: 'credential',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      credentialID: credential.id,
      numSignatures: '2',
      hashes: hashes.map((hash) => Buffer.from(hash, 'base64').toString('base64url')).join(','),
      hashAlgorithmOID: OID.sha256,
    }
    expect((await post('/oauth2/pushed_authorize', request)).status).to.equal(401)
    const pushed = await post('/oauth2/pushed_authorize', request, { shows: mine })
    expect(pushed.status).to.equal(201)
    const { request_uri: uri } = pushed.body as { request_uri: string }

    const opened = await post('/oauth2/authorize', { client_id: id, request_uri: uri })
    const cookies = String(opened.headers['set-cookie'])
    expect(cookies).to.match(/; HttpOnly; SameSite=Lax; Secure$/)
    const [cookie = ''] = cookies.split(';')
    const path = String(opened.headers.location)
    const page = await doors.calling().send(`${doors.api}${path}`, { headers: { cookie } })
    const [, token = ''] = /name="token" value="([^"]+)"/.exec(String(page.body)) ?? []
    const sent = await post(path, { token, answer: 'approve', pin: credential.pin }, { cookie })
    expect(sent.status).to.equal(303)
    const code = new URL(String(sent.headers.location)).searchParams.get('code') ?? ''

    const form = { grant_type: 'authorization_code', client_id: id, code, code_verifier: verifier }
    expect((await post('/oauth2/token', form)).status).to.equal(401)
    const given = await post('/oauth2/token', form, { shows: mine })
    expect(given.status).to.equal(200)
    const { access_token: bearer } = given.body as { access_token: string }
    service.keepSecret(bearer)
    const sign = (shows?: Issued, by = bearer, more = {}): Promise<HttpsAnswer> =>
      doors.calling(shows).send(`${doors.api}/csc/v2/signatures/signHash`, {
        method: 'POST',
        headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          credentialID: credential.id,
          hashes: hashes.slice(0, 1),
          signAlgo: OID.ecdsa256,
          ...more,
        }),
      })
    expect((await sign()).status).to.equal(401)
    expect((await sign(await selfSigned({ name: 'another' }))).status).to.equal(401)
    expect((await sign(mine)).status).to.equal(200)

    // Beside a service token, which came with a certificate of the client's, too: with the same one, or not at all.
    const renewed = await selfSigned({ name: 'client, renewed' })
    expect((await doors.register('clients', id, renewed)).status).to.equal(201)
    const beside = async (shows: Issued): Promise<HttpsAnswer> => {
      const { access_token: by } = (await doors.token(id, shows)).body as { access_token: string }
      service.keepSecret(by)
      return sign(shows, by, { SAD: bearer, hashes: hashes.slice(1) })
    }
    const { status, body } = await beside(renewed)
    expect([status, body]).to.deep.equal([400, refusal('Invalid parameter SAD')])
    expect((await beside(mine)).status).to.equal(200)
  })
})
