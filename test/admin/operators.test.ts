import { expect } from 'chai'
import { newIdentity, publicHalf } from '../../src/api/admin/identity.ts'
import type { Role } from '../../config/operators.ts'
import { startService, type TestService } from '../support/startService.ts'

function problem(status: number, title: string, detail: string) {
  return { status, body: { type: 'about:blank', title, status, detail } }
}

describe('operators', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const enter = async (name: string, roles: readonly Role[]) => {
    const identity = newIdentity({ name, roles })
    const body = { name, roles, publicKey: publicHalf(identity) }
    const made = await service.admin(service.operators.officer, 'POST /operators', { body })
    return { ...made, identity, id: (made.body as { id?: string }).id ?? '' }
  }
  const call = async (...args: Parameters<TestService['admin']>) => {
    const { status, body } = await service.admin(...args)
    return { status, body }
  }
  const officerId = async (): Promise<string> => {
    const { body } = await service.admin(service.operators.officer, 'GET /operators')
    const { items } = body as { items: { id: string; name: string }[] }
    return items.find((item) => item.name === 'officer')?.id ?? ''
  }

  it('are entered with their public key, and the act is recorded with who did it', async () => {
    const made = await enter('Nina', ['auditor'])
    expect(made.status).to.equal(201)
    const shown = made.body as Record<string, unknown>
    expect(shown['roles']).to.deep.equal(['auditor'])
    expect(shown['publicKey']).to.deep.equal(publicHalf(made.identity))
    const [act] = await service.acts('operator.create', `operator:${made.id}`)
    expect(act?.actor).to.equal(`operator:${await officerId()}`)
    expect(act?.detail).to.deep.equal({ roles: 'auditor', key: shown['thumbprint'] })
  })

  it('cannot share a key', async () => {
    const made = await enter('Siv', ['auditor'])
    const body = { name: 'Siv again', roles: ['administrator'], publicKey: publicHalf(made.identity) }
    expect(await call(service.operators.officer, 'POST /operators', { body })).to.deep.equal(
      problem(409, 'Conflict', 'An operator with this key is entered already.'),
    )
  })

  it('cannot be entered with their private key', async () => {
    const identity = newIdentity({ name: 'Open', roles: ['auditor'] })
    const body = { name: 'Open', roles: ['auditor'], publicKey: identity.privateKey }
    expect(await call(service.operators.officer, 'POST /operators', { body })).to.deep.equal(
      problem(400, 'Bad Request', 'publicKey: Unrecognized key: "d"'),
    )
  })

  const incompatible: readonly (readonly [Role, Role])[] = [
    ['auditor', 'security-officer'],
    ['auditor', 'administrator'],
    ['auditor', 'registration-officer'],
    ['auditor', 'revocation-officer'],
    ['security-officer', 'administrator'],
  ]
  for (const pair of incompatible) {
    it(`cannot be ${pair.join(' and ')}`, async () => {
      const { status, body } = await enter('Both', pair)
      expect({ status, body }).to.deep.equal(
        problem(400, 'Bad Request', `roles: one operator cannot be ${pair.join(' and ')}`),
      )
    })
  }

  it('cannot hold a role twice, none, or one that is not there', async () => {
    const publicKey = publicHalf(newIdentity({ name: 'Odd', roles: ['auditor'] }))
    const odd = (roles: readonly string[]) =>
      call(service.operators.officer, 'POST /operators', { body: { name: 'Odd', roles, publicKey } })
    for (const [roles, detail] of [
      [['auditor', 'auditor'], 'roles: a role stands twice'],
      [[], 'roles: Too small: expected array to have >=1 items'],
    ] as const) {
      expect(await odd(roles)).to.deep.equal(problem(400, 'Bad Request', detail))
    }
    const { body } = await odd(['king'])
    expect((body as { detail: string }).detail).to.match(/^roles\.0: Invalid option/)
  })

  it('get other roles from a security officer', async () => {
    const made = await enter('Tor', ['registration-officer'])
    const changed = await call(service.operators.officer, 'POST /operators/:id/roles', {
      params: { id: made.id },
      body: { roles: ['revocation-officer'] },
    })
    expect((changed.body as { roles: unknown }).roles).to.deep.equal(['revocation-officer'])
    expect(await service.acts('operator.roles', `operator:${made.id}`)).to.have.length(1)
    expect((await service.admin(made.identity, 'GET /persons')).status).to.equal(200)
  })

  it('do not change their own roles', async () => {
    const answer = await call(service.operators.officer, 'POST /operators/:id/roles', {
      params: { id: await officerId() },
      body: { roles: ['security-officer'] },
    })
    expect(answer).to.deep.equal(problem(403, 'Forbidden', 'Operators do not change their own roles.'))
  })

  it('keep their last security officer', async () => {
    const last = problem(409, 'Conflict', 'This is the last security officer: enter another one first.')
    const id = await officerId()
    const params = { id }
    expect(await call(service.operators.officer, 'POST /operators/:id/disable', { params })).to.deep.equal(
      last,
    )
    const second = await enter('Second', ['security-officer'])
    const takeAway = { params, body: { roles: ['registration-officer'] } }
    expect(
      (await call(second.identity, 'POST /operators/:id/disable', { params: { id: second.id } })).status,
    ).to.equal(200)
    const third = await enter('Third', ['security-officer'])
    expect(
      (await call(service.operators.officer, 'POST /operators/:id/disable', { params: { id: third.id } }))
        .status,
    ).to.equal(200)
    expect(await call(third.identity, 'POST /operators/:id/roles', takeAway)).to.have.property('status', 401)
  })

  it('of two security officers who disable each other at once, one stays', async () => {
    const one = await enter('One', ['security-officer'])
    const two = await enter('Two', ['security-officer'])
    const officer = await officerId()
    expect(
      (await call(one.identity, 'POST /operators/:id/disable', { params: { id: officer } })).status,
    ).to.equal(200)
    const answers = await Promise.all([
      call(one.identity, 'POST /operators/:id/disable', { params: { id: two.id } }),
      call(two.identity, 'POST /operators/:id/disable', { params: { id: one.id } }),
    ])
    const left = await service.sql(
      `select id from operator where state = 'enabled' and 'security-officer' = any(roles)`,
    )
    expect(left, JSON.stringify(answers)).to.have.length(1)
    // The others of this file need theirs.
    await service.sql(`update operator set state = 'enabled' where id = '${officer}'`)
  })

  it('are disabled once, however often it is asked for', async () => {
    const made = await enter('Gone', ['auditor'])
    const params = { id: made.id }
    for (let times = 0; times < 2; times++) {
      const answer = await call(service.operators.officer, 'POST /operators/:id/disable', { params })
      expect((answer.body as { state: string }).state).to.equal('disabled')
    }
    expect(await service.acts('operator.disable', `operator:${made.id}`)).to.have.length(1)
  })

  it('that are not there are not found', async () => {
    const missing = problem(404, 'Not Found', 'There is no such operator.')
    for (const id of ['00000000-0000-4000-8000-000000000000', 'nobody']) {
      expect(await call(service.operators.officer, 'GET /operators/:id', { params: { id } })).to.deep.equal(
        missing,
      )
      expect(
        await call(service.operators.officer, 'POST /operators/:id/disable', { params: { id } }),
      ).to.deep.equal(missing)
    }
  })
})
