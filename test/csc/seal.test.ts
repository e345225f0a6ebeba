import { verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal } from './client.ts'

/** An organisation's machine: it has a client's secret and a PIN, and nobody sits in front of it. */
describe('a seal', () => {
  let service: TestService
  let machine: CscClient
  let seal: TestCredential

  before(async () => {
    service = await startService()
    const registry = await service.newClient('The registry')
    machine = await CscClient.of(service, registry)
    seal = await service.newCredential({ clientId: registry.id, scal: 1, multisign: 40 })
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const open = async (numSignatures: number): Promise<string> => {
    const authData = [{ id: 'PIN', value: seal.pin }]
    const asked = { credentialID: seal.id, numSignatures, authData }
    return String((await machine.get('credentials/authorize', asked))['SAD'])
  }
  const request = (SAD: string, documents: readonly string[]) => ({
    credentialID: seal.id,
    SAD,
    hashes: documents.map((text) => digest(text)),
    signAlgo: OID.ecdsa256,
  })
  const documents = (count: number): string[] => Array.from({ length: count }, (_, n) => `extract ${n}`)
  const verified = (document: string, signature: string): boolean => {
    const key = new X509Certificate(seal.certificate).publicKey
    return verify('sha256', Buffer.from(document), key, Buffer.from(signature, 'base64'))
  }

  it('says that it is one for many signatures, whose hashes need not be known', async () => {
    const info = await machine.get('credentials/info', { credentialID: seal.id, authInfo: true })
    expect([info['SCAL'], info['multisign']]).to.deep.equal(['1', 40])
    expect((info['auth'] as { objects: object[] }).objects).to.have.length(1)
  })

  it('signs by one PIN as many documents as it was opened for, each its own, in batches', async () => {
    const all = documents(40)
    const SAD = await open(all.length)
    for (let start = 0; start < all.length; start += 16) {
      const batch = all.slice(start, start + 16)
      const { signatures } = await machine.get('signatures/signHash', request(SAD, batch))
      batch.forEach((document, index) => {
        expect(verified(document, (signatures as string[])[index] ?? ''), document).to.equal(true)
      })
    }
    const more = await machine.call('signatures/signHash', request(SAD, ['one more']))
    expect({ status: more.status, body: more.body }).to.deep.equal({
      status: 400,
      body: refusal('Hash is not authorized by the SAD'),
    })
  })

  it('signs exactly so many, however many ask at once', async () => {
    const SAD = await open(5)
    const answers = await Promise.all(
      documents(20).map((one) => machine.call('signatures/signHash', request(SAD, [one]))),
    )
    expect(answers.filter(({ status }) => status === 200)).to.have.length(5)
    for (const { status, body } of answers.filter((one) => one.status !== 200)) {
      expect({ status, body }).to.deep.equal({
        status: 400,
        body: refusal('Hash is not authorized by the SAD'),
      })
    }
  })

  it('goes on with what is left, and not with more, where it is extended', async () => {
    const SAD = await open(4)
    await machine.get('signatures/signHash', request(SAD, documents(3)))
    const asked = { credentialID: seal.id, SAD }
    const extended = String((await machine.get('credentials/extendTransaction', asked))['SAD'])
    const two = await machine.call('signatures/signHash', request(extended, documents(2)))
    expect(two.body).to.deep.equal(refusal('Hash is not authorized by the SAD'))
    await machine.get('signatures/signHash', request(extended, documents(1)))
  })

  it('is not opened for more than its credential is for, and by its own client alone', async () => {
    const authData = [{ id: 'PIN', value: seal.pin }]
    const asked = { credentialID: seal.id, numSignatures: 41, authData }
    const many = await machine.call('credentials/authorize', asked)
    expect(many.body).to.deep.equal(refusal('Numbers of signatures is too high'))
    const stranger = await CscClient.of(service)
    const theirs = await stranger.call('credentials/authorize', { ...asked, numSignatures: 1 })
    expect(theirs.body).to.deep.equal(refusal('Invalid parameter credentialID'))
  })

  it('ends at once when its client revokes it', async () => {
    const SAD = await open(2)
    await machine.get('credentials/revoke', { credentialID: seal.id, reason: 'keyCompromise' })
    const answer = await machine.call('signatures/signHash', request(SAD, ['too late']))
    expect(answer.body).to.deep.equal(refusal('Signing certificate is revoked'))
  })
})
