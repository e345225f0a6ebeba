import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

function problem(status: number, title: string, detail: string) {
  return { status, body: { type: 'about:blank', title, status, detail } }
}

describe('persons', () => {
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
  const kari = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', serialNumber: 'PNONO-12345678901' }
  const create = (body: unknown) => call(service.operators.officer, 'POST /persons', { body })

  it('are registered, and the audit log names no more than their id', async () => {
    const made = await create(kari)
    expect(made.status).to.equal(201)
    expect(made.body).to.include(kari)
    const id = made.body['id'] as string
    const [act] = await service.acts('person.create', `person:${id}`)
    expect(act?.subjects).to.deep.equal([`person:${id}`])
    const rows = await service.sql(
      `select 1 from audit where position('Nordmann' in convert_from(body, 'utf8')) > 0`,
    )
    expect(rows).to.deep.equal([])
  })

  it('are refused with members that are wrong, unknown or missing', async () => {
    for (const [body, detail] of [
      [{ ...kari, country: 'Norway' }, 'country: two capital letters (ISO 3166-1)'],
      [{ ...kari, givenName: ' ' }, 'givenName: Too small: expected string to have >=1 characters'],
      [{ ...kari, surname: 'x'.repeat(65) }, 'surname: Too big: expected string to have <=64 characters'],
      [{ ...kari, serialNumber: '123' }, 'serialNumber: an identifier such as PNONO-12345678901'],
      [{ ...kari, pin: '123456' }, 'Unrecognized key: "pin"'],
    ] as const) {
      expect(await create(body)).to.deep.equal(problem(400, 'Bad Request', detail))
    }
  })

  it('are listed page by page, each once', async () => {
    for (let index = 0; index < 3; index++) await create({ ...kari, givenName: `Kari ${index}` })
    const all = await call(service.operators.officer, 'GET /persons', { query: { limit: 200 } })
    const expected = (all.body['items'] as { id: string }[]).map((item) => item.id)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await call(service.operators.officer, 'GET /persons', { query: { limit: 1, cursor } })
      seen.push(...(page.body['items'] as { id: string }[]).map((item) => item.id))
      cursor = page.body['next'] as string | undefined
    } while (cursor !== undefined)
    expect(seen).to.deep.equal(expected)
    const wrong = Buffer.from('not a uuid').toString('base64url')
    expect(await call(service.operators.officer, 'GET /persons', { query: { cursor: wrong } })).to.deep.equal(
      problem(400, 'Bad Request', 'cursor: not one that this list gave out'),
    )
  })

  it('are erased, and nothing personal stays but in what was signed', async () => {
    const { body } = await create({ ...kari, surname: 'Forgettable' })
    const params = { id: body['id'] as string }
    const erased = await call(service.operators.officer, 'POST /persons/:id/erase', { params })
    expect(erased.body).to.deep.equal({
      id: params.id,
      state: 'disabled',
      createdAt: body['createdAt'],
      erased: true,
    })
    expect(await service.acts('person.erase', `person:${params.id}`)).to.have.length(1)
    const rows = await service.sql(`select 1 from person_detail where surname = 'Forgettable'`)
    expect(rows).to.deep.equal([])
  })

  it('are not erased while a credential of theirs could sign', async () => {
    const { body } = await create(kari)
    const personId = body['id'] as string
    const credential = await call(service.operators.officer, 'POST /credentials', {
      body: { personId, clientId: service.client.id },
    })
    service.keepSecret(new URL((credential.body['enrolment'] as { link: string }).link).hash.slice(1))
    const params = { id: personId }
    expect(await call(service.operators.officer, 'POST /persons/:id/erase', { params })).to.deep.equal(
      problem(409, 'Conflict', 'The person has credentials that are enabled or pending: disable them first.'),
    )
    await call(service.operators.officer, 'POST /credentials/:id/disable', {
      params: { id: credential.body['id'] as string },
    })
    expect((await call(service.operators.officer, 'POST /persons/:id/erase', { params })).status).to.equal(
      200,
    )
    const again = { body: { personId, clientId: service.client.id } }
    expect(await call(service.operators.officer, 'POST /credentials', again)).to.deep.equal(
      problem(409, 'Conflict', 'The person is disabled or erased.'),
    )
  })

  it('that are not there are not found', async () => {
    const params = { id: '00000000-0000-4000-8000-000000000000' }
    for (const endpoint of ['GET /persons/:id', 'POST /persons/:id/erase'] as const) {
      expect(await call(service.operators.officer, endpoint, { params })).to.deep.equal(
        problem(404, 'Not Found', 'There is no such person.'),
      )
    }
  })
})
