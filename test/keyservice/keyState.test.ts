import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { badRequest, credential, KeyClient, problem, unknownKey } from './client.ts'

const conflict = (detail: string) => problem(409, 'conflict', detail)
const TAKEN = conflict('The identifier is, or was, that of another key: an id is given once.')

describe('a key of the key service changes', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  before(async () => {
    service = await startService()
    client = await KeyClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const at = (id: string, verb = ''): string => `/keys/${encodeURIComponent(id)}${verb}`
  const used = async (key: { id: string; secrets: string[] }) => {
    const { status, body } = await client.call('/activate', {
      identifier: key.id,
      secrets: key.secrets,
      numSignatures: 1,
    })
    return status === 201 ? status : body
  }
  const notEnabled = (state: string) => problem(409, 'key_not_enabled', `The key is ${state}.`)

  it('to disabled, and back', async () => {
    const key = await client.key()
    for (let n = 0; n < 2; n++) {
      expect((await client.call(at(key.id, '/disable'), {})).body).to.include({ state: 'disabled' })
      expect(await used(key)).to.deep.equal(notEnabled('disabled'))
    }
    expect((await client.call(at(key.id, '/enable'), {})).body).to.include({ state: 'enabled' })
    expect(await used(key)).to.equal(201)
  })

  it('at once, though it had just signed: what was found of it then is not what decides', async () => {
    const key = await client.key()
    const activation = await client.activation(key, 10)
    const sign = async (proof: Record<string, unknown>) => {
      const body = { identifier: key.id, verifiable: credential(key.controller), ...proof }
      const answer = await client.call('/sign/vc/jwt', body)
      return answer.status === 201 ? answer.status : answer.body
    }
    const both = async () => [await sign({ activation }), await sign({ secrets: key.secrets })]
    expect(await both()).to.deep.equal([201, 201])
    await client.call(at(key.id, '/disable'), {})
    expect(await both()).to.deep.equal([notEnabled('disabled'), notEnabled('disabled')])
    await client.call(at(key.id, '/enable'), {})
    expect(await both()).to.deep.equal([201, 201])
    await client.call('/delete', { identifier: key.id, secrets: key.secrets })
    expect(await both()).to.deep.equal([unknownKey, unknownKey])
  })

  it('to rotated: a new one with the same identifier, and the old public half stays', async () => {
    const secrets = [client.newSecret()]
    const old = await client.key({
      identifier: 'did:web:rotated.example',
      signatureType: 'Ed25519',
      keyType: 'Multikey',
    })
    const { status, body } = await client.call(at(old.id, '/rotate'), { secrets })
    expect(status).to.equal(201)
    expect(body).to.include({ type: 'Multikey', controller: 'did:web:rotated.example' })
    expect((await client.call(at(old.id))).body)
      .to.include({ state: 'rotated' })
      .and.to.deep.include(old.method)
    expect(await used({ id: 'did:web:rotated.example', secrets })).to.equal(201)
    expect(await used(old)).to.deep.equal(notEnabled('rotated'))
    for (const verb of ['/enable', '/disable', '/rotate']) {
      const again = await client.call(at(old.id, verb), verb === '/rotate' ? { secrets } : {})
      const says = verb === '/rotate' ? 'The key was rotated or deleted meanwhile.' : 'The key is rotated.'
      expect({ status: again.status, body: again.body }, verb).to.deep.equal({
        status: 409,
        body: conflict(says),
      })
    }
    expect(await service.acts('key.rotate', `key:${await keyIdOf(old.id)}`)).to.have.length(1)
  })

  it('to rotated, of a whole id, with another one of the same controller', async () => {
    const old = await client.key({ identifier: 'did:web:whole.example#1' })
    const rotate = async (identifier?: string) => {
      const { status, body } = await client.call(at(old.id, '/rotate'), { secrets: ['new'], identifier })
      return status === 201 ? body?.['id'] : body
    }
    expect(await rotate()).to.deep.equal(
      badRequest("identifier: is missing: the old one's is a whole id, which is given once"),
    )
    expect(await rotate('did:web:other.example#2')).to.deep.equal(
      badRequest("identifier: the key is did:web:whole.example's"),
    )
    expect(await rotate('did:web:whole.example#1')).to.deep.equal(TAKEN)
    expect(await rotate('did:web:whole.example#2')).to.equal('did:web:whole.example#2')
  })

  it('to nothing: deleted, with the key in the token, and never given again', async () => {
    const identifier = 'did:web:gone.example#1'
    const key = await client.key({ identifier })
    const ckaId = await service.sql<{ cka: Buffer }>(
      'select cka_id as cka from key k join holder_key h on h.key_id = k.id where h.id = $1',
      [identifier],
    )
    const wrong = await client.call('/delete', { identifier, secrets: ['wrong'] })
    expect(wrong.status).to.equal(403)
    const deleted = await client.call('/delete', { identifier, secrets: key.secrets })
    expect([deleted.status, deleted.text]).to.deep.equal([204, ''])
    for (const body of [{ identifier }, { identifier, secrets: key.secrets }]) {
      const again = await client.call('/delete', body)
      expect({ status: again.status, body: again.body }).to.deep.equal({ status: 404, body: unknownKey })
    }
    expect((await client.call(at(identifier))).body).to.deep.equal(unknownKey)
    expect(
      (
        await client.call('/generate', {
          identifier,
          secrets: ['a'],
          signatureType: 'ES256',
          keyType: 'JWK',
        })
      ).body,
    ).to.deep.equal(TAKEN)
    const token = service.ctx.token.all[0]?.token
    expect(await token?.describe(ckaId[0]?.cka ?? Buffer.alloc(16))).to.equal(undefined)
  })

  const keyIdOf = async (id: string): Promise<string> => {
    const [row] = await service.sql<{ keyId: string }>(
      'select key_id as "keyId" from holder_key where id = $1',
      [id],
    )
    return row?.keyId ?? ''
  }
})
