import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

function problem(status: number, title: string, detail: string) {
  return { status, body: { type: 'about:blank', title, status, detail } }
}
const NOBODY = '00000000-0000-4000-8000-000000000000'
const unknown = problem(404, 'Not Found', 'There is no such issuer.')

interface Key {
  readonly verificationMethod: string
  readonly keyId: string
  readonly keyType: string
  readonly state: string
}

describe('issuers of credentials', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const call = async (...args: Parameters<TestService['admin']>) => {
    const { status, body } = await service.admin(...args)
    return { status, body: body as Record<string, unknown> }
  }
  const create = (body: Record<string, unknown>) => call(service.operators.officer, 'POST /issuers', { body })
  const made = async (more: Record<string, unknown> = {}) => {
    const { status, body } = await create({ client: service.client.id, keyType: 'P-256', ...more })
    expect(status, JSON.stringify(body)).to.equal(201)
    return { ...body, id: String(body['id']), keys: body['keys'] as Key[] } as const
  }
  const at = (id: string, verb: 'rotate' | 'disable' | 'enable', body?: Record<string, unknown>) =>
    call(service.operators.officer, `POST /issuers/:id/${verb}`, {
      params: { id },
      ...(body === undefined ? {} : { body }),
    })

  it('are named by their key, unless they are to be named by a document', async () => {
    const issuer = await made({ keyType: 'Ed25519' })
    expect(issuer).to.have.all.keys('id', 'client', 'identifier', 'state', 'createdAt', 'keys')
    expect(issuer).to.deep.include({ client: service.client.id, state: 'enabled' })
    const [key, ...others] = issuer.keys
    const identifier = String((issuer as Record<string, unknown>)['identifier'])
    expect(identifier).to.match(/^did:key:z6Mk/)
    expect(key).to.deep.include({
      verificationMethod: `${identifier}#${identifier.slice('did:key:'.length)}`,
      keyType: 'Ed25519',
      state: 'enabled',
    })
    expect(others).to.deep.equal([])
    const { host } = new URL(service.url)
    const web: Record<string, unknown> = await made({ method: 'web' })
    expect(web['identifier']).to.equal(`did:web:${host.replace(':', '%3A')}:issuers:${String(web['id'])}`)
  })

  it('are made with a line in the audit log that names client and key', async () => {
    const { id, keys } = await made()
    const [act, ...others] = await service.acts('issuer.create', `issuer:${id}`)
    expect(others).to.deep.equal([])
    expect(act?.subjects).to.include.members([`client:${service.client.id}`, `key:${keys[0]?.keyId ?? ''}`])
  })

  it('are shown, and listed by pages, of one client too', async () => {
    const { id: client } = await service.newClient('With issuers')
    const all = [await made({ client }), await made({ client }), await made({ client })]
    const { auditor } = service.operators
    const listed: string[] = []
    let cursor: string | undefined
    do {
      const query = { client, limit: '2', ...(cursor === undefined ? {} : { cursor }) }
      const { status, body } = await call(auditor, 'GET /issuers', { query })
      expect(status).to.equal(200)
      const items = body['items'] as { id: string; client: string }[]
      expect(items.every((item) => item.client === client)).to.equal(true)
      listed.push(...items.map(({ id }) => id))
      cursor = body['next'] as string | undefined
    } while (cursor !== undefined)
    expect(listed).to.deep.equal(all.map(({ id }) => id).sort())
    const { id } = all[0] ?? { id: '' }
    const shown = await call(auditor, 'GET /issuers/:id', { params: { id } })
    expect(shown).to.deep.equal({ status: 200, body: all[0] })
  })

  it('of the web get another key, of another type where that is asked for; the old one stays in sight', async () => {
    const { id, keys } = await made({ method: 'web' })
    const rotated = await at(id, 'rotate', {})
    expect(rotated.status).to.equal(200)
    const [second, first] = rotated.body['keys'] as Key[]
    expect(first).to.deep.equal({ ...keys[0], state: 'rotated' })
    expect(second).to.include({ keyType: 'P-256', state: 'enabled' })
    const other = (await at(id, 'rotate', { keyType: 'Ed25519' })).body['keys'] as Key[]
    expect(other.map(({ keyType, state }) => `${keyType} ${state}`)).to.deep.equal([
      'Ed25519 enabled',
      'P-256 rotated',
      'P-256 rotated',
    ])
    expect(await service.acts('issuer.rotate', `issuer:${id}`)).to.have.length(2)
  })

  it('that are their key do not change it', async () => {
    const { id } = await made()
    expect(await at(id, 'rotate', {})).to.deep.equal(
      problem(409, 'Conflict', 'A did:key is its key: make another issuer.'),
    )
  })

  it('are disabled and enabled, with a line each however often it is asked', async () => {
    const { id } = await made()
    for (const [verb, state] of [
      ['disable', 'disabled'],
      ['enable', 'enabled'],
    ] as const) {
      for (let times = 0; times < 2; times++) {
        const { status, body } = await at(id, verb)
        expect([status, body['state']]).to.deep.equal([200, state])
      }
      expect(await service.acts(`issuer.${verb}`, `issuer:${id}`)).to.have.length(1)
    }
  })

  it('are made for clients that there are, with keys and methods that there are', async () => {
    const good = { client: service.client.id, keyType: 'P-256' }
    expect(await create({ ...good, client: 'nobody' })).to.deep.equal(
      problem(400, 'Bad Request', 'There is no such client.'),
    )
    for (const [member, value] of [
      ['keyType', 'P-999'],
      ['method', 'ion'],
      ['client', ''],
    ] as const) {
      const { status, body } = await create({ ...good, [member]: value })
      expect(status, member).to.equal(400)
      expect(body['detail']).to.match(new RegExp(`^${member}: `))
    }
    const { status, body } = await create({ ...good, identifier: 'did:web:somebody.example' })
    expect([status, body['detail']]).to.deep.equal([400, 'Unrecognized key: "identifier"'])
  })

  it('that there are none of are not found', async () => {
    const { auditor } = service.operators
    expect(await call(auditor, 'GET /issuers/:id', { params: { id: NOBODY } })).to.deep.equal(unknown)
    expect(await call(auditor, 'GET /issuers/:id', { params: { id: 'x' } })).to.deep.equal(unknown)
    expect(await at(NOBODY, 'rotate', {})).to.deep.equal(unknown)
    expect(await at(NOBODY, 'disable')).to.deep.equal(unknown)
    expect(await at(NOBODY, 'enable')).to.deep.equal(unknown)
  })
})
