import { expect } from 'chai'
import { createVerify, X509Certificate } from 'node:crypto'
import { OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { sharedService } from './shared.ts'

const HASH = digest('a document')
const OTHER = digest('another document')
const base64url = (text: string): string => Buffer.from(text, 'base64').toString('base64url')

describe('a credential that its holder opens on the page', () => {
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
  const verifies = (signature: unknown, text: string): boolean =>
    createVerify('sha256')
      .update(text)
      .verify(new X509Certificate(credential.certificate).publicKey, String(signature), 'base64')
  const tokenFor = (more: Record<string, string | undefined> = {}) => client.tokenFor(credential, more)

  it('gives a code to the registered address, and for the code a token that signs once', async () => {
    const page = await client.open(client.request(credential))
    const response = await client.answer(page, { pin: credential.pin })
    expect(response.status).to.equal(303)
    const answer = back(response)
    expect([...answer.keys()]).to.deep.equal(['app', 'code', 'state', 'iss'])
    expect(answer.get('state')).to.equal('a state')
    expect(answer.get('iss')).to.equal(`${service.url}/oauth2`)
    const code = answer.get('code') ?? ''
    service.keepSecret(code)
    const { status, headers, body } = await client.redeem(code)
    expect(status).to.equal(200)
    expect(headers.get('cache-control')).to.equal('no-store')
    const { access_token: token, expires_in: seconds, ...rest } = body
    expect(rest).to.deep.equal({ token_type: 'Bearer', scope: 'credential', credentialID: credential.id })
    expect(token).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(seconds).to.be.within(290, 300)
    const signed = await sign(String(token))
    expect(signed.status).to.equal(200)
    expect(verifies((signed.body['signatures'] as string[])[0], 'a document')).to.equal(true)
    expect(await sign(String(token))).to.deep.equal({
      status: 400,
      body: refusal('Hash is not authorized by the SAD'),
    })
  })

  it('signs by the token in SAD beside a service token, too', async () => {
    const sad = await tokenFor()
    const own = await service.serviceToken(client.client)
    expect((await sign(own, { SAD: sad })).status).to.equal(200)
    const other = await service.serviceToken()
    expect((await sign(other, { SAD: await tokenFor() })).body).to.deep.equal(
      refusal('Invalid parameter credentialID'),
    )
  })

  it('shows who asks, for what, with which credential, and the hashes', async () => {
    const page = await client.open(client.request(credential, { description: 'The <lease> of "5"' }))
    expect(page.html).to.contain('Wallet asks for signatures in your name.')
    expect(page.html).to.contain(credential.id).and.to.contain('Test credential')
    expect(page.html).to.contain(HASH.replaceAll('+', '+'))
    expect(page.html).to.contain('The &lt;lease&gt; of &quot;5&quot;')
    expect(page.html).to.contain('5 minutes after you give it')
    expect(page.html).to.not.contain(credential.pin)
    expect(page.html).to.not.match(/<script| style=| on[a-z]+=/)
    expect(page.headers.get('content-security-policy')).to.equal(
      "default-src 'none';style-src 'self';form-action 'self' https://client.example;base-uri 'none';frame-ancestors 'none'",
    )
    expect(page.headers.get('cache-control')).to.equal('no-store')
    expect(page.headers.get('referrer-policy')).to.equal('no-referrer')
  })

  it('speaks Greek to who asks for it, or whose client does', async () => {
    const page = await client.open(client.request(credential, { lang: 'el-GR' }))
    expect(page.html).to.contain('<html lang="el">').and.to.contain('Έγκριση υπογραφής')
    const second = await client.open(client.request(credential), { 'accept-language': 'el,en;q=0.5' })
    expect(second.html).to.contain('<html lang="el">')
  })

  for (const type of ['credential', 'https://cloudsignatureconsortium.org/2025/credential']) {
    it(`takes a pushed request with authorization_details of type ${type}, and gives them back`, async () => {
      const details = {
        type,
        credentialID: credential.id,
        numSignatures: 2,
        documentDigests: [
          { hash: HASH, label: 'lease.pdf', hashType: 'DTBSR' },
          { hash: base64url(OTHER), label: null },
        ],
        hashAlgorithmOID: OID.sha256,
        locations: null,
      }
      const pushed = await client.push(
        client.login({ scope: 'credential', authorization_details: JSON.stringify([details]) }),
      )
      expect(pushed.status).to.equal(201)
      expect(pushed.headers.get('cache-control')).to.equal('no-cache, no-store')
      const { request_uri: uri, expires_in: seconds } = pushed.body
      expect(uri).to.match(/^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/)
      expect(seconds).to.equal(60)
      service.keepSecret(String(uri).slice(-43))
      const form = { client_id: client.client.id, request_uri: String(uri), state: 'a state' }
      const page = await client.open(form)
      expect(page.html)
        .to.contain('lease.pdf')
        .and.to.contain('Document without a name')
        .and.to.contain(OTHER)
      // Once.
      const again = await client.authorize(form)
      expect(again.status).to.equal(400)
      expect(await again.json()).to.deep.equal(refusal('Invalid parameter request_uri'))
      const code = back(await client.answer(page, { pin: credential.pin })).get('code') ?? ''
      const { body } = await client.redeem(code, { authorization_details: JSON.stringify([details]) })
      expect(body['authorization_details']).to.deep.equal([
        {
          type,
          credentialID: credential.id,
          numSignatures: 2,
          documentDigests: [{ hash: HASH, label: 'lease.pdf' }, { hash: OTHER }],
          hashAlgorithmOID: OID.sha256,
        },
      ])
      const signed = await sign(String(body['access_token']), { hashes: [OTHER, HASH] })
      const [first, second] = signed.body['signatures'] as string[]
      expect(verifies(first, 'another document') && verifies(second, 'a document')).to.equal(true)
    })
  }

  it('lets the holder say no', async () => {
    const page = await client.open(client.request(credential))
    const answer = back(await client.answer(page, { answer: 'deny' }))
    expect(answer.get('error')).to.equal('access_denied')
    expect(answer.get('error_description')).to.equal('The request was denied')
    expect(answer.get('state')).to.equal('a state')
    expect((await client.answer(page, { pin: credential.pin })).status).to.equal(404)
  })

  it('asks again for a wrong PIN, and for one that is missing', async () => {
    const page = await client.open(client.request(credential))
    for (const [pin, sentence] of [
      ['not the PIN', 'The PIN is wrong.'],
      ['', 'Fill in every field.'],
      ['x'.repeat(300), 'Fill in every field.'],
    ] as const) {
      const response = await client.answer(page, { pin })
      expect(response.status).to.equal(400)
      const text = await response.text()
      expect(text).to.contain(sentence)
      if (pin !== '') expect(text).to.not.contain(pin)
    }
    expect(back(await client.answer(page, { pin: credential.pin })).get('code')).to.match(
      /^[A-Za-z0-9_-]{43}$/,
    )
  })

  it('locks after five wrong PINs, wherever they were typed, and says so to the client', async () => {
    const own = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    const page = await client.open(client.request(own))
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => client.answer(page, { pin: 'not the PIN' })),
    )
    expect(answers.filter(({ status }) => status === 400)).to.have.length(5)
    const failures = await service.sql<{ failures: number }>(
      'select failures from activation_attempt where key_id = $1 and client_id = $2',
      [own.keyId, client.client.id],
    )
    expect(failures).to.deep.equal([{ failures: 5 }])
    const next = await client.open(client.request(own))
    const answer = back(await client.answer(next, { pin: own.pin }))
    expect(answer.get('error')).to.equal('access_denied')
    expect(answer.get('error_description')).to.equal('Credential locked')
  })

  it('is for the browser that began, and for the page that it was sent', async () => {
    const [page, other] = await Promise.all([
      client.open(client.request(credential)),
      client.open(client.request(credential)),
    ])
    const pin = { pin: credential.pin }
    for (const response of [
      await fetch(page.url, { redirect: 'manual' }),
      await client.answer({ ...page, cookie: '' }, pin),
      await client.answer({ ...page, cookie: other.cookie }, pin),
      await client.answer({ ...page, token: other.token }, pin),
      await client.answer({ ...page, token: '' }, pin),
      await client.answer({ ...page, url: `${page.url}x` }, pin),
    ]) {
      expect(response.status).to.equal(404)
      expect(await response.text()).to.contain('This page is no longer valid')
    }
    expect(back(await client.answer(page, pin)).get('code')).to.not.equal(null)
  })

  it('sets a cookie that scripts and other sites do not get', async () => {
    const sent = await client.authorize(client.request(credential))
    expect(sent.headers.get('set-cookie')).to.match(
      /^intaglio_consent=[A-Za-z0-9_-]{43}; Path=\/oauth2\/consent\/[A-Za-z0-9_-]{43}; Max-Age=600; HttpOnly; SameSite=Lax$/,
    )
  })

  it('gives one code for one page, however often it is sent', async () => {
    const page = await client.open(client.request(credential))
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => client.answer(page, { pin: credential.pin })),
    )
    expect(answers.filter(({ status }) => status === 303)).to.have.length(1)
    expect(answers.filter(({ status }) => status === 404)).to.have.length(4)
  })
})
