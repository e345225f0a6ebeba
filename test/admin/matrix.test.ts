import { expect } from 'chai'
import { roles, type Role } from '../../config/operators.ts'
import { newIdentity, publicHalf, type Identity } from '../../src/api/admin/identity.ts'
import { matrix, type EndpointName } from '../../src/api/admin/matrix.ts'
import { startService, type TestService } from '../support/startService.ts'

/** Each endpoint is asked by an operator of each role alone. Ids are of nothing: what is let in finds nothing, or errs. */
describe('the admin face’s role matrix', () => {
  let service: TestService
  const identities = new Map<Role, Identity>()
  before(async () => {
    service = await startService()
    for (const role of roles) {
      const identity = newIdentity({ name: role, roles: [role] })
      const body = { name: role, roles: [role], publicKey: publicHalf(identity) }
      const made = await service.admin(service.operators.officer, 'POST /operators', { body })
      expect(made.status).to.equal(201)
      identities.set(role, identity)
    }
  })
  after(() => service.close())

  const nothing = '00000000-0000-4000-8000-000000000000'
  const params = { id: nothing, certificate: nothing, key: nothing, name: 'nothing' }
  for (const endpoint of Object.keys(matrix) as EndpointName[]) {
    const allowed: readonly Role[] = matrix[endpoint]
    it(`${endpoint}: ${allowed.join(', ')}`, async () => {
      for (const role of roles) {
        const identity = identities.get(role) as Identity
        const { status, body } = await service.admin(identity, endpoint, {
          params,
          ...(endpoint.startsWith('POST') ? { body: { unknown: 'member' } } : {}),
        })
        if (allowed.includes(role)) {
          expect([200, 400, 404], `${role}: ${JSON.stringify(body)}`).to.include(status)
        } else {
          expect({ status, body }).to.deep.equal({
            status: 403,
            body: {
              type: 'about:blank',
              title: 'Forbidden',
              status: 403,
              detail: `This takes one of these roles: ${allowed.join(', ')}.`,
            },
          })
        }
      }
    })
  }
})
