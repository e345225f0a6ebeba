import { verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, type Mount } from './client.ts'
import { checkJavaName, documenso, ios, kotlin, pyHanko, type ClientChecks } from './strictClients.ts'

type Json = Record<string, unknown>

/** A client in the field: what it asks, member for member, and what it requires of the answer. */
interface FieldClient {
  readonly name: string
  readonly mount: Mount
  readonly checks: ClientChecks
  readonly info: Json
  readonly list: Json
  readonly credential: Json
  authorize(hashes: readonly string[], pin: string): Json
  sign(hashes: readonly string[], signAlgo: string): Json
}

const DESCRIBED = { certificates: 'chain', certInfo: true, authInfo: true }
const url = (hash: string): string => Buffer.from(hash, 'base64').toString('base64url')

const wallet = (hashes: readonly string[], pin: string): Json => ({
  numSignatures: hashes.length,
  hashes,
  hashAlgorithmOID: OID.sha256,
  authData: [{ id: 'PIN', value: pin }],
})
const pyHankoAt = (mount: Mount): FieldClient => ({
  name: 'pyHanko',
  mount,
  checks: pyHanko,
  info: {},
  list: {},
  credential: { certificates: 'chain', certInfo: false },
  authorize: (hash, PIN) => ({ hash, numSignatures: hash.length, PIN }),
  sign: (hash, signAlgo) => ({ hashAlgo: OID.sha256, signAlgo, hash }),
})

const clients: readonly FieldClient[] = [
  {
    name: 'the Kotlin library of the EUDI wallet',
    mount: '/csc/v2',
    checks: kotlin,
    info: { lang: null },
    list: { credentialInfo: true, ...DESCRIBED, onlyValid: true, lang: null, clientData: null },
    credential: { ...DESCRIBED, lang: null, clientData: null },
    authorize: wallet,
    sign: (hashes, signAlgo) => ({
      hashes,
      hashAlgorithmOID: OID.sha256,
      signAlgo,
      signAlgoParams: null,
      operationMode: 'S',
      validity_period: null,
      response_uri: null,
      clientData: null,
    }),
  },
  {
    name: 'the iOS library of the EUDI wallet',
    mount: '/csc/v2',
    checks: ios,
    info: { lang: 'en-US' },
    list: { ...DESCRIBED, auth_info: true, only_valid: true, client_data: 'x' },
    credential: { ...DESCRIBED, auth_info: true, lang: 'en-US', client_data: 'x' },
    authorize: wallet,
    sign: (hashes, signAlgo) => ({
      hashes,
      hashAlgorithmOID: OID.sha256,
      signAlgo,
      sign_algo_params: '',
      operationMode: 'S',
    }),
  },
  {
    name: 'Documenso',
    mount: '/csc/v1',
    checks: documenso,
    info: {},
    list: {},
    credential: DESCRIBED,
    authorize: (hashes, PIN) => ({ hash: hashes.map(url), numSignatures: hashes.length, PIN }),
    sign: (hash, signAlgo) => ({ hash, hashAlgo: OID.sha256, signAlgo }),
  },
  pyHankoAt('/csc/v1'),
  pyHankoAt('/csc/v2'),
]

describe('what clients in the field require', () => {
  let service: TestService
  let v2: CscClient

  before(async () => {
    service = await startService()
    v2 = await CscClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const signed = (credential: TestCredential, text: string, signature: string): boolean => {
    const { publicKey } = new X509Certificate(credential.certificate)
    return verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))
  }

  for (const field of clients) {
    const { name, mount, checks } = field
    it(`${name} gets what it needs at ${mount}, from info to signatures that verify`, async () => {
      const client = v2.at(mount)
      const { credential } = service
      const credentialID = credential.id
      checks.info(await client.get('info', field.info))
      checks.list(await client.get('credentials/list', field.list))
      const described = await client.get('credentials/info', { credentialID, ...field.credential })
      checks.credential(described)
      const { algo } = described['key'] as { algo: string[] }
      expect(algo).to.include(OID.ecdsa256)

      const texts = ['one', 'two', 'one']
      const hashes = texts.map((text) => digest(text))
      const authorize = { credentialID, ...field.authorize(hashes, credential.pin) }
      const { SAD, expiresIn } = await client.get('credentials/authorize', authorize)
      expect(SAD).to.be.a('string')
      expect(expiresIn).to.satisfy(Number.isInteger)
      const sign = { credentialID, SAD, ...field.sign(hashes, OID.ecdsa256) }
      const answer = await client.get('signatures/signHash', sign)
      checks.signatures(answer, 3)
      const signatures = answer['signatures'] as string[]
      texts.forEach((text, at) => expect(signed(credential, text, signatures[at] ?? '')).to.equal(true))
    })
  }

  it('is checked for real: none of these is taken', async () => {
    const info = await v2.get('info', {})
    const one = await v2.get('credentials/info', { credentialID: service.credential.id, ...DESCRIBED })
    const flat = await v2
      .at('/csc/v1')
      .get('credentials/info', { credentialID: one['credentialID'], ...DESCRIBED })
    const key = one['key'] as Json
    const cert = one['cert'] as Json
    const wrong: [ClientChecks, 'info' | 'credential', Json][] = [
      [kotlin, 'info', { ...info, specs: '2.0.0.0' }],
      [kotlin, 'info', { ...info, oauth2Issuer: info['oauth2'] }],
      [kotlin, 'info', { ...info, authType: ['external'] }],
      [kotlin, 'info', { ...info, supportedHashTypes: undefined }],
      [kotlin, 'credential', { ...one, auth: { mode: 'explicit' } }],
      [kotlin, 'credential', { ...one, cert: { ...cert, issuerDN: null } }],
      [kotlin, 'credential', { ...one, multisign: '1' }],
      [ios, 'info', { ...info, signAlgorithms: { algos: [] } }],
      [ios, 'credential', { ...one, cert: { ...cert, serialNumber: undefined } }],
      [documenso, 'credential', { ...flat, cert: { ...cert, status: null } }],
      [documenso, 'credential', one],
      [pyHanko, 'credential', { ...one, key: { ...key, algo: ['ECDSA'] } }],
      [pyHanko, 'credential', { ...one, cert: {} }],
    ]
    for (const [checks, what, answer] of wrong) {
      expect(() => checks[what](answer), `${what} ${JSON.stringify(answer)}`).to.throw()
    }
    for (const name of ['SN=Lovelace', 'E=a@b', 'organizationIdentifier=x', '2.5.4.97=x', 'CN=a,b', 'CN=']) {
      expect(() => checkJavaName(name), name).to.throw()
    }
    for (const name of [String.raw`CN=Love\, Ada+SERIALNUMBER=1,C=GB`, '2.5.4.97=#0c0178,O=Ågot & Søn']) {
      checkJavaName(name)
    }
  })
})
