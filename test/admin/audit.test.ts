import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

describe('the audit log', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const list = async (query: Record<string, string | number | undefined>) => {
    const { status, body } = await service.admin(service.operators.auditor, 'GET /audit', { query })
    expect(status, JSON.stringify(body)).to.equal(200)
    return body as { items: { id: string; act: string; at: string; subjects: string[] }[]; next?: string }
  }

  it('is read newest first, page by page, each act once', async () => {
    await service.newCredential()
    const all = await list({ limit: 200 })
    const times = all.items.map((item) => item.at)
    expect([...times].sort().reverse()).to.deep.equal(times)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await list({ limit: 3, cursor })
      seen.push(...page.items.map((item) => item.id))
      cursor = page.next
    } while (cursor !== undefined)
    expect(seen).to.deep.equal(all.items.map((item) => item.id))
  })

  it('has nothing after a place that no page named', async () => {
    const id = (await list({ limit: 1 })).items[0]?.id ?? ''
    for (const place of [`${'9'.repeat(20)}-${id}`, `1-${'-'.repeat(36)}`, `1-${id}x`, 'x']) {
      const cursor = Buffer.from(place).toString('base64url')
      expect((await list({ limit: 3, cursor })).items, place).to.deep.equal([])
    }
  })

  it('is read by act and by subject', async () => {
    const { id } = await service.newCredential()
    const { items } = await list({ subject: `credential:${id}` })
    expect(items.map((item) => item.act)).to.deep.equal(['credential.enrol', 'credential.create'])
    const created = await list({ act: 'credential.create' })
    expect(new Set(created.items.map((item) => item.act))).to.deep.equal(new Set(['credential.create']))
  })

  it('holds an act exactly when the act was done', async () => {
    const before = (await list({ act: 'client.create', limit: 200 })).items.length
    await service.admin(service.operators.admin, 'POST /clients', { body: { name: 'One', id: 'audited' } })
    await service.admin(service.operators.admin, 'POST /clients', { body: { name: 'One', id: 'audited' } })
    expect((await list({ act: 'client.create', limit: 200 })).items).to.have.length(before + 1)
  })

  it('cannot be changed, by the service’s own role or through the owner’s trigger', async () => {
    for (const statement of ['delete from audit', `update audit set actor = 'nobody'`]) {
      const failed = await service.ctx.db.query({ text: statement }).then(
        () => undefined,
        (error: unknown) => (error as { code?: string }).code,
      )
      expect(failed).to.equal('42501')
    }
  })
})
