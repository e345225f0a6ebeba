import { expect } from 'chai'
import { createHash, randomUUID } from 'node:crypto'
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { OID, digest, refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back, type Answer } from './codeClient.ts'
import { sharedService } from './shared.ts'

interface Key {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const
const LIST = '/csc/v2/credentials/list'

describe('a token that is bound to a key (DPoP)', () => {
  let service: TestService
  let client: CodeClient
  let credential: TestCredential
  let key: Key
  before(async () => {
    service = await sharedService()
    client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
    credential = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    key = await newKey()
  })
  afterEach(() => service.checkState())

  const newKey = async (alg = 'ES256'): Promise<Key> => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    return { privateKey, jwk: await exportJWK(publicKey) }
  }
  const now = (): number => Math.floor(Date.now() / 1000)
  const ath = (token: string): string => createHash('sha256').update(token).digest('base64url')
  const proof = (
    path: string,
    claims: Record<string, unknown> = {},
    { by = key, header = {} }: { by?: Key; header?: Record<string, unknown> } = {},
  ): Promise<string> =>
    new SignJWT({ htm: 'POST', htu: `${service.url}${path}`, iat: now(), jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: by.jwk, ...header })
      .sign(by.privateKey)
  const token = async (dpop: string, form: Record<string, string> = {}): Promise<Answer> =>
    client.token({ grant_type: 'client_credentials', ...form }, { ...client.basic(), dpop })
  const bound = async (by = key): Promise<string> => {
    const { body } = await token(await proof('/oauth2/token', {}, { by }))
    expect(body['token_type']).to.equal('DPoP')
    return String(body['access_token'])
  }
  const call = async (path: string, headers: Record<string, string>, body: unknown = {}) => {
    const response = await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    const { status } = response
    const challenge = response.headers.get('www-authenticate')
    return { status, challenge, body: (await response.json()) as Record<string, unknown> }
  }
  const list = async (bearer: string, dpop: string) => call(LIST, { authorization: `DPoP ${bearer}`, dpop })
  const INVALID_PROOF = refusal('The DPoP proof is invalid', 'invalid_dpop_proof')
  const UNPROVEN = {
    status: 401,
    challenge:
      'DPoP error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid", ' +
      `algs="${ALGORITHMS.join(' ')}"`,
    body: refusal('The DPoP proof is missing or invalid', 'invalid_dpop_proof'),
  }

  for (const alg of ALGORITHMS) {
    it(`is given for a proof by ${alg}, and used with one`, async () => {
      const by = await newKey(alg)
      const header = { alg }
      const given = await token(await proof('/oauth2/token', {}, { by, header }))
      expect(given.body['token_type']).to.equal('DPoP')
      const bearer = String(given.body['access_token'])
      const used = await list(bearer, await proof(LIST, { ath: ath(bearer) }, { by, header }))
      expect(used.status).to.equal(200)
    })
  }

  it('is no bearer token, and a bearer token is not bound by calling it so', async () => {
    const bearer = await bound()
    const invalid = refusal('The access token is invalid', 'invalid_token')
    const dpop = await proof(LIST, { ath: ath(bearer) })
    for (const headers of [
      { authorization: `Bearer ${bearer}` },
      { authorization: `Bearer ${bearer}`, dpop },
    ]) {
      const answer = await call(LIST, headers)
      expect({ status: answer.status, body: answer.body }).to.deep.equal({ status: 401, body: invalid })
    }
    const own = await service.serviceToken(client.client)
    expect((await list(own, await proof(LIST, { ath: ath(own) }))).body).to.deep.equal(invalid)
  })

  it('is refused with a proof that is missing, or is not what it should be', async () => {
    const bearer = await bound()
    const good = { ath: ath(bearer) }
    const stranger = await newKey()
    const { privateKey } = key
    const wrong: Record<string, string> = {
      'by another key': await proof(LIST, good, { by: stranger }),
      'that another key signed': await proof(LIST, good, {
        by: { jwk: key.jwk, privateKey: stranger.privateKey },
      }),
      'for another method': await proof(LIST, { ...good, htm: 'GET' }),
      'for another endpoint': await proof('/csc/v2/credentials/info', good),
      'for another server': await proof(LIST, { ...good, htu: `https://other.example${LIST}` }),
      'for no address': await proof(LIST, { ...good, htu: 'here' }),
      'for another token': await proof(LIST, { ath: ath('other') }),
      'for no token': await proof(LIST),
      'too old': await proof(LIST, { ...good, iat: now() - 62 }),
      'of the future': await proof(LIST, { ...good, iat: now() + 20 }),
      'without a time': await proof(LIST, { ...good, iat: undefined }),
      'without an id': await proof(LIST, { ...good, jti: undefined }),
      'with an endless id': await proof(LIST, { ...good, jti: 'x'.repeat(257) }),
      'of another type': await proof(LIST, good, { header: { typ: 'JWT' } }),
      'without its key': await proof(LIST, good, { header: { jwk: undefined } }),
      'with its private key': await proof(LIST, good, {
        by: { privateKey, jwk: await exportJWK(privateKey) },
      }),
      'that is none': 'x',
      'that is endless': 'x'.repeat(8193),
    }
    for (const [name, dpop] of Object.entries(wrong)) {
      expect(await list(bearer, dpop), name).to.deep.equal(UNPROVEN)
    }
    expect(await call(LIST, { authorization: `DPoP ${bearer}` })).to.deep.equal(UNPROVEN)
    const twice = `${await proof(LIST, good)}, ${await proof(LIST, good)}`
    expect(await list(bearer, twice)).to.deep.equal(UNPROVEN)
  })

  it('is used once by a proof, of ten at the same time; the query of its address is no part of it', async () => {
    const bearer = await bound()
    const dpop = await proof(LIST, { ath: ath(bearer), htu: `${service.url}${LIST}?x#y` })
    const answers = await Promise.all(Array.from({ length: 10 }, () => list(bearer, dpop)))
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, ...Array<number>(9).fill(401)])
  })

  it('is not given for a proof that is wrong, or comes again', async () => {
    const dpop = await proof('/oauth2/token')
    expect((await token(dpop)).status).to.equal(200)
    for (const wrong of [
      dpop,
      'x',
      await proof('/oauth2/revoke'),
      await proof('/oauth2/token', { htm: 'GET' }),
    ]) {
      expect(await token(wrong)).to.deep.include({ status: 400, body: INVALID_PROOF })
    }
  })

  /** A token of the scope credential. */
  const opened = async (): Promise<string> => {
    const code = await client.code(client.request(credential), { pin: credential.pin })
    const headers = { ...client.basic(), dpop: await proof('/oauth2/token') }
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: client.verifier,
    }
    const { body } = await client.token(form, headers)
    expect(body).to.deep.include({ token_type: 'DPoP', scope: 'credential' })
    return String(body['access_token'])
  }

  it('is what a code gives: it signs with a proof alone, at both mounts', async () => {
    const bearer = await opened()
    const asked = { credentialID: credential.id, hashes: [digest('a document')], signAlgo: OID.ecdsa256 }
    const path = '/csc/v2/signatures/signHash'
    expect((await call(path, { authorization: `Bearer ${bearer}` }, asked)).status).to.equal(401)
    expect(await call(path, { authorization: `DPoP ${bearer}` }, asked)).to.deep.equal(UNPROVEN)
    const info = '/csc/v1/credentials/info'
    const told = { authorization: `DPoP ${bearer}`, dpop: await proof(info, { ath: ath(bearer) }) }
    expect((await call(info, told, { credentialID: credential.id })).status).to.equal(200)
    const dpop = await proof(path, { ath: ath(bearer) })
    expect((await call(path, { authorization: `DPoP ${bearer}`, dpop }, asked)).status).to.equal(200)
  })

  it('is no SAD beside another token, whose proof is not its own', async () => {
    const SAD = await opened()
    const plain = await service.serviceToken(client.client)
    const proven = await bound()
    const [sign, sign1] = ['/csc/v2/signatures/signHash', '/csc/v1/signatures/signHash']
    const extend = '/csc/v2/credentials/extendTransaction'
    const own = { credentialID: credential.id, SAD }
    const asked = { ...own, hashes: [digest('a document')], signAlgo: OID.ecdsa256 }
    const asked1 = { ...own, hash: [digest('a document')], signAlgo: OID.ecdsa256 }
    const extended = { ...own, hashes: [digest('a document')], hashAlgorithmOID: OID.sha256 }
    for (const [path, body] of [
      [sign, asked],
      [sign, { ...asked, operationMode: 'A' }],
      [sign1, asked1],
      [extend, extended],
    ] as const) {
      for (const headers of [
        { authorization: `Bearer ${plain}` },
        { authorization: `DPoP ${proven}`, dpop: await proof(path, { ath: ath(proven) }) },
      ]) {
        const answer = await call(path, headers, body)
        expect(answer, path).to.deep.include({ status: 400, body: refusal('Invalid parameter SAD') })
      }
    }
    const headers = { authorization: `DPoP ${SAD}`, dpop: await proof(sign, { ath: ath(SAD) }) }
    expect((await call(sign, headers, asked)).status, 'nothing of it was spent').to.equal(200)
  })

  it('is what a login gives, and what renews it; revoked, it is none', async () => {
    const code = await client.code(client.login(), { credential: credential.id, pin: credential.pin })
    const headers = async () => ({ ...client.basic(), dpop: await proof('/oauth2/token') })
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: client.verifier,
    }
    const first = await client.token(form, await headers())
    expect(first.body['token_type']).to.equal('DPoP')
    const refresh = { grant_type: 'refresh_token', refresh_token: String(first.body['refresh_token']) }
    const second = await client.token(refresh, await headers())
    expect(second.body['token_type']).to.equal('DPoP')
    const bearer = String(second.body['access_token'])
    const use = async () => list(bearer, await proof(LIST, { ath: ath(bearer) }))
    expect((await use()).status).to.equal(200)
    // Before the second that a lookup is believed for.
    const third = String(
      (
        await client.token(
          { ...refresh, refresh_token: String(second.body['refresh_token']) },
          await headers(),
        )
      ).body['access_token'],
    )
    expect((await client.revoke(third)).status).to.equal(200)
    expect((await list(third, await proof(LIST, { ath: ath(third) }))).status).to.equal(401)
  })

  it('may be settled with the request: the code is worth something with that key alone', async () => {
    const thumbprint = await calculateJwkThumbprint(key.jwk)
    const pushing = async (form: Record<string, string>, dpop: string) =>
      client.push(form, { ...client.basic(), dpop })
    const form = client.request(credential)
    const pushed = await pushing(form, await proof('/oauth2/pushed_authorize'))
    const request_uri = String(pushed.body['request_uri'])
    service.keepSecret(request_uri.slice(-43))
    const page = await client.open({ client_id: client.client.id, request_uri })
    const code = back(await client.answer(page, { pin: credential.pin })).get('code') ?? ''
    service.keepSecret(code)
    expect(await client.redeem(code)).to.deep.include({
      status: 400,
      body: refusal('The DPoP proof is not by the key that the code is for', 'invalid_grant'),
    })
    const named = await client.code({ ...form, dpop_jkt: thumbprint }, { pin: credential.pin })
    const redeeming = { grant_type: 'authorization_code', code: named, redirect_uri: REDIRECT }
    const headers = { ...client.basic(), dpop: await proof('/oauth2/token') }
    const given = await client.token({ ...redeeming, code_verifier: client.verifier }, headers)
    expect(given.body['token_type']).to.equal('DPoP')
    const other = { ...form, dpop_jkt: 'x'.repeat(43) }
    expect((await pushing(other, await proof('/oauth2/pushed_authorize'))).body).to.deep.equal(
      refusal('Invalid parameter dpop_jkt'),
    )
    expect((await client.push({ ...form, dpop_jkt: 'x' })).body).to.deep.equal(
      refusal('Invalid parameter dpop_jkt'),
    )
    expect((await pushing(form, 'x')).body).to.deep.equal(INVALID_PROOF)
  })

  it('is got and used by oauth4webapi', async () => {
    // The service under test speaks plain HTTP on the loopback.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const insecure = { [oauth.allowInsecureRequests]: true }
    const issuer = new URL(`${service.url}/oauth2`)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    const as = await oauth.processDiscoveryResponse(issuer, found)
    const me: oauth.Client = { client_id: client.client.id }
    const DPoP = oauth.DPoP(me, await oauth.generateKeyPair('ES256'))
    const auth = oauth.ClientSecretBasic(client.client.secret)
    const options = { DPoP, ...insecure }
    const given = await oauth.clientCredentialsGrantRequest(as, me, auth, new URLSearchParams(), options)
    const tokens = await oauth.processClientCredentialsResponse(as, me, given)
    service.keepSecret(tokens.access_token)
    expect(tokens.token_type).to.equal('dpop')
    const headers = new Headers({ 'content-type': 'application/json' })
    const url = new URL(`${service.url}${LIST}`)
    const used = await oauth.protectedResourceRequest(
      tokens.access_token,
      'POST',
      url,
      headers,
      '{}',
      options,
    )
    expect(used.status).to.equal(200)
  })
})
