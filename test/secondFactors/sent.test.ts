import { expect } from 'chai'
import { strings } from '../../src/api/oauth/strings.ts'
import { refusal, type CscAnswer, type Mount } from '../csc/client.ts'
import { UNKNOWN_ID, type Row } from '../csc/rows.ts'
import { CodeClient, REDIRECT, back } from '../oauth/codeClient.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { limits } from './limits.ts'
import { CONTACT, Sending } from './sending.ts'

const MISSING = 'Missing (or invalid type)'
const MOUNTS: readonly Mount[] = ['/csc/v1', '/csc/v2']

describe('one-time codes that are sent', () => {
  let service: TestService
  let sending: Sending
  before(async () => {
    service = await startService()
    sending = await Sending.of(service)
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const said = ({ status, body }: CscAnswer): [number, unknown] => [status, body['error_description']]

  for (const mount of MOUNTS) {
    it(`reach the holder by ${mount}/credentials/sendOTP, and authorise with the PIN, once`, async () => {
      const credential = await sending.credential()
      const answer = await sending.send(credential, mount)
      expect([answer.status, answer.body, answer.headers.get('content-type')]).to.deep.equal([204, {}, null])
      const message = sending.phone.messages.at(-1)
      expect(message?.to).to.equal(CONTACT)
      expect(message?.text).to.match(/^[0-9]{6} is your code to sign with\. Test client asked for it\./)
      const code = sending.phone.code()
      expect((await sending.authorize(credential, code)).status).to.equal(200)
      expect(said(await sending.authorize(credential, code))).to.deep.equal([
        400,
        'The authentication data is invalid',
      ])
      const [act] = await service.acts('code.send', `credential:${credential.id}`)
      expect(act?.actor).to.equal(`client:${service.client.id}`)
    })
  }

  it('reach the holder by credentials/getChallenge, in the language that is asked for', async () => {
    const credential = await sending.credential()
    const request = { credentialID: credential.id, authObjectID: 'OTP', lang: 'el-GR' }
    const answer = await sending.client.call('credentials/getChallenge', request)
    expect([answer.status, answer.body]).to.deep.equal([204, {}])
    expect(sending.phone.messages.at(-1)?.text).to.contain('είναι ο κωδικός σας')
    expect((await sending.authorize(credential, sending.phone.code())).status).to.equal(200)
  })

  it('are files that nobody else reads, and stand in no table', async () => {
    const credential = await sending.credential()
    await sending.send(credential)
    const [directory, ...files] = sending.phone.modes
    expect(directory).to.equal(0o700)
    expect(new Set(files)).to.deep.equal(new Set([0o600]))
    const rows = await service.sql<{ row: string }>('select s::text as row from sent_code s')
    for (const { row } of rows)
      expect(row).to.not.match(new RegExp(`(^|[,"(])${sending.phone.code()}([,")]|$)`))
  })

  it('are told of by credentials/info', async () => {
    const credential = await sending.credential()
    const how = { credentialID: credential.id, certificates: 'none', authInfo: true }
    const otp = { format: 'N', label: 'One-time code', description: 'The code that was sent to the holder' }
    const two = (await sending.client.get('credentials/info', how))['auth'] as { objects: object[] }
    expect(two).to.include({ mode: 'explicit', expression: 'PIN AND OTP' })
    expect(two.objects[1]).to.deep.equal({ type: 'ChallengeResponseOOB', id: 'OTP', ...otp })
    const one = await sending.client.at('/csc/v1').get('credentials/info', how)
    expect(one['OTP']).to.deep.equal({ presence: 'true', ...otp, type: 'online', ID: 'OTP' })
  })

  describe('are refused', () => {
    const rows: readonly Row[] = [
      ['no credentialID', { credentialID: undefined }, `${MISSING} string parameter credentialID`],
      ['a credentialID that is a number', { credentialID: 7 }, `${MISSING} string parameter credentialID`],
      ['an unknown credentialID', { credentialID: UNKNOWN_ID }, 'Invalid parameter credentialID'],
      ['a credentialID with SQL in it', { credentialID: `' or '1'='1` }, 'Invalid parameter credentialID'],
      ['clientData of another type', { clientData: {} }, 'Invalid parameter clientData'],
      ['an unknown member', { pin: '1' }, 'Unknown parameter pin'],
    ]
    const challengeRows: readonly Row[] = [
      ...rows,
      ['no authObjectID', { authObjectID: undefined }, `${MISSING} string parameter authObjectID`],
      ['an authObjectID that is a number', { authObjectID: 5 }, `${MISSING} string parameter authObjectID`],
      ['the authObjectID of the PIN', { authObjectID: 'PIN' }, 'Invalid parameter authObjectID'],
      ['an unknown authObjectID', { authObjectID: 'x' }, 'Invalid parameter authObjectID'],
    ]
    let credential: TestCredential
    before(async () => {
      credential = await sending.credential()
    })
    const cases = [
      ['/csc/v1', 'credentials/sendOTP', rows],
      ['/csc/v2', 'credentials/sendOTP', rows],
      ['/csc/v2', 'credentials/getChallenge', challengeRows],
    ] as const
    for (const [mount, method, changes] of cases) {
      it(`by ${mount}/${method}, where the request is bad`, async () => {
        const object = method === 'credentials/getChallenge' ? { authObjectID: 'OTP' } : {}
        const good = { credentialID: credential.id, ...object }
        for (const [name, change, description] of changes) {
          const answer = await sending.client.at(mount).call(method, { ...good, ...change })
          expect([answer.status, answer.body], name).to.deep.equal([400, refusal(description)])
        }
      })
    }

    it('where they are not what the credential asks for, or its holder asks on the page', async () => {
      const plain = service.credential
      const browser = await sending.credential({ mode: 'oauth2code' })
      const stranger = await service.newClient()
      const foreign = await sending.credential({ clientId: stranger.id })
      for (const { id } of [plain, browser, foreign]) {
        const answer = await sending.client.call('credentials/sendOTP', { credentialID: id })
        expect([answer.status, answer.body]).to.deep.equal([400, refusal('Invalid parameter credentialID')])
      }
      for (const [id, description] of [
        [plain.id, 'Invalid parameter authObjectID'],
        [browser.id, 'Invalid parameter credentialID'],
        [foreign.id, 'Invalid parameter credentialID'],
      ] as const) {
        const body = { credentialID: id, authObjectID: 'OTP' }
        expect(said(await sending.client.call('credentials/getChallenge', body))).to.deep.equal([
          400,
          description,
        ])
      }
    })

    it('by a credential that is locked or disabled', async () => {
      const other = await sending.credential()
      await sending.send(other)
      for (let times = 0; times < 5; times++) await sending.authorize(other, sending.wrong())
      expect(said(await sending.send(other))).to.deep.equal([400, 'Credential locked'])
      expect(said(await sending.authorize(other, sending.phone.code()))).to.deep.equal([
        400,
        'Credential locked',
      ])
      await sending.officer('POST /credentials/:id/unlock', other.id)
      await service.sql(`update credential set state = 'disabled' where id = $1`, [other.id])
      const description = 'The credential identified by credentialID is disabled'
      expect(said(await sending.send(other))).to.deep.equal([400, description])
    })

    it('to whoever has no token', async () => {
      const answer = await sending.client.call('credentials/sendOTP', {}, { authorization: 'Bearer x' })
      expect([answer.status, answer.body['error']]).to.deep.equal([401, 'invalid_token'])
    })
  })

  describe('expire and end', () => {
    it('after five minutes', async () => {
      const credential = await sending.credential()
      await sending.send(credential)
      const rows = await service.sql<{ seconds: number }>(
        'select extract(epoch from expires_at - created_at)::int as seconds from sent_code where credential_id = $1',
        [credential.id],
      )
      expect(rows).to.deep.equal([{ seconds: 300 }])
      // Whoever moves the expiry has another code, too.
      const code = sending.phone.code()
      await service.sql(
        `update sent_code set expires_at = expires_at + interval '1 hour' where credential_id = $1`,
        [credential.id],
      )
      expect((await sending.authorize(credential, code)).status).to.equal(400)
      await service.sql(`update sent_code set expires_at = now() where credential_id = $1`, [credential.id])
      expect((await sending.authorize(credential, code)).status).to.equal(400)
    })

    it('with the one that was used, however many were sent', async () => {
      const credential = await sending.credential()
      await sending.send(credential)
      const first = sending.phone.code()
      await sending.earlier(credential, 60)
      await sending.send(credential)
      const second = sending.phone.code()
      expect((await sending.authorize(credential, first)).status).to.equal(200)
      expect((await sending.authorize(credential, second)).status).to.equal(400)
    })

    it('once, of ten who come with one at the same time', async () => {
      const credential = await sending.credential()
      await sending.send(credential)
      const code = sending.phone.code()
      const answers = await Promise.all(Array.from({ length: 10 }, () => sending.authorize(credential, code)))
      expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
    })

    it('for the credential that they were sent for', async () => {
      const [one, other] = [await sending.credential(), await sending.credential()]
      await sending.send(one)
      expect((await sending.authorize(other, sending.phone.code())).status).to.equal(400)
    })
  })

  describe('are limited', () => limits(() => sending))

  describe('on the page', () => {
    it('are sent when the holder asks, and asked for', async () => {
      const wallet = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
      const credential = await sending.credential({ clientId: wallet.client.id, mode: 'oauth2code' })
      const page = await wallet.open(wallet.request(credential))
      expect(page.html).to.contain(strings.en.otpHintSent)
      const before = sending.phone.messages.length
      const sent = await wallet.answer(page, { answer: 'send' })
      expect(sent.status).to.equal(200)
      expect(await sent.text()).to.contain(strings.en.told.sent)
      expect(sending.phone.messages.length).to.equal(before + 1)
      const again = await wallet.answer(page, { answer: 'send' })
      expect(await again.text()).to.contain(strings.en.told.notSent)
      expect(sending.phone.messages.length).to.equal(before + 1)
      const code = back(await wallet.answer(page, { pin: credential.pin, otp: sending.phone.code() })).get(
        'code',
      )
      service.keepSecret(code ?? '')
      expect((await wallet.redeem(code ?? '')).status).to.equal(200)
    })

    it('of a login are sent for a number, and the same is told for any', async () => {
      const wallet = new CodeClient(service, await service.newClient('Wallet', [REDIRECT]))
      const credential = await sending.credential({ clientId: wallet.client.id, mode: 'oauth2code' })
      const page = await wallet.open(wallet.login())
      const before = sending.phone.messages.length
      const told = async (number: string): Promise<string> => {
        const answer = await wallet.answer(page, { answer: 'send', credential: number })
        expect(answer.status).to.equal(200)
        return (await answer.text()).replaceAll(number, '')
      }
      const texts = [
        await told(credential.id),
        await told(credential.id),
        await told(UNKNOWN_ID),
        await told('?'),
      ]
      expect(new Set(texts).size).to.equal(1)
      expect(sending.phone.messages.length).to.equal(before + 1)
      const form = { credential: credential.id, pin: credential.pin, otp: sending.phone.code() }
      expect(back(await wallet.answer(page, form)).get('code')).to.match(/^[A-Za-z0-9_-]{43}$/)
    })
  })
})
