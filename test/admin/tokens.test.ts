import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

function problem(status: number, title: string, detail: string) {
  return { status, body: { type: 'about:blank', title, status, detail } }
}

describe('tokens and keys', () => {
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
  const params = { name: 'test' }

  it('tell what the token is and how it is', async () => {
    const { body } = await call(service.operators.auditor, 'GET /tokens/:name', { params })
    expect(body).to.include({ name: 'test', provider: 'softhsm', serial: service.ctx.token.serial })
    expect(body['modulePath']).to.match(/libsofthsm2/)
    expect(body['moduleSha256']).to.match(/^[0-9a-f]{64}$/)
    expect((body['health'] as { up: boolean }).up).to.equal(true)
    expect(body['firmware']).to.match(/^[0-9.]+$/)
    expect(body['pin']).to.deep.equal({ countLow: false, finalTry: false, locked: false })
    const { body: all } = await call(service.operators.auditor, 'GET /tokens')
    expect(all['items']).to.have.length(1)
  })

  it('show every key object with the attributes that the token reports', async () => {
    const { body } = await call(service.operators.admin, 'GET /tokens/:name/keys', { params })
    const items = body['items'] as { class: string; label: string; flags: Record<string, boolean | null> }[]
    expect(items.length).to.be.greaterThan(3)
    for (const { flags, label } of items) {
      expect(flags, label).to.include({ sensitive: true, extractable: false, neverExtractable: true })
    }
  })

  it('make a key of the service, with intent and result on record', async () => {
    const made = await call(service.operators.officer, 'POST /tokens/:name/keys', {
      params,
      body: { purpose: 'oauth', keyType: 'P-256' },
    })
    expect(made.status).to.equal(201)
    expect(made.body).to.include({ purpose: 'oauth', keyType: 'P-256', state: 'enabled' })
    const id = made.body['id'] as string
    const acts = await service.acts('key.generate', `key:${id}`)
    expect(acts.map((one) => one.kind).sort()).to.deep.equal(['intent', 'result'])
    const shown = await call(service.operators.auditor, 'GET /keys/:id', { params: { id } })
    const inToken = shown.body['inToken'] as { flags: Record<string, boolean>; keyType: string }
    expect(inToken.keyType).to.equal('P-256')
    expect(inToken.flags).to.include({
      sensitive: true,
      extractable: false,
      sign: true,
      decrypt: false,
      local: true,
    })
  })

  it('make no key of a person', async () => {
    const { status, body } = await call(service.operators.officer, 'POST /tokens/:name/keys', {
      params,
      body: { purpose: 'signing', keyType: 'P-256' },
    })
    expect(status).to.equal(400)
    expect(body['detail']).to.match(/^purpose: Invalid option/)
  })

  it('are disabled and enabled, each recorded once', async () => {
    const { keyId } = await service.newCredential()
    for (const [verb, state] of [
      ['disable', 'disabled'],
      ['disable', 'disabled'],
      ['enable', 'enabled'],
    ] as const) {
      const answer = await call(service.operators.officer, `POST /keys/:id/${verb}`, {
        params: { id: keyId },
      })
      expect(answer.body['state']).to.equal(state)
    }
    expect(await service.acts('key.disable', `key:${keyId}`)).to.have.length(1)
    expect(await service.acts('key.enable', `key:${keyId}`)).to.have.length(1)
  })

  it('are listed by purpose', async () => {
    const { body } = await call(service.operators.auditor, 'GET /keys', { query: { purpose: 'ca' } })
    const items = body['items'] as { purpose: string }[]
    expect(items.map((item) => item.purpose)).to.deep.equal(['ca', 'ca'])
  })

  it('are probed by trying', async () => {
    const { status, body } = await call(service.operators.admin, 'POST /tokens/:name/probe', { params })
    expect(status).to.equal(200)
    const schemes = body['schemes'] as { keyType: string; scheme: string; works: boolean }[]
    expect(schemes.find((one) => one.keyType === 'P-256' && one.scheme === 'ecdsa-sha256')?.works).to.equal(
      true,
    )
  }).timeout(120_000)

  it('that are not there are not found', async () => {
    const other = { params: { name: 'other' } }
    expect(await call(service.operators.admin, 'GET /tokens/:name', other)).to.deep.equal(
      problem(404, 'Not Found', 'There is no such token.'),
    )
    const none = { params: { id: '00000000-0000-4000-8000-000000000000' } }
    for (const endpoint of ['GET /keys/:id', 'POST /keys/:id/disable'] as const) {
      expect(await call(service.operators.officer, endpoint, none)).to.deep.equal(
        problem(404, 'Not Found', 'There is no such key.'),
      )
    }
  })
})
