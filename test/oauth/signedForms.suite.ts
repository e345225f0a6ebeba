import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'
import { refusal } from '../csc/client.ts'
import { otherForms } from '../support/jwsForms.ts'
import type { TestService } from '../support/startService.ts'
import { CodeClient, type Answer } from './codeClient.ts'
import { sharedService } from './shared.ts'

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** What a client signs has one text, by a key that says nothing else of itself. */
describe('what a client signs', () => {
  let service: TestService
  let jwk: JWK
  let privateKey: CryptoKey
  before(async () => {
    service = await sharedService()
    const pair = await generateKeyPair('ES256', { extractable: true })
    ;({ privateKey } = pair)
    jwk = await exportJWK(pair.publicKey)
  })
  afterEach(() => service.checkState())

  const now = (): number => Math.floor(Date.now() / 1000)
  const grant = { grant_type: 'client_credentials' }
  const register = (id: string, given: unknown) =>
    service.admin(service.operators.admin, 'POST /clients/:id/keys', { params: { id }, body: { jwk: given } })

  describe('a DPoP proof', () => {
    const proof = (more: Record<string, unknown> = {}): Promise<string> =>
      new SignJWT({ htm: 'POST', htu: `${service.url}/oauth2/token`, iat: now(), jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { ...jwk, ...more } })
        .sign(privateKey)
    const ask = async (dpop: string): Promise<Answer> => {
      const client = new CodeClient(service, service.client)
      return client.token(grant, { ...client.basic(), dpop })
    }
    const refused = {
      status: 400,
      body: refusal('The DPoP proof is invalid', 'invalid_dpop_proof'),
    }

    it('is refused whose signature is written in another way, and good as it was', async () => {
      const dpop = await proof()
      for (const [name, form] of otherForms(dpop)) expect(await ask(form), name).to.deep.include(refused)
      expect(await ask(dpop)).to.deep.include({ status: 200 })
    })

    it('is refused whose key says that it is for something else', async () => {
      for (const meant of [{ use: 'enc' }, { key_ops: ['deriveBits'] }])
        expect(await ask(await proof(meant)), JSON.stringify(meant)).to.deep.include(refused)
      for (const meant of [{ use: 'sig' }, { key_ops: ['verify'] }])
        expect(await ask(await proof(meant)), JSON.stringify(meant)).to.deep.include({ status: 200 })
    })
  })

  it('an assertion: is refused whose signature is written in another way, and good as it was', async () => {
    const { id, secret } = await service.newClient('By key')
    expect((await register(id, jwk)).status).to.equal(201)
    const claims = { iss: id, sub: id, aud: `${service.url}/oauth2`, jti: randomUUID() }
    const assertion = await new SignJWT({ ...claims, iat: now(), exp: now() + 60 })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey)
    const ask = (client_assertion: string): Promise<Answer> => {
      const form = { ...grant, client_assertion, client_assertion_type: ASSERTION }
      return new CodeClient(service, { id, secret }).token(form, {})
    }
    for (const [name, form] of otherForms(assertion)) {
      const expected =
        name === 'with a fourth part'
          ? { status: 400, body: refusal('invalid client_assertion format') }
          : { status: 401, body: refusal('client authentication failed', 'invalid_client') }
      expect(await ask(form), name).to.deep.include(expected)
    }
    expect(await ask(assertion)).to.deep.include({ status: 200 })
  })

  it('a key: is registered in its one text, and where it is to verify with', async () => {
    const { id } = await service.newClient('With keys')
    for (const [given, detail] of [
      [{ ...jwk, x: `${String(jwk.x)}=` }, 'jwk.x: not base64url'],
      [{ ...jwk, key_ops: ['encrypt'] }, 'jwk.key_ops: not to verify with'],
    ] as const) {
      expect((await register(id, given)).body).to.deep.include({ status: 400, detail })
    }
  })
})
