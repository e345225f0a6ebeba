import { EXAMPLE_HASH, example, type ExampleName } from '../../src/api/http/exampleValues.ts'
import { CscClient, OID } from '../csc/client.ts'
import { didKeyOf } from '../../src/credentials/did/didKey.ts'
import { formats } from '../../src/credentials/formats/index.ts'
import { createPerson } from '../../src/api/admin/persons.ts'
import { localKey } from '../credentials/keys.ts'
import { credential, KeyClient, type MadeKey } from '../keyservice/client.ts'
import { CodeClient } from '../oauth/codeClient.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, VcClient, type Credential, type Issuer } from '../vc/client.ts'

type Client = TestService['client']

const issuing = (issuer: string) => ({
  verifiable: credential(issuer),
  selective: ['/credentialSubject/name'],
})

/** Somebody who reads the document and has a client, a person and credentials of their own. */
export class Reader {
  readonly service: TestService
  readonly client: Client
  readonly token: string
  readonly explicit: TestCredential
  readonly oauth: TestCredential

  private constructor(
    service: TestService,
    own: { client: Client; token: string; explicit: TestCredential; oauth: TestCredential },
  ) {
    this.service = service
    this.client = own.client
    this.token = own.token
    this.explicit = own.explicit
    this.oauth = own.oauth
  }

  static async of(service: TestService): Promise<Reader> {
    const client = await service.newClient('A reader', [example.redirectUri])
    const call = { params: { id: client.id }, body: { creationLimit: 100 } }
    await service.admin(service.operators.admin, 'POST /clients/:id/creation-limit', call)
    const token = await service.serviceToken(client)
    const explicit = await service.newCredential({ clientId: client.id })
    const oauth = await service.newCredential({ clientId: client.id, mode: 'oauth2code' })
    return new Reader(service, { client, token, explicit, oauth })
  }

  /** An access token of a scope; one that is for a single act is made anew each time. */
  async tokenOf(scope: string): Promise<string> {
    if (scope !== 'credential-creation') return this.token
    const { client, oauth, service } = this
    const browser = new CodeClient(service, client)
    const form = browser.login({ scope, redirect_uri: example.redirectUri })
    const typed = { credential: oauth.id, pin: oauth.pin, newPin: 'a-new-pin', again: 'a-new-pin' }
    const { body } = await browser.redeem(await browser.code(form, typed))
    return String(body['access_token'])
  }

  /** Puts values of one's own where the document has those of nobody. What works once is made anew each time. */
  async filled(request: unknown): Promise<Record<string, unknown>> {
    let text = JSON.stringify(request)
    const browser = new CodeClient(this.service, this.client)
    for (const name of Object.keys(example) as ExampleName[]) {
      if (text.includes(example[name])) text = text.replaceAll(example[name], await this.#own(name, browser))
    }
    return JSON.parse(text) as Record<string, unknown>
  }

  async #own(name: ExampleName, browser: CodeClient): Promise<string> {
    const { service, client, explicit, oauth } = this
    const login = () => browser.code(browser.login(), { credential: oauth.id, pin: oauth.pin })
    const made: Record<ExampleName, () => string | Promise<string>> = {
      clientId: () => client.id,
      clientSecret: () => client.secret,
      userID: () => service.person.id,
      credentialID: () => explicit.id,
      oauthCredentialID: () => oauth.id,
      spareCredentialID: async () => (await service.newCredential({ clientId: client.id })).id,
      sentCodesCredentialID: async () => {
        const { id } = await this.#ofReachable('explicit')
        const params = { id }
        await service.admin(service.operators.officer, 'POST /credentials/:id/send-codes', { params })
        return id
      },
      pin: () => explicit.pin,
      SAD: async () => (await CscClient.of(service, client)).authorize(explicit, [EXAMPLE_HASH]),
      handle: async () => {
        const { id } = await this.#ofReachable('oob')
        const asked = {
          credentialID: id,
          numSignatures: 1,
          hashes: [EXAMPLE_HASH],
          hashAlgorithmOID: OID.sha256,
        }
        const { body } = await (await CscClient.of(service, client)).call('credentials/authorize', asked)
        return String(body['handle'])
      },
      requestID: () => this.#signedLater(),
      keyId: () => this.#key.then(({ id }) => id),
      spareKeyId: async () => (await this.#keys.key()).id,
      secret: () => this.#key.then(({ secrets: [secret = ''] }) => secret),
      sdJwt: async () => {
        const { id, secrets, controller, method } = await this.#key
        const asked = { ...issuing(controller), identifier: id, secrets, holder: method['publicKeyJwk'] }
        return (await this.#keys.call('/sign/vc/sd-jwt', asked)).text
      },
      keyAttestation: async () => {
        const { id } = await this.#key
        return (await this.#keys.call('/keys/attest', { identifiers: [id] })).text
      },
      issuer: async () => (await this.#issuer).identifier,
      issuedCredentialId: async () =>
        String((await this.#issued({ status: ['revocation', 'suspension'] }))['id']),
      jwtCredential: () => this.#jwt(),
      jwtPresentation: () => this.#presented(),
      baseProof: async () => {
        const issued = await this.#issued({ cryptosuite: 'ecdsa-sd-2023', mandatoryPointers: ['/issuer'] })
        return String((issued['proof'] as Credential)['proofValue'])
      },
      accessToken: () => service.serviceToken(client),
      refreshToken: async () => String((await browser.redeem(await login())).body['refresh_token']),
      redirectUri: () => example.redirectUri,
      code: () => browser.code(browser.request(oauth), { pin: oauth.pin }),
      codeVerifier: () => browser.verifier,
      codeChallenge: () => browser.challenge,
      requestUri: async () => String((await browser.push(browser.request(oauth))).body['request_uri']),
    }
    return made[name]()
  }

  get #issuer(): Promise<Issuer> {
    this.#madeIssuer ??= newIssuer(this.service, { client: this.client.id })
    return this.#madeIssuer
  }
  #madeIssuer: Promise<Issuer> | undefined

  async #issued(options: Record<string, unknown>): Promise<Credential> {
    const { identifier } = await this.#issuer
    const subject = { id: 'did:example:ada', name: 'Ada Lovelace' }
    return new VcClient(this.service, this.token).issue(
      credentialOf(identifier, { credentialSubject: subject }),
      options,
    )
  }

  async #jwt(): Promise<string> {
    const issued: unknown = await this.#issued({ format: 'jwt' })
    return String(issued)
  }

  /** By a holder whose key is its own. */
  async #presented(): Promise<string> {
    const key = localKey()
    const holder = didKeyOf(key)
    const id = `${holder}#${holder.slice('did:key:'.length)}`
    const presentation = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder,
      verifiableCredential: [await this.#jwt()],
    }
    const made = await formats.jwt?.present?.({
      presentation,
      key: { ...key, id, controller: holder },
      now: new Date(),
      challenge: '7c1b',
      domain: 'https://verifier.example',
    })
    if (typeof made?.body !== 'string') throw new Error('a JWT is text')
    return made.body
  }

  get #keys(): KeyClient {
    return new KeyClient(this.service, this.token)
  }

  /** A key of the key service, and who has it. */
  get #key(): Promise<MadeKey> {
    this.#madeKey ??= this.#keys.key({ identifier: 'did:web:issuer.example' })
    return this.#madeKey
  }
  #madeKey: Promise<MadeKey> | undefined

  /** A credential of somebody who can be sent messages. */
  async #ofReachable(mode: 'explicit' | 'oob'): Promise<TestCredential> {
    const detail = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', contact: 'tel:+4755512345' }
    const personId = await createPerson(this.service.ctx, 'service', detail)
    return this.service.newCredential({ clientId: this.client.id, personId, mode })
  }

  async #signedLater(): Promise<string> {
    const { service, client, explicit } = this
    const csc = await CscClient.of(service, client)
    const SAD = await csc.authorize(explicit, [EXAMPLE_HASH])
    const request = { credentialID: explicit.id, SAD, hashes: [EXAMPLE_HASH], signAlgo: OID.ecdsa256 }
    const { responseID } = await csc.get('signatures/signHash', { ...request, operationMode: 'A' })
    let status = 202
    while (status === 202) ({ status } = await csc.call('signatures/signPolling', { requestID: responseID }))
    return String(responseID)
  }
}
