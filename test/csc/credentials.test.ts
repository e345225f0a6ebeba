import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, refusal } from './client.ts'

interface Shown {
  credentialID: string
  status: string
  key: { status: string; algo: string[]; len: number; curve?: string }
  cert: Record<string, string> & { certificates?: string[] }
  auth: Record<string, unknown>
}

describe('credentials/info', () => {
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    mine = service.credential
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const info = async (more: Record<string, unknown> = {}): Promise<Shown> =>
    (await client.get('credentials/info', { credentialID: mine.id, ...more })) as unknown as Shown

  it('describes the credential: by default with its certificate and without more', async () => {
    expect(await info()).to.deep.equal({
      credentialID: mine.id,
      description: 'Test credential',
      status: 'valid',
      key: {
        status: 'enabled',
        algo: ['1.2.840.10045.4.3.2', '1.2.840.10045.4.3.3', '1.2.840.10045.4.3.4'],
        len: 256,
        curve: '1.2.840.10045.3.1.7',
      },
      cert: { status: 'valid', certificates: [mine.certificate.toString('base64')] },
      auth: { mode: 'explicit', objects: null },
      SCAL: '2',
      multisign: 1000,
      lang: 'en',
    })
  })

  it('gives a chain from the leaf to the root, each signed by the next', async () => {
    const { cert } = await info({ certificates: 'chain' })
    const chain = (cert.certificates ?? []).map((der) => new X509Certificate(Buffer.from(der, 'base64')))
    expect(chain).to.have.length(3)
    expect(chain[0]?.raw.equals(mine.certificate)).to.equal(true)
    chain.forEach((certificate, index) => {
      const issuer = chain[index + 1] ?? certificate
      expect(certificate.verify(issuer.publicKey)).to.equal(true)
    })
  })

  it('gives no certificate when none is wanted', async () => {
    expect((await info({ certificates: 'none' })).cert).to.deep.equal({ status: 'valid' })
  })

  it("writes the certificate's data as the standard does, names as Java reads them", async () => {
    const { cert } = await info({ certInfo: true, certificates: 'none' })
    const certificate = new X509Certificate(mine.certificate)
    const time = (text: string): string =>
      new Date(text).toISOString().replace('.000Z', 'Z').replaceAll(/[-:T]/g, '')
    expect(cert).to.deep.equal({
      status: 'valid',
      issuerDN: 'CN=Intaglio Test Issuing CA,O=Intaglio Test,C=NO',
      serialNumber: certificate.serialNumber,
      subjectDN: `CN=Tess Tester,SERIALNUMBER=${service.person.id},GIVENNAME=Tess,SURNAME=Tester,C=NO`,
      validFrom: time(certificate.validFrom),
      validTo: time(certificate.validTo),
    })
    expect(cert['validFrom']).to.match(/^\d{14}Z$/)
  })

  it('tells how its holder authorises', async () => {
    expect((await info({ authInfo: true })).auth).to.deep.equal({
      mode: 'explicit',
      expression: 'PIN',
      objects: [
        {
          type: 'Password',
          id: 'PIN',
          format: 'A',
          label: 'PIN',
          description: 'The PIN that the holder of the credential has set',
        },
      ],
    })
  })

  it('takes the requests that clients in the field send, nulls and junk included', async () => {
    const requests = [
      // eudi-lib-jvm-rqes-csc-kt
      { certificates: 'chain', certInfo: true, authInfo: true, lang: null, clientData: null },
      // eudi-lib-ios-rqes-csc-swift
      { certificates: 'chain', certInfo: true, auth_info: true, lang: 'en-US', client_data: 'x' },
      // pyHanko
      { certificates: 'chain', certInfo: false },
    ]
    for (const request of requests) await info(request)
  })

  it('shows a disabled key, a revoked and an expired certificate as what they are', async () => {
    const other = await service.newCredential()
    const states = [
      [`update credential set state = 'disabled' where id = $1`, 'disabled', 'valid'],
      [`update credential set state = 'enabled' where id = $1`, 'enabled', 'valid'],
      [
        `update certificate set not_after = now() where id = (select certificate_id from credential where id = $1)`,
        'enabled',
        'expired',
      ],
      [
        `update certificate set state = 'revoked' where id = (select certificate_id from credential where id = $1)`,
        'enabled',
        'revoked',
      ],
    ] as const
    for (const [sql, key, cert] of states) {
      await service.sql(sql, [other.id])
      const shown = (await client.get('credentials/info', { credentialID: other.id })) as unknown as Shown
      expect([shown.key.status, shown.cert['status']], sql).to.deep.equal([key, cert])
      expect(shown.status).to.equal(key === 'enabled' && cert === 'valid' ? 'valid' : 'invalid')
    }
  })

  it('tells a foreign, an unknown and a pending credential the same', async () => {
    const stranger = await service.newClient()
    const foreign = await service.newCredential({ clientId: stranger.id })
    const pending = await service.admin(service.operators.officer, 'POST /credentials', {
      body: { personId: service.person.id, clientId: service.client.id },
    })
    const pendingId = (pending.body as { id: string }).id
    const link = (pending.body as { enrolment: { link: string } }).enrolment.link
    service.keepSecret(link.slice(link.indexOf('#') + 1))
    for (const id of [foreign.id, 'f'.repeat(32), pendingId]) {
      const { status, body } = await client.call('credentials/info', { credentialID: id })
      expect(status).to.equal(400)
      expect(body).to.deep.equal(refusal('Invalid parameter credentialID'))
    }
  })
})

describe('credentials/list', () => {
  let service: TestService
  let client: CscClient

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const ids = async (body: Record<string, unknown> = {}): Promise<string[]> =>
    (await client.get('credentials/list', body))['credentialIDs'] as string[]

  it("lists a client's own credentials, and no one else's", async () => {
    const other = await service.newCredential()
    const stranger = await service.newClient()
    const foreign = await service.newCredential({ clientId: stranger.id })
    const listed = await ids()
    expect(listed).to.have.members([service.credential.id, other.id])
    const theirs = await CscClient.of(service, stranger)
    expect(await theirs.get('credentials/list', {})).to.deep.equal({ credentialIDs: [foreign.id] })
  })

  it('narrows to a person, and to nobody where the person is unknown', async () => {
    const all = await ids()
    expect(await ids({ userID: service.person.id })).to.deep.equal(all)
    expect(await ids({ userID: 'ffffffff-ffff-4fff-8fff-ffffffffffff' })).to.deep.equal([])
    expect(await ids({ userID: null })).to.deep.equal(all)
  })

  it('leaves out what cannot sign when only valid ones are wanted, and says that it did', async () => {
    const other = await service.newCredential()
    await service.sql(`update credential set state = 'disabled' where id = $1`, [other.id])
    const body = await client.get('credentials/list', { onlyValid: true })
    expect(body['credentialIDs']).to.not.include(other.id)
    expect(body['onlyValid']).to.equal(true)
    expect(await client.get('credentials/list', { onlyValid: false })).to.not.have.property('onlyValid')
    expect(await ids()).to.include(other.id)
  })

  it('describes each as credentials/info does', async () => {
    const how = { certificates: 'chain', certInfo: true, authInfo: true }
    const body = await client.get('credentials/list', { credentialInfo: true, ...how })
    const infos = body['credentialInfos'] as { credentialID: string }[]
    expect(infos.map((one) => one.credentialID)).to.deep.equal(body['credentialIDs'])
    for (const one of infos) {
      expect(one).to.deep.equal(
        await client.get('credentials/info', { credentialID: one.credentialID, ...how }),
      )
    }
  })

  it('gives every credential exactly once, page by page', async () => {
    for (let made = (await ids()).length; made < 5; made++) await service.newCredential()
    const all = await ids()
    const seen: string[] = []
    let pageToken: unknown
    do {
      const body = await client.get('credentials/list', { maxResults: 2, pageToken })
      const page = body['credentialIDs'] as string[]
      expect(page.length).to.be.within(1, 2)
      seen.push(...page)
      pageToken = body['nextPageToken']
    } while (pageToken !== undefined)
    expect(seen).to.deep.equal(all)
  })

  it('takes the requests that clients in the field send', async () => {
    await ids({
      credentialInfo: true,
      certificates: 'chain',
      certInfo: true,
      authInfo: true,
      onlyValid: true,
      lang: null,
      clientData: null,
    })
    await ids({ user_id: null, auth_info: true, only_valid: true, client_data: 'x', certInfo: true })
  })
})
