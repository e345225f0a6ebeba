import { expect } from 'chai'
import { codesStrings } from '../../src/api/enrol/codesStrings.ts'
import { UNKNOWN_ID } from '../csc/rows.ts'
import type { TestService } from '../support/startService.ts'
import type { Asking } from './asking.ts'
import { Authenticator, post } from './authenticator.ts'

const { errors, ...text } = codesStrings.en

/** How a holder sets up one-time codes of an app. */
export function settingUp(running: () => Asking): void {
  let asking: Asking
  let service: TestService
  before(() => {
    asking = running()
    service = asking.service
  })

  it('on a page that shows the seed once, and count from the first code on', async () => {
    const credential = await service.newCredential()
    const page = await fetch(`${service.url}/enrol/codes?credential=${credential.id}`)
    expect(page.status).to.equal(200)
    expect(await page.text())
      .to.contain(text.intro)
      .and.to.contain(`value="${credential.id}"`)
    const form = { credential: ` ${credential.id} `, pin: credential.pin }
    const shown = await post(service, '/enrol/codes', form)
    expect(shown.status).to.equal(200)
    expect(shown.headers.get('cache-control')).to.equal('no-store')
    expect(shown.headers.get('content-security-policy')).to.contain("default-src 'none'")
    expect(shown.text)
      .to.contain(text.scan)
      .and.to.match(/<svg class="qr" role="img"/)
    expect(shown.text).to.not.match(/ style=| on[a-z]+=|<script/)
    const own = Authenticator.read(service, credential, shown)
    // Nothing is confirmed yet.
    expect((await asking.authorize(credential.id, { PIN: credential.pin })).status).to.equal(200)
    const slip = await own.confirm(own.wrong())
    expect(slip.status).to.equal(400)
    expect(slip.text).to.contain(errors.code).and.to.not.contain('<svg').and.to.not.contain('id="key"')
    const code = own.code()
    const done = await own.confirm(`${code.slice(0, 3)} ${code.slice(3)}`)
    expect(done.status).to.equal(200)
    expect(done.text).to.contain(text.doneTitle).and.to.contain(credential.id)
    expect((await own.confirm(own.code())).status).to.equal(404)
    const used = await asking.authorize(credential.id, { PIN: credential.pin, OTP: code })
    expect([used.status, used.body['error']]).to.deep.equal([400, 'invalid_authentication_data'])
    const next = await asking.authorize(credential.id, { PIN: credential.pin, OTP: await own.fresh() })
    expect(next.status).to.equal(200)
    const [act] = await service.acts('second-factor.set', `credential:${credential.id}`)
    expect(act?.actor).to.equal(`person:${service.person.id}`)
    expect(act?.detail).to.deep.equal({ kind: 'totp', version: 1 })
  })

  it('in the language of the browser', async () => {
    const page = await fetch(`${service.url}/enrol/codes`, {
      headers: { 'accept-language': 'el-GR,en;q=0.5' },
    })
    expect(await page.text())
      .to.contain('<html lang="el">')
      .and.to.contain(codesStrings.el.title)
  })

  it('with five tries at the first code', async () => {
    const own = await Authenticator.begin(service, await service.newCredential())
    for (let tries = 0; tries < 5; tries++) expect((await own.confirm(own.wrong())).status).to.equal(400)
    const sixth = await own.confirm(own.code())
    expect(sixth.status).to.equal(404)
    expect(sixth.text).to.contain(errors.over)
    expect((await asking.authorize(own.credential.id, { PIN: own.credential.pin })).status).to.equal(200)
  })

  it('within ten minutes', async () => {
    const own = await Authenticator.begin(service, await service.newCredential())
    await service.sql('update totp set expires_at = now() where credential_id = $1', [own.credential.id])
    expect((await own.confirm(own.code())).status).to.equal(404)
  })

  it('once, of ten who confirm at the same time', async () => {
    const own = await Authenticator.begin(service, await service.newCredential())
    const code = own.code()
    const answers = await Promise.all(Array.from({ length: 10 }, () => own.confirm(code)))
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
    const acts = await service.acts('second-factor.set', `credential:${own.credential.id}`)
    expect(acts).to.have.length(1)
  })

  it('again on another phone, with a code of the present one', async () => {
    const credential = await service.newCredential()
    const old = await Authenticator.setUp(service, credential)
    const form = { credential: credential.id, pin: credential.pin }
    const without = await post(service, '/enrol/codes', form)
    expect(without.status).to.equal(400)
    expect(without.text).to.contain(errors.login)
    const other = await Authenticator.setUp(service, credential, { otp: await old.fresh() })
    expect(other.seed.equals(old.seed)).to.equal(false)
    const id = credential.id
    expect((await asking.authorize(id, { PIN: credential.pin, OTP: await other.fresh() })).status).to.equal(
      200,
    )
    expect((await asking.authorize(id, { PIN: credential.pin, OTP: await old.fresh() })).status).to.equal(400)
  })

  it('not by whoever does not know number and PIN, and who guesses has five attempts', async () => {
    const credential = await service.newCredential()
    const attempts: [Record<string, string>, string][] = [
      [{ credential: credential.id, pin: 'not the PIN' }, errors.login],
      [{ credential: UNKNOWN_ID, pin: credential.pin }, errors.login],
      [{ credential: `' or 1=1`, pin: credential.pin }, errors.login],
      [{ credential: credential.id, pin: credential.pin, otp: '12345' }, errors.login],
      [{ credential: credential.id }, errors.missing],
      [{ pin: credential.pin }, errors.missing],
      [{ credential: credential.id, pin: 'x'.repeat(5000) }, errors.missing],
    ]
    for (const [form, sentence] of attempts) {
      const answer = await post(service, '/enrol/codes', form)
      expect(answer.status).to.equal(400)
      expect(answer.text).to.contain(sentence)
    }
    expect(await asking.failures(credential.id, 'page of codes')).to.equal(1)
    for (let times = 0; times < 4; times++) {
      await post(service, '/enrol/codes', { credential: credential.id, pin: 'not the PIN' })
    }
    const locked = await post(service, '/enrol/codes', { credential: credential.id, pin: credential.pin })
    expect(locked.status).to.equal(400)
    expect(locked.text).to.contain(errors.locked)
    // The page is; who signs by a client is not.
    expect((await asking.authorize(credential.id, { PIN: credential.pin })).status).to.equal(200)
    await service.sql(`update credential set state = 'disabled' where id = $1`, [credential.id])
    const disabled = await post(service, '/enrol/codes', { credential: credential.id, pin: credential.pin })
    expect(disabled.text).to.contain(errors.unusable)
  })
}
