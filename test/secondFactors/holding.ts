import { expect } from 'chai'
import { codesStrings } from '../../src/api/enrol/codesStrings.ts'
import type { TestService } from '../support/startService.ts'
import type { Asking } from './asking.ts'
import { Authenticator } from './authenticator.ts'

const { errors } = codesStrings.en

/** Who may take one-time codes away, and who may not. */
export function holding(running: () => Asking): void {
  let asking: Asking
  let service: TestService
  before(() => {
    asking = running()
    service = asking.service
  })

  describe('are reset by an operator', () => {
    const reset = (id: string, identity = service.operators.officer) =>
      service.admin(identity, 'POST /credentials/:id/reset-second-factor', { params: { id } })

    it('and the PIN alone suffices until the holder sets them up anew, with another seed', async () => {
      const credential = await service.newCredential()
      const { id, pin } = credential
      const lost = await Authenticator.setUp(service, credential)
      const shown = await service.admin(service.operators.officer, 'GET /credentials/:id', { params: { id } })
      expect(shown.body).to.include({ secondFactor: 'totp' })
      const answer = await reset(id)
      expect(answer.status).to.equal(200)
      expect(answer.body).to.include({ id }).and.to.not.have.property('secondFactor')
      expect((await asking.authorize(id, { PIN: pin })).status).to.equal(200)
      const again = await Authenticator.setUp(service, credential)
      expect(again.seed.equals(lost.seed)).to.equal(false)
      expect((await asking.authorize(id, { PIN: pin, OTP: await lost.fresh() })).status).to.equal(400)
      expect((await asking.authorize(id, { PIN: pin, OTP: await again.fresh() })).status).to.equal(200)
      const [act] = await service.acts('second-factor.reset', `credential:${id}`)
      expect(act?.actor).to.match(/^operator:/)
    })

    it('which says nothing where there is none, and no where there is no key', async () => {
      const { id } = await service.newCredential()
      expect((await reset(id)).status).to.equal(200)
      expect(await service.acts('second-factor.reset', `credential:${id}`)).to.deep.equal([])
      await service.sql(`update credential set state = 'ended' where id = $1`, [id])
      expect((await reset(id)).status).to.equal(409)
      expect((await reset('nothing')).status).to.equal(404)
    })
  })

  describe('are sealed with the credential', () => {
    const alter = (sql: string, id: string) => service.sql(`update credential set ${sql} where id = $1`, [id])

    it('so that whoever only writes the database does not take them away', async () => {
      const credential = await service.newCredential()
      const { id, pin } = credential
      await Authenticator.setUp(service, credential)
      for (const sql of ['second_factor = null', `second_factor = 'totp:2'`, `second_factor = 'other'`]) {
        const from = service.log().length
        await alter(sql, id)
        const given = sql.endsWith('null') ? { PIN: pin } : { PIN: pin, OTP: '123456' }
        const answer = await asking.authorize(id, given)
        expect([answer.status, answer.body], sql).to.deep.equal([500, { error: 'server_error' }])
        expect(service.log().slice(from), sql).to.contain('"alarm":"seal_broken"')
      }
    })

    it('and what was altered otherwise gets no seal by setting them up, nor by a reset', async () => {
      const own = await Authenticator.begin(service, await service.newCredential())
      const { id } = own.credential
      await alter('multisign = multisign + 1', id)
      const from = service.log().length
      const answer = await own.confirm(own.code())
      expect(answer.status).to.equal(500)
      expect(answer.text).to.contain(errors.internal)
      expect(service.log().slice(from)).to.contain('"alarm":"seal_broken"')
      await alter('multisign = multisign - 1', id)
      expect((await own.confirm(own.code())).status).to.equal(200)
      await alter('multisign = multisign + 1', id)
      const params = { id }
      const reset = await service.admin(
        service.operators.officer,
        'POST /credentials/:id/reset-second-factor',
        { params },
      )
      expect(reset.status).to.equal(500)
      const [row] = await service.sql<{ second: string }>(
        'select second_factor as second from credential where id = $1',
        [id],
      )
      expect(row?.second).to.equal('totp:1')
    })
  })
}
