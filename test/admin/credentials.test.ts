import { expect } from 'chai'
import { enrol } from '../../src/pki/enrol.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { Refusal } from '../../src/refusal.ts'
import { startService, type TestService } from '../support/startService.ts'

function problem(status: number, title: string, detail: string) {
  return { status, body: { type: 'about:blank', title, status, detail } }
}

describe('credentials', () => {
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
  const create = (more: Record<string, unknown> = {}) =>
    call(service.operators.officer, 'POST /credentials', {
      body: { personId: service.person.id, clientId: service.client.id, ...more },
    })
  const codeOf = (body: Record<string, unknown>): string => {
    const { link } = body['enrolment'] as { link: string }
    const { hash, origin, pathname, search } = new URL(link)
    expect(`${origin}${pathname}${search}`).to.equal(`${service.url}/enrol`)
    const code = hash.slice(1)
    service.keepSecret(code)
    return code
  }
  const act = (verb: 'disable' | 'enable' | 'unlock' | 'link', id: string) =>
    call(service.operators.officer, `POST /credentials/:id/${verb}`, { params: { id } })
  const show = async (id: string) =>
    (await call(service.operators.officer, 'GET /credentials/:id', { params: { id } })).body
  const refusal = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
    )

  it('are opened without a key, and with a link that carries 256 bits in its fragment', async () => {
    const made = await create()
    expect(made.status).to.equal(201)
    expect(made.body).to.have.all.keys('id', 'enrolment')
    expect(codeOf(made.body)).to.match(/^[A-Za-z0-9_-]{43}$/)
    const { expiresAt } = made.body['enrolment'] as { expiresAt: string }
    const hours = (Date.parse(expiresAt) - Date.now()) / 3_600_000
    expect(hours).to.be.closeTo(72, 0.1)
    const id = made.body['id'] as string
    expect(await show(id)).to.deep.include({
      id,
      state: 'pending',
      keyType: 'P-256',
      scal: 2,
      mode: 'explicit',
      locked: false,
    })
    const [recorded] = await service.acts('credential.create', `credential:${id}`)
    expect(recorded?.subjects).to.deep.equal([
      `credential:${id}`,
      `person:${service.person.id}`,
      `client:${service.client.id}`,
    ])
  })

  it('are refused with members that are wrong, unknown or missing', async () => {
    for (const [more, detail] of [
      [{ personId: 'nobody' }, 'personId: not the id of a person'],
      [{ personId: '00000000-0000-4000-8000-000000000000' }, 'personId: there is no such person'],
      [{ clientId: 'nobody' }, 'clientId: there is no such client'],
      [{ scal: 3 }, 'scal: Invalid input'],
      [{ multisign: 0 }, 'multisign: Too small: expected number to be >=1'],
      [{ multisign: 1001 }, 'multisign: Too big: expected number to be <=1000'],
      [{ pin: '123456' }, 'Unrecognized key: "pin"'],
    ] as const) {
      expect(await create(more)).to.deep.equal(problem(400, 'Bad Request', detail))
    }
    const { body } = await create({ keyType: 'DSA' })
    expect(body['detail']).to.match(/^keyType: Invalid option/)
  })

  it('get a new link while they are pending, and the old one stops working', async () => {
    const made = await create()
    const id = made.body['id'] as string
    const old = codeOf(made.body)
    const renewed = await act('link', id)
    expect(renewed.status).to.equal(201)
    const code = codeOf(renewed.body)
    expect(await refusal(enrol(service.ctx, { code: old, pin: '73912846' }))).to.equal('not_found')
    await enrol(service.ctx, { code, pin: '73912846' })
    expect(await act('link', id)).to.deep.equal(
      problem(409, 'Conflict', 'Only a pending credential is enrolled.'),
    )
    expect(await refusal(enrol(service.ctx, { code, pin: '73912846' }))).to.equal('not_found')
  })

  it('are disabled and enabled, each recorded once', async () => {
    const { id } = await service.newCredential()
    for (const [verb, state] of [
      ['disable', 'disabled'],
      ['disable', 'disabled'],
      ['enable', 'enabled'],
      ['enable', 'enabled'],
    ] as const) {
      expect((await act(verb, id)).body['state']).to.equal(state)
    }
    expect(await service.acts('credential.disable', `credential:${id}`)).to.have.length(1)
    expect(await service.acts('credential.enable', `credential:${id}`)).to.have.length(1)
    const shown = await show(id)
    expect(shown['certificate']).to.deep.include({ state: 'issued' })
    expect(shown['keyState']).to.equal('enabled')
  })

  it('end when they are disabled before they were enrolled', async () => {
    const made = await create()
    const id = made.body['id'] as string
    expect((await act('disable', id)).body['state']).to.equal('ended')
    expect(await refusal(enrol(service.ctx, { code: codeOf(made.body), pin: '73912846' }))).to.equal(
      'not_found',
    )
    expect(await act('enable', id)).to.deep.equal(problem(409, 'Conflict', 'The credential is ended.'))
    expect(await act('unlock', id)).to.deep.equal(problem(409, 'Conflict', 'The credential is ended.'))
  })

  it('are unlocked after too many wrong PINs', async () => {
    const { id, pin } = await service.newCredential()
    const authorise = (secret: string) =>
      authoriseCredential(service.ctx, {
        clientId: service.client.id,
        credentialId: id,
        secrets: [secret],
        count: 1,
        hash: 'SHA-256',
        digests: [Buffer.alloc(32, 1)],
      })
    for (let times = 0; times < 5; times++) {
      expect(await refusal(authorise('999999'))).to.equal('activation_failed')
    }
    expect(await refusal(authorise(pin))).to.equal('credential_locked')
    expect((await show(id))['locked']).to.equal(true)
    expect((await act('unlock', id)).body['locked']).to.equal(false)
    expect((await show(id))['locked']).to.equal(false)
    const { sad } = await authorise(pin)
    service.keepSecret(sad)
    expect(await service.acts('credential.unlock', `credential:${id}`)).to.have.length(1)
  })

  it('are listed by client and by person, page by page', async () => {
    await create()
    await create()
    const list = (query: Record<string, string | number | undefined>) =>
      call(service.operators.auditor, 'GET /credentials', { query })
    const all = (await list({ limit: 200 })).body['items'] as { id: string }[]
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const { body } = await list({ limit: 1, cursor, clientId: service.client.id })
      seen.push(...(body['items'] as { id: string }[]).map((item) => item.id))
      cursor = body['next'] as string | undefined
    } while (cursor !== undefined)
    expect(seen).to.deep.equal(all.map((item) => item.id))
    expect((await list({ clientId: 'nobody' })).body).to.deep.equal({ items: [] })
    expect((await list({ personId: service.person.id })).body['items']).to.have.length(all.length)
  })

  it('that are not there are not found', async () => {
    for (const verb of ['disable', 'enable', 'unlock', 'link'] as const) {
      expect(await act(verb, 'nothing')).to.deep.equal(
        problem(404, 'Not Found', 'There is no such credential.'),
      )
    }
  })
})
