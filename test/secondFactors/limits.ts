import { expect } from 'chai'
import { SEND_LIMITS } from '../../src/signing/secondFactor.ts'
import { CscClient, refusal, type CscAnswer } from '../csc/client.ts'
import type { TestService } from '../support/startService.ts'
import type { Sending } from './sending.ts'

/** How many codes are sent, and where to. */
export function limits(running: () => Sending): void {
  let sending: Sending
  let service: TestService
  before(() => {
    sending = running()
    service = sending.service
  })

  describe('flood nobody', () => {
    const throttled = ({ status, body, headers }: CscAnswer): number => {
      expect([status, body]).to.deep.equal([
        429,
        refusal('Too many codes were sent', 'temporarily_unavailable'),
      ])
      return Number(headers.get('retry-after'))
    }

    it('one in half a minute for a credential, of twenty who ask at once', async () => {
      const credential = await sending.credential()
      const before = sending.phone.messages.length
      const answers = await Promise.all(Array.from({ length: 20 }, () => sending.send(credential)))
      expect(answers.filter(({ status }) => status === 204)).to.have.length(1)
      expect(sending.phone.messages.length).to.equal(before + 1)
      const late = answers.filter(({ status }) => status !== 204)
      for (const answer of late) expect(throttled(answer)).to.be.within(1, SEND_LIMITS.apart)
    })

    it('three that were not used', async () => {
      const credential = await sending.credential()
      for (let sent = 0; sent < SEND_LIMITS.outstanding; sent++) {
        expect((await sending.send(credential)).status).to.equal(204)
        await sending.earlier(credential, 60)
      }
      expect(throttled(await sending.send(credential))).to.be.within(1, SEND_LIMITS.seconds)
      await sending.authorize(credential, sending.phone.code())
      expect((await sending.send(credential)).status).to.equal(204)
    })

    it('so many in an hour to one person, whatever credentials they have', async () => {
      const credential = await sending.credential()
      const personId = await sending.personOf(credential)
      const second = await service.newCredential({ personId })
      await sending.officer('POST /credentials/:id/send-codes', second.id)
      await service.sql(
        `insert into sent_code (id, credential_id, client_id, person_id, expires_at, used_at, created_at)
         select gen_random_uuid(), $1, $2, $3::uuid, now(), now(), now() - interval '30 minutes'
           from generate_series(1, $4::int)`,
        [second.id, service.client.id, personId, SEND_LIMITS.perPerson],
      )
      expect(throttled(await sending.send(credential))).to.be.within(1700, 1800)
    })

    it('so many in a minute for one client, whosever they are', async () => {
      const stranger = await service.newClient('Busy')
      const busy = await CscClient.of(service, stranger)
      const credential = await sending.credential({ clientId: stranger.id })
      await service.sql(
        `insert into sent_code (id, credential_id, client_id, person_id, expires_at, used_at, created_at)
         select gen_random_uuid(), $1, $2, $3::uuid, now(), now(), now() - interval '20 seconds'
           from generate_series(1, $4::int)`,
        [service.credential.id, stranger.id, service.person.id, SEND_LIMITS.perClient],
      )
      const answer = await busy.call('credentials/sendOTP', { credentialID: credential.id })
      expect(throttled(answer)).to.be.within(30, 40)
    })
  })

  describe('go to the contact that was sealed with the credential', () => {
    it('and nowhere else, whoever writes the database', async () => {
      const credential = await sending.credential()
      const before = sending.phone.messages.length
      const person = '(select person_id from credential where id = $1)'
      await service.sql(`update person_detail set contact = 'tel:+10000000' where person_id = ${person}`, [
        credential.id,
      ])
      const from = service.log().length
      const answer = await sending.send(credential)
      expect([answer.status, answer.body]).to.deep.equal([500, { error: 'server_error' }])
      expect(service.log().slice(from)).to.contain('"alarm":"seal_broken"')
      expect(sending.phone.messages.length).to.equal(before)
    })

    it('which an operator changes', async () => {
      const credential = await sending.credential()
      const id = await sending.personOf(credential)
      const contact = 'mailto:kari@example.org'
      const answer = await sending.officer('POST /persons/:id/contact', id, { contact })
      expect([answer.status, (answer.body as { contact?: string }).contact]).to.deep.equal([200, contact])
      expect((await sending.send(credential)).status).to.equal(204)
      expect(sending.phone.messages.at(-1)?.to).to.equal(contact)
      expect((await sending.authorize(credential, sending.phone.code())).status).to.equal(200)
      const [act] = await service.acts('person.contact', `credential:${credential.id}`)
      expect(act?.actor).to.match(/^operator:/)
      for (const bad of ['kari@example.org', 'tel:5', 'https://example.org', 'mailto:a@b,c@d', '']) {
        expect(
          (await sending.officer('POST /persons/:id/contact', id, { contact: bad })).status,
          bad,
        ).to.equal(400)
      }
    })

    it('which there must be', async () => {
      const { id } = await service.newCredential()
      const answer = await sending.officer('POST /credentials/:id/send-codes', id)
      expect(answer.status).to.equal(409)
      expect(answer.body).to.include({ detail: 'The person has no contact.' })
    })
  })
}
