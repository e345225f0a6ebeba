import { expect } from 'chai'
import { createPerson } from '../../src/api/admin/persons.ts'
import { startService, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal, type Mount } from './client.ts'
import { METHODS_1, METHODS_2 } from './editions.ts'

/** What is about messages to holders. */
const ABOUT_MESSAGES = ['credentials/authorizeCheck', 'credentials/getChallenge', 'credentials/sendOTP']
const editions: readonly (readonly [Mount, readonly string[]])[] = [
  ['/csc/v1', METHODS_1],
  ['/csc/v2', METHODS_2],
]

describe('a service that sends nothing to holders', () => {
  let service: TestService
  let client: CscClient
  before(async () => {
    service = await startService({ messages: { sender: 'none' } })
    client = await CscClient.of(service)
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  for (const [mount, all] of editions) {
    const absent = all.filter((name) => ABOUT_MESSAGES.includes(name))
    const present = all.filter((name) => !absent.includes(name))

    it(`advertises no method of ${mount} that would need a message, and describes none`, async () => {
      const info = await client.at(mount).get('info', {})
      expect(info['methods']).to.deep.equal(present)
      const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as { paths: object }
      const described = Object.keys(document.paths).filter((path) => path.startsWith(`${mount}/`))
      expect(described).to.have.members(present.map((name) => `${mount}/${name}`))
    })

    it(`answers 501 at ${mount} for those, whoever asks and however, and serves the others`, async () => {
      expect(absent).to.not.deep.equal([])
      for (const name of absent) {
        const body = refusal(`The method ${name} is not implemented`)
        const asked = await client.at(mount).call(name, { credentialID: service.credential.id })
        expect([asked.status, asked.body], name).to.deep.equal([501, body])
        const stranger = await fetch(`${service.url}${mount}/${name}`)
        expect([stranger.status, await stranger.json()], name).to.deep.equal([501, body])
      }
      for (const name of present) {
        // credentials/create is there, and wants a token that a holder approved.
        const expected = name === 'credentials/create' ? [403] : [200, 400]
        expect((await client.at(mount).call(name)).status, name).to.be.oneOf(expected)
      }
    })
  }

  it('asks no holder out of band, and says that it cannot now', async () => {
    // Of a time when there was a sender.
    const { id: credentialID } = await service.newCredential()
    await service.sql(`update credential set mode = 'oob' where id = $1`, [credentialID])
    const answer = await client.call('credentials/authorize', {
      credentialID,
      numSignatures: 1,
      hashes: [digest('a document')],
      hashAlgorithmOID: OID.sha256,
    })
    const body = refusal('Messages are not sent at the moment', 'temporarily_unavailable')
    expect([answer.status, answer.body]).to.deep.equal([503, body])
  })

  it('lets no operator make what would need a message', async () => {
    const { officer } = service.operators
    const { id } = service.credential
    const codes = await service.admin(officer, 'POST /credentials/:id/send-codes', { params: { id } })
    const detail = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', contact: 'tel:+4755512345' }
    const personId = await createPerson(service.ctx, 'service', detail)
    const body = { personId, clientId: service.client.id, mode: 'oob' }
    const credential = await service.admin(officer, 'POST /credentials', { body })
    for (const { status, body: said } of [codes, credential]) {
      expect([status, (said as { detail?: string }).detail]).to.deep.equal([409, 'No sender is configured.'])
    }
  })
})
