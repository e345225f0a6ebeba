import { expect } from 'chai'
import { typeAliases, type DetailType } from '../../src/api/oauth/scopes.ts'
import { refusal } from '../csc/client.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT } from './codeClient.ts'

interface Side {
  readonly service: TestService
  readonly client: CodeClient
  readonly credential: TestCredential
}

async function sideOf(strict: boolean): Promise<Side> {
  const service = await startService({ csc: { strict } })
  const client = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
  const { id } = client.client
  const call = { params: { id }, body: { creationLimit: 10 } }
  await service.admin(service.operators.admin, 'POST /clients/:id/creation-limit', call)
  return { service, client, credential: await service.newCredential({ clientId: id, mode: 'oauth2code' }) }
}

describe('types of authorization_details that clients in the field write otherwise', () => {
  let tolerant: Side
  let strict: Side
  before(async () => {
    tolerant = await sideOf(false)
    strict = await sideOf(true)
  })
  afterEach(async () => {
    await tolerant.service.checkState()
    await strict.service.checkState()
  })
  after(async () => {
    await tolerant.service.close()
    await strict.service.close()
  })

  const own = (type: DetailType, { credential }: Side) =>
    type.endsWith('creation') ? { credentialCreationRequest: {} } : { credentialID: credential.id }
  const asking = (side: Side, alias: string, type: DetailType) =>
    side.client.login({ authorization_details: JSON.stringify([{ type: alias, ...own(type, side) }]) })

  for (const [alias, type] of typeAliases) {
    it(`reads ${alias}, and answers the standard’s word`, async () => {
      const { client, credential, service } = tolerant
      const form = asking(tolerant, alias, type)
      const pushed = await client.push(form)
      expect(pushed.status).to.equal(201)
      const brought = { client_id: client.client.id, request_uri: String(pushed.body['request_uri']) }
      // Some clients repeat beside the name of a pushed request what they pushed.
      const { authorization_details: again = '' } = form
      expect((await client.authorize({ ...brought, authorization_details: again })).status).to.equal(302)
      const pin = `new-pin-for-${alias}`
      service.keepSecret(pin)
      const typed = { credential: credential.id, pin: credential.pin, newPin: pin, again: pin }
      const { body } = await client.redeem(await client.code(form, typed))
      expect(body['authorization_details']).to.deep.equal([{ type, ...own(type, tolerant) }])
    })

    it(`refuses ${alias} where the service is strict`, async () => {
      expect(await strict.client.push(asking(strict, alias, type))).to.deep.include({
        status: 400,
        body: refusal('Invalid parameter type', 'invalid_authorization_details'),
      })
      const good = await strict.client.push(asking(strict, type, type))
      expect(good.status).to.equal(201)
    })
  }
})
