import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

function problem(status: number, title: string, detail: string) {
  return { status, body: { type: 'about:blank', title, status, detail } }
}

describe('clients', () => {
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
  const create = (body: unknown) => call(service.operators.admin, 'POST /clients', { body })

  it('are entered, and their secret is shown once', async () => {
    const made = await create({ name: 'Narvik' })
    expect(made.status).to.equal(201)
    expect(made.body).to.have.all.keys(
      'id',
      'name',
      'state',
      'authentication',
      'redirectUris',
      'responseUris',
      'requirePushed',
      'creationLimit',
      'createdAt',
      'clientSecret',
    )
    expect(made.body['clientSecret']).to.match(/^[A-Za-z0-9_-]{43}$/)
    service.keepSecret(made.body['clientSecret'] as string)
    const params = { id: made.body['id'] as string }
    const shown = await call(service.operators.auditor, 'GET /clients/:id', { params })
    expect(shown.body).to.have.all.keys(
      ...[
        'id',
        'name',
        'state',
        'authentication',
        'redirectUris',
        'responseUris',
        'requirePushed',
        'creationLimit',
        'createdAt',
      ],
    )
    expect(await service.acts('client.create', `client:${params.id}`)).to.have.length(1)
  })

  it('may have an id of the operator’s choice, once', async () => {
    expect((await create({ name: 'Chosen', id: 'chosen-1' })).body['id']).to.equal('chosen-1')
    expect(await create({ name: 'Chosen', id: 'chosen-1' })).to.deep.equal(
      problem(409, 'Conflict', 'A client with this id is entered already.'),
    )
  })

  it('have addresses for their authorization codes, which are replaced as a whole', async () => {
    const uris = [
      'https://client.example/back?app=1',
      'http://127.0.0.1:8080/back',
      'http://[::1]/back',
      'http://localhost/back',
      'org.example.app:/back',
    ]
    const made = await create({ name: 'Redirected', redirectUris: uris })
    expect(made.body['redirectUris']).to.deep.equal(uris)
    service.keepSecret(made.body['clientSecret'] as string)
    const params = { id: made.body['id'] as string }
    const body = { redirectUris: ['https://client.example/'] }
    const changed = await call(service.operators.admin, 'POST /clients/:id/redirect-uris', { params, body })
    expect(changed.status).to.equal(200)
    expect(changed.body['redirectUris']).to.deep.equal(body.redirectUris)
    const [act] = await service.acts('client.redirect-uris', `client:${params.id}`)
    expect(act?.detail).to.deep.equal(body)
  })

  it('push their authorization requests, unless an administrator lets them do otherwise', async () => {
    const made = await create({ name: 'Pushing' })
    expect(made.body['requirePushed']).to.equal(true)
    const other = await create({ name: 'Not pushing', requirePushed: false })
    expect(other.body['requirePushed']).to.equal(false)
    for (const { body } of [made, other]) service.keepSecret(body['clientSecret'] as string)
    const request = { params: { id: made.body['id'] as string }, body: { requirePushed: false } }
    const changed = await call(service.operators.admin, 'POST /clients/:id/require-pushed', request)
    expect(changed.body['requirePushed']).to.equal(false)
    const [act] = await service.acts('client.require-pushed', `client:${request.params.id}`)
    expect(act?.detail).to.deep.equal(request.body)
  })

  it('have no address that a code should not be sent to', async () => {
    const detail =
      'redirectUris.0: https, http to a loopback address, or the scheme of an app, without a fragment'
    for (const uri of [
      'http://client.example/',
      'https://user:pass@client.example/',
      'https://client.example/#fragment',
      'https://client.example/ x',
      'https://client.example/\r\nX: y',
      'https://client.example/;script-src',
      'javascript:alert(1)',
      'data:text/html,x',
      'app:/back',
      'ftp://client.example/',
      '/back',
      '',
    ]) {
      expect(await create({ name: 'x', redirectUris: [uri] }), uri).to.deep.equal(
        problem(400, 'Bad Request', detail),
      )
    }
  })

  it('are refused with members that are wrong, unknown or missing', async () => {
    for (const [body, detail] of [
      [{ name: '' }, 'name: Too small: expected string to have >=1 characters'],
      [{}, 'name: Invalid input: expected string, received undefined'],
      [{ name: 'x', id: 'no spaces' }, 'id: letters, digits, _ and -, at most 64'],
      [{ name: 'x', admin: true }, 'Unrecognized key: "admin"'],
      [['x'], 'Invalid input: expected object, received array'],
    ] as const) {
      expect(await create(body)).to.deep.equal(problem(400, 'Bad Request', detail))
    }
  })

  it('get a new secret, and the old one is another', async () => {
    const made = await create({ name: 'Rotating' })
    const params = { id: made.body['id'] as string }
    const rotated = await call(service.operators.admin, 'POST /clients/:id/rotate-secret', { params })
    expect(rotated.status).to.equal(200)
    expect(rotated.body['clientSecret']).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(rotated.body['clientSecret']).to.not.equal(made.body['clientSecret'])
    expect(await service.acts('client.rotate-secret', `client:${params.id}`)).to.have.length(1)
  })

  it('are disabled and enabled, each recorded once', async () => {
    const params = { id: (await create({ name: 'On and off' })).body['id'] as string }
    for (const [verb, state] of [
      ['disable', 'disabled'],
      ['disable', 'disabled'],
      ['enable', 'enabled'],
    ] as const) {
      const answer = await call(service.operators.admin, `POST /clients/:id/${verb}`, { params })
      expect(answer.body['state']).to.equal(state)
    }
    expect(await service.acts('client.disable', `client:${params.id}`)).to.have.length(1)
    expect(await service.acts('client.enable', `client:${params.id}`)).to.have.length(1)
  })

  it('that are not there are not found', async () => {
    expect(
      await call(service.operators.admin, 'GET /clients/:id', { params: { id: 'nobody' } }),
    ).to.deep.equal(problem(404, 'Not Found', 'There is no such client.'))
  })

  it('are listed page by page, each once', async () => {
    for (let index = 0; index < 5; index++) await create({ name: `Page ${index}` })
    const all = await call(service.operators.admin, 'GET /clients', { query: { limit: 200 } })
    const expected = (all.body['items'] as { id: string }[]).map((item) => item.id)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await call(service.operators.admin, 'GET /clients', { query: { limit: 2, cursor } })
      seen.push(...(page.body['items'] as { id: string }[]).map((item) => item.id))
      cursor = page.body['next'] as string | undefined
    } while (cursor !== undefined)
    expect(seen).to.deep.equal(expected)
  })

  it('are not listed by a cursor that no list gave out, or by the thousand', async () => {
    const list = (query: Record<string, string>) => call(service.operators.admin, 'GET /clients', { query })
    const invalid = problem(400, 'Bad Request', 'cursor: not one that this list gave out')
    expect(await list({ cursor: '!' })).to.deep.equal(invalid)
    expect(await list({ limit: '1000' })).to.deep.equal(
      problem(400, 'Bad Request', 'limit: Too big: expected number to be <=200'),
    )
    expect(await list({ sort: 'name' })).to.deep.equal(
      problem(400, 'Bad Request', 'Unrecognized key: "sort"'),
    )
  })
})
