import { expect } from 'chai'
import { strings } from '../../src/api/oauth/strings.ts'
import { Database } from '../../src/db/database.ts'
import { spendStep } from '../../src/db/totp.ts'
import { OID, refusal, type CscClient } from '../csc/client.ts'
import { UNKNOWN_ID } from '../csc/rows.ts'
import { CodeClient, REDIRECT, back } from '../oauth/codeClient.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { Asking, HASH, type Given } from './asking.ts'
import { Authenticator } from './authenticator.ts'
import { holding } from './holding.ts'
import { settingUp } from './settingUp.ts'

const MISSING = 'Missing (or invalid type)'

describe('one-time codes of an app', () => {
  let service: TestService
  let asking: Asking
  let client: CscClient
  let mine: TestCredential
  let app: Authenticator
  before(async () => {
    service = await startService()
    asking = await Asking.of(service)
    client = asking.client
    mine = await service.newCredential({ multisign: 10 })
    app = await Authenticator.setUp(service, mine)
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  describe('are set up by the holder', () => settingUp(() => asking))
  describe('hold', () => holding(() => asking))

  for (const mount of ['/csc/v1', '/csc/v2'] as const) {
    describe(`at ${mount}`, () => {
      const isFirst = mount === '/csc/v1'
      const invalid = isFirst ? 'Invalid parameter OTP' : 'Invalid parameter authData'
      const wrongOtp = isFirst
        ? refusal('The OTP is invalid', 'invalid_otp')
        : refusal('The authentication data is invalid', 'invalid_authentication_data')
      const wrongPin = isFirst
        ? refusal('The PIN is invalid', 'invalid_pin')
        : refusal('The authentication data is invalid', 'invalid_authentication_data')
      beforeEach(() => asking.unlock(mine.id))

      it('authorise together with the PIN', async () => {
        const answer = await asking.authorize(mine.id, { PIN: mine.pin, OTP: await app.fresh() }, mount)
        expect(answer.status).to.equal(200)
        const sign = {
          credentialID: mine.id,
          SAD: answer.body['SAD'],
          [isFirst ? 'hash' : 'hashes']: [HASH],
          signAlgo: OID.ecdsa256,
        }
        expect((await client.at(mount).call('signatures/signHash', sign)).status).to.equal(200)
      })

      it('count once each, and none before the last one', async () => {
        const otp = await app.fresh()
        expect((await asking.authorize(mine.id, { PIN: mine.pin, OTP: otp }, mount)).status).to.equal(200)
        for (const late of [otp, app.code(-1), app.code(-2), app.code(3)]) {
          const answer = await asking.authorize(mine.id, { PIN: mine.pin, OTP: late }, mount)
          expect([answer.status, answer.body]).to.deep.equal([400, wrongOtp])
        }
        expect(await asking.failures(mine.id)).to.equal(4)
      })

      it('are told wrong whatever the PIN is, and the PIN is told wrong to who has a good one', async () => {
        for (const PIN of [mine.pin, 'not the PIN']) {
          const answer = await asking.authorize(mine.id, { PIN, OTP: app.wrong() }, mount)
          expect([answer.status, answer.body]).to.deep.equal([400, wrongOtp])
        }
        const otp = await app.fresh()
        const answer = await asking.authorize(mine.id, { PIN: 'not the PIN', OTP: otp }, mount)
        expect([answer.status, answer.body]).to.deep.equal([400, wrongPin])
        // It was not used up by that.
        expect((await asking.authorize(mine.id, { PIN: mine.pin, OTP: otp }, mount)).status).to.equal(200)
        expect(await asking.failures(mine.id)).to.equal(0)
      })

      it('are refused where they are missing, malformed or not wanted, and that is no attempt', async () => {
        const { id, pin } = service.credential
        const cases: readonly [string, Given, string, { id: string }?][] = [
          ['no OTP', { PIN: mine.pin }, isFirst ? `${MISSING} string parameter OTP` : invalid],
          ['no PIN', { OTP: '123456' }, isFirst ? `${MISSING} string parameter PIN` : invalid],
          ['five digits', { PIN: mine.pin, OTP: '12345' }, invalid],
          ['letters', { PIN: mine.pin, OTP: 'abcdef' }, invalid],
          ['a number', { PIN: mine.pin, OTP: 123456 }, invalid],
          ['an endless one', { PIN: mine.pin, OTP: '1'.repeat(300) }, invalid],
          ['one that no one asked for', { PIN: pin, OTP: '123456' }, invalid, { id }],
        ]
        for (const [name, given, description, more] of cases) {
          const answer = await asking.authorize(more?.id ?? mine.id, given, mount)
          expect([answer.status, answer.body], name).to.deep.equal([400, refusal(description)])
        }
        expect(await asking.failures(mine.id)).to.equal(0)
      })

      it('lock the credential together with wrong PINs, after five', async () => {
        const otp = await app.fresh()
        for (let times = 0; times < 3; times++)
          await asking.authorize(mine.id, { PIN: mine.pin, OTP: app.wrong() }, mount)
        for (let times = 0; times < 2; times++)
          await asking.authorize(mine.id, { PIN: 'not the PIN', OTP: otp }, mount)
        const answer = await asking.authorize(mine.id, { PIN: mine.pin, OTP: otp }, mount)
        expect([answer.status, answer.body]).to.deep.equal([400, refusal('Credential locked')])
      })

      it('are described by credentials/info', async () => {
        const how = { credentialID: mine.id, certificates: 'none', authInfo: true }
        const info = await client.at(mount).get('credentials/info', how)
        const otp = {
          format: 'N',
          label: 'One-time code',
          description: 'The code that the authenticator app of the holder shows',
        }
        if (isFirst) {
          expect(info['authMode']).to.equal('explicit')
          expect(info['OTP']).to.deep.equal({ presence: 'true', ...otp, type: 'offline', ID: 'OTP' })
          return
        }
        const auth = info['auth'] as { objects: object[] }
        expect(auth).to.include({ mode: 'explicit', expression: 'PIN AND OTP' })
        expect(auth.objects).to.have.length(2)
        expect(auth.objects[1]).to.deep.equal({ type: 'Password', id: 'OTP', ...otp, generator: 'totp' })
      })
    })
  }

  it('are given once each, PINs too, in authData', async () => {
    for (const ids of [
      ['PIN', 'PIN'],
      ['OTP', 'PIN', 'OTP'],
    ]) {
      const authData = ids.map((id) => ({ id, value: '123456' }))
      const body = {
        ...{ credentialID: mine.id, numSignatures: 1, hashes: [HASH], hashAlgorithmOID: OID.sha256 },
        authData,
      }
      const answer = await client.call('credentials/authorize', body)
      expect([answer.status, answer.body]).to.deep.equal([400, refusal('Invalid parameter authData')])
    }
  })

  it('of an unknown and of a foreign credential are refused alike', async () => {
    const stranger = await service.newClient()
    const foreign = await service.newCredential({ clientId: stranger.id })
    for (const id of [foreign.id, UNKNOWN_ID]) {
      for (const mount of ['/csc/v1', '/csc/v2'] as const) {
        const answer = await asking.authorize(id, { PIN: 'not the PIN', OTP: '123456' }, mount)
        expect([answer.status, answer.body]).to.deep.equal([400, refusal('Invalid parameter credentialID')])
      }
    }
  })

  describe('raced for', () => {
    beforeEach(() => asking.unlock(mine.id))

    it('authorise once of twelve who come with one code', async () => {
      const otp = await app.fresh()
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => asking.authorize(mine.id, { PIN: mine.pin, OTP: otp })),
      )
      expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
    })

    it('are spent once of forty, on two replicas', async () => {
      await service.sql('update totp set last_step = 0 where credential_id = $1', [mine.id])
      const url = service.database.url
      const other = new Database({ url, connections: 5, onError: () => undefined })
      const step = { credentialId: mine.id, version: 1, step: 7 }
      const tries = Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? service.ctx.db : other).transaction((tx) => spendStep(tx, step)),
      )
      expect((await Promise.all(tries)).filter((won) => won)).to.have.length(1)
      await other.close()
    })

    it('are guessed five times at most of twelve', async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => asking.authorize(mine.id, { PIN: mine.pin, OTP: app.wrong() })),
      )
      const said = answers.map(({ body }) => body['error_description'])
      expect(said.filter((one) => one === 'The authentication data is invalid')).to.have.length(5)
      expect(said.filter((one) => one === 'Credential locked')).to.have.length(7)
    })
  })

  describe('are asked for on the page', () => {
    let wallet: CodeClient
    let credential: TestCredential
    let phone: Authenticator
    before(async () => {
      wallet = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
      credential = await service.newCredential({ clientId: wallet.client.id, mode: 'oauth2code' })
      phone = await Authenticator.setUp(service, credential)
    })

    it('of an approval, and nothing is approved without', async () => {
      const page = await wallet.open(wallet.request(credential))
      expect(page.html).to.contain(strings.en.otpHint)
      const cases: readonly [Record<string, string>, string][] = [
        [{ pin: credential.pin }, strings.en.errors.missing],
        [{ pin: credential.pin, otp: '12345' }, strings.en.errors.otp],
        [{ pin: credential.pin, otp: phone.wrong() }, strings.en.errors.otp],
        [{ pin: 'not the PIN', otp: await phone.fresh() }, strings.en.errors.pin],
      ]
      for (const [form, sentence] of cases) {
        const answer = await wallet.answer(page, form)
        expect(answer.status).to.equal(400)
        expect(await answer.text()).to.contain(sentence)
      }
      expect(await asking.failures(credential.id, wallet.client.id)).to.equal(2)
      const code = back(await wallet.answer(page, { pin: credential.pin, otp: await phone.fresh() })).get(
        'code',
      )
      service.keepSecret(code ?? '')
      expect((await wallet.redeem(code ?? '')).status).to.equal(200)
    })

    it('of a login, where the PIN alone is as wrong as a wrong PIN', async () => {
      const page = await wallet.open(wallet.login())
      expect(page.html).to.contain(strings.en.otpHintLogin)
      const form = { credential: credential.id, pin: credential.pin }
      for (const more of [{}, { otp: phone.wrong() }, { otp: 'abc' }]) {
        const answer = await wallet.answer(page, { ...form, ...more })
        expect(answer.status).to.equal(400)
        expect(await answer.text()).to.contain('The number or the PIN is wrong.')
      }
      const code = back(await wallet.answer(page, { ...form, otp: await phone.fresh() })).get('code')
      service.keepSecret(code ?? '')
      expect((await wallet.redeem(code ?? '')).status).to.equal(200)
    })

    it('and nowhere where the credential has none', async () => {
      const plain = await service.newCredential({ clientId: wallet.client.id, mode: 'oauth2code' })
      expect((await wallet.open(wallet.request(plain))).html).to.not.contain('name="otp"')
    })
  })
})
