import { verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal } from './client.ts'
import { METHODS_1, METHODS_2 } from './editions.ts'

const ECDSA = [OID.ecdsa256, OID.ecdsa384, OID.ecdsa512]

describe('the editions of the CSC API', () => {
  let service: TestService
  let v1: CscClient
  let v2: CscClient

  before(async () => {
    service = await startService({ csc: { specs: '2.0.0.0', description: 'A service under test' } })
    v2 = await CscClient.of(service)
    v1 = v2.at('/csc/v1')
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const about = (methods: readonly string[]) => ({
    name: 'Intaglio (test)',
    logo: `${service.url}/csc/v2/logo.png`,
    region: 'NO',
    lang: 'en',
    description: 'A service under test',
    authType: ['oauth2code', 'oauth2client'],
    oauth2: service.url,
    methods,
  })

  describe('2.0.0.2, by csc.specs', () => {
    it('calls itself 2.0.0.0 in info, and has no member of 2.2', async () => {
      expect(await v2.get('info', {})).to.deep.equal({
        specs: '2.0.0.0',
        ...about(METHODS_2),
        asynchronousOperationMode: true,
        validationInfo: false,
        signAlgorithms: {
          algos: [...ECDSA, OID.rsa256, OID.rsa384, OID.rsa512, OID.pss, OID.rsa, OID.ed25519],
          algoParams: [],
        },
        signature_formats: { formats: [], envelope_properties: [] },
        conformance_levels: [],
      })
    })

    it('describes a credential as 2.2 does, without the members that 2.2 added', async () => {
      const how = {
        credentialID: service.credential.id,
        certificates: 'chain',
        certInfo: true,
        authInfo: true,
      }
      const body = await v2.get('credentials/info', how)
      expect(Object.keys(body)).to.have.members([
        'credentialID',
        'description',
        'status',
        'key',
        'cert',
        'auth',
        'SCAL',
        'multisign',
        'lang',
      ])
      expect(body['cert']).to.not.have.any.keys('policy', 'qcStatements')
    })
  })

  describe('1.0.4.0, at /csc/v1', () => {
    it('says in info what exists, and has no member of version 2', async () => {
      const info = await v1.get('info', { lang: 'en' })
      expect(info).to.deep.equal({ specs: '1.0.4.0', ...about(METHODS_1) })
    })

    it('describes a credential flatly, and leaves out what is not asked for', async () => {
      const { id, certificate } = service.credential
      expect(await v1.get('credentials/info', { credentialID: id })).to.deep.equal({
        description: 'Test credential',
        key: { status: 'enabled', algo: ECDSA, len: 256, curve: '1.2.840.10045.3.1.7' },
        cert: { status: 'valid', certificates: [certificate.toString('base64')] },
        authMode: 'explicit',
        SCAL: '2',
        multisign: 1000,
        lang: 'en',
      })
    })

    it('tells which secrets authorise', async () => {
      const body = await v1.get('credentials/info', {
        credentialID: service.credential.id,
        certificates: 'none',
        authInfo: true,
      })
      expect(body['PIN']).to.deep.equal({
        presence: 'true',
        format: 'A',
        label: 'PIN',
        description: 'The PIN that the holder of the credential has set',
      })
      expect(body['OTP']).to.deep.equal({ presence: 'false' })
      expect(body['cert']).to.deep.equal({ status: 'valid' })
    })

    it('tells no secrets of a credential that is authorised in a browser', async () => {
      const { id } = await service.newCredential()
      await service.sql(`update credential set mode = 'oauth2code' where id = $1`, [id])
      const body = await v1.get('credentials/info', { credentialID: id, authInfo: true })
      expect(body['authMode']).to.equal('oauth2code')
      expect(body).to.not.have.any.keys('PIN', 'OTP', 'auth')
    })

    it("has the certificate's data as version 2 has it", async () => {
      const how = { credentialID: service.credential.id, certificates: 'chain', certInfo: true }
      const [one, two] = [await v1.get('credentials/info', how), await v2.get('credentials/info', how)]
      expect(one['cert']).to.deep.equal(two['cert'])
      expect(one['key']).to.deep.equal(two['key'])
    })

    it('lists every credential exactly once, page by page, by a token that says nothing', async () => {
      for (let made = 0; made < 3; made++) await service.newCredential()
      const whole = await v1.get('credentials/list', {})
      expect(Object.keys(whole)).to.deep.equal(['credentialIDs'])
      const seen: string[] = []
      let more: Record<string, unknown> = {}
      do {
        const page = await v1.get('credentials/list', { maxResults: 2, ...more })
        seen.push(...(page['credentialIDs'] as string[]))
        const { nextPageToken } = page
        if (nextPageToken !== undefined) expect(nextPageToken).to.match(/^[A-Za-z0-9_-]+$/)
        more = nextPageToken === undefined ? {} : { pageToken: nextPageToken }
      } while ('pageToken' in more)
      expect(seen).to.deep.equal(whole['credentialIDs'])
      const own = { userID: service.person.id }
      expect(await v1.get('credentials/list', own)).to.deep.equal(whole)
    })

    for (const [hash, signAlgo] of [
      ['sha256', OID.ecdsa256],
      ['sha384', OID.ecdsa384],
      ['sha512', OID.ecdsa512],
    ] as const) {
      it(`authorises ${hash} by the length of the digests, and signs in their order`, async () => {
        const { id, pin, certificate } = service.credential
        const texts = ['zebra', 'apple', 'zebra']
        const digests = texts.map((text) => digest(text, hash))
        const authorised = await v1.get('credentials/authorize', {
          credentialID: id,
          numSignatures: 3,
          hash: digests,
          PIN: pin,
          description: 'three documents',
          clientData: 'x',
        })
        expect(Object.keys(authorised)).to.deep.equal(['SAD', 'expiresIn'])
        const { SAD } = authorised
        const request = { credentialID: id, SAD, hash: digests, hashAlgo: OID[hash], signAlgo }
        const answer = await v1.get('signatures/signHash', request)
        expect(Object.keys(answer)).to.deep.equal(['signatures'])
        const { publicKey } = new X509Certificate(certificate)
        const signatures = answer['signatures'] as string[]
        texts.forEach((text, at) => {
          const signature = Buffer.from(signatures[at] ?? '', 'base64')
          expect(verify(hash, Buffer.from(text), publicKey, signature)).to.equal(true)
        })
        const again = await v1.call('signatures/signHash', request)
        expect([again.status, again.body]).to.deep.equal([400, refusal('Hash is not authorized by the SAD')])
      })
    }

    it('authorises messages for Ed25519, whose length says nothing', async () => {
      const { id, pin, certificate } = await service.newCredential({ keyType: 'Ed25519' })
      const message = Buffer.from('of any length')
      const hash = [message.toString('base64')]
      const { SAD } = await v1.get('credentials/authorize', {
        credentialID: id,
        numSignatures: 1,
        hash,
        PIN: pin,
      })
      const request = { credentialID: id, SAD, hash, signAlgo: OID.ed25519 }
      const { signatures } = await v1.get('signatures/signHash', request)
      const [signature = ''] = signatures as string[]
      const { publicKey } = new X509Certificate(certificate)
      expect(verify(null, message, publicKey, Buffer.from(signature, 'base64'))).to.equal(true)
    })

    it('authorises at one mount what is signed at the other', async () => {
      const { credential } = service
      const hashes = [digest('moved')]
      const SAD = await v2.authorize(credential, hashes)
      const request = { credentialID: credential.id, SAD, hash: hashes, signAlgo: OID.ecdsa256 }
      expect((await v1.get('signatures/signHash', request))['signatures']).to.have.length(1)
    })

    const NOT_BUILT = ['auth/login', 'auth/revoke', 'oauth2/authorize', 'oauth2/token', 'oauth2/revoke']
    it('answers 501 for the methods of the edition that are not built', async () => {
      for (const method of NOT_BUILT) {
        const { status, body } = await v1.call(method)
        expect(body).to.deep.equal(refusal(`The method ${method} is not implemented`))
        expect(status).to.equal(501)
      }
    })

    it('answers 404 for methods that only version 2 has, and for none at all', async () => {
      for (const method of [
        'signatures/signPolling',
        'signatures/signDoc',
        'credentials/create',
        'nothing',
        'Info',
        '',
      ]) {
        const { status, body } = await v1.call(method)
        expect([status, body]).to.deep.equal([404, refusal('There is no such method')])
      }
    })

    it('answers 405 to other verbs, and names POST', async () => {
      for (const method of METHODS_1) {
        for (const verb of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
          const response = await fetch(`${service.url}/csc/v1/${method}`, { method: verb })
          expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'POST'])
          const body: unknown = await response.json()
          expect(body).to.deep.equal(refusal('Methods of this API are called by POST'))
        }
      }
    })

    it('wants a token for everything but info', async () => {
      for (const method of METHODS_1.slice(1)) {
        const { status, headers, body } = await v1.call(method, {}, { authorization: 'Bearer unknown' })
        expect([status, body]).to.deep.equal([401, refusal('The access token is invalid', 'invalid_token')])
        expect(headers.get('www-authenticate')).to.contain('error="invalid_token"')
        const malformed = await v1.call(method, {}, { authorization: 'Basic YTpi' })
        expect([malformed.status, malformed.body]).to.deep.equal([
          400,
          refusal('Malformed authorization header'),
        ])
      }
    })

    it('answers the same where a router finds the method and where none is needed', async () => {
      for (const method of METHODS_1) {
        const [direct, routed] = [await v1.call(method), await v1.call(`${method}?lang=en`)]
        expect([direct.status, direct.body]).to.deep.equal([routed.status, routed.body])
      }
    })
  })
})
