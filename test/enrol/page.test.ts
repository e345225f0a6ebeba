import { expect } from 'chai'
import { createCredential } from '../../src/api/admin/credentials.ts'
import { strings } from '../../src/api/enrol/strings.ts'
import { startService, type TestService } from '../support/startService.ts'

const { errors, doneTitle } = strings.en
const GOOD = 'pin-73912846'

describe('the enrolment page', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const pending = async (): Promise<{ id: string; code: string }> => {
    const made = await createCredential(service.ctx, 'service', {
      personId: service.person.id,
      clientId: service.client.id,
      keyType: 'P-256',
      scal: 2,
      multisign: 1,
      description: '',
    })
    service.keepSecret(made.code)
    return { id: made.credentialId, code: made.code }
  }
  const post = async (form: Record<string, string>) => {
    const response = await fetch(`${service.url}/enrol`, { method: 'POST', body: new URLSearchParams(form) })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
  const state = async (id: string) =>
    (await service.sql<{ state: string }>('select state from credential where id = $1', [id]))[0]?.state

  it('carries a policy that lets nothing in from elsewhere and nothing inline', async () => {
    const response = await fetch(`${service.url}/enrol`)
    expect(response.status).to.equal(200)
    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).to.equal(
      "default-src 'none';script-src 'self';style-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
    )
    expect(response.headers.get('referrer-policy')).to.equal('no-referrer')
    expect(response.headers.get('cache-control')).to.equal('no-store')
    expect(response.headers.get('x-content-type-options')).to.equal('nosniff')
    const text = await response.text()
    expect(text).to.not.match(/<script(?! src="\/enrol\/enrol\.js")| style=| on[a-z]+=/)
    for (const [path, type] of [
      ['/enrol/enrol.js', 'text/javascript; charset=utf-8'],
      ['/enrol/enrol.css', 'text/css; charset=utf-8'],
    ] as const) {
      const asset = await fetch(`${service.url}${path}`)
      expect(asset.status).to.equal(200)
      expect(asset.headers.get('content-type')).to.equal(type)
    }
  })

  it('makes the key of the credential, with the PIN that was typed twice', async () => {
    const { id, code } = await pending()
    const answer = await post({ code, pin: GOOD, again: GOOD })
    expect(answer.status).to.equal(200)
    expect(answer.text).to.contain(doneTitle).and.to.contain(id)
    expect(answer.text).to.not.contain(code)
    expect(await state(id)).to.equal('enabled')
    const [act] = await service.acts('credential.enrol', `credential:${id}`)
    expect(act?.actor).to.equal(`person:${service.person.id}`)
  })

  it('works once', async () => {
    const { code } = await pending()
    expect((await post({ code, pin: GOOD, again: GOOD })).status).to.equal(200)
    const again = await post({ code, pin: GOOD, again: GOOD })
    expect(again.status).to.equal(404)
    expect(again.text).to.contain(errors.code)
  })

  it('works once of ten at the same time', async () => {
    const { id, code } = await pending()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post({ code, pin: GOOD, again: GOOD })),
    )
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
    expect(answers.filter(({ status }) => status === 404)).to.have.length(9)
    const keys = await service.sql('select 1 from audit where act = $1 and $2 = any(subjects)', [
      'credential.enrol',
      `credential:${id}`,
    ])
    expect(keys).to.have.length(1)
  })

  it('refuses a code that is unknown or has expired', async () => {
    const unknown = await post({ code: 'A'.repeat(43), pin: GOOD, again: GOOD })
    expect(unknown.status).to.equal(404)
    expect(unknown.text).to.contain(errors.code)
    const { id, code } = await pending()
    await service.sql(
      `update enrolment set expires_at = now() - interval '1 second' where credential_id = $1`,
      [id],
    )
    const expired = await post({ code, pin: GOOD, again: GOOD })
    expect(expired.status).to.equal(404)
    expect(expired.text).to.contain(errors.code)
    expect(expired.text).to.not.contain(code)
    expect(await state(id)).to.equal('pending')
  })

  it('asks again for a PIN that is too easy, and keeps the code that was given', async () => {
    const { id, code } = await pending()
    for (const pin of ['12345', '111111', '123456', '987654', 'abcdef', 'x'.repeat(65)]) {
      const answer = await post({ code, pin, again: pin })
      expect(answer.status, pin).to.equal(400)
      expect(answer.text).to.contain(errors.pin)
      expect(answer.text).to.contain(`value="${code}"`)
      expect(answer.text).to.not.contain(`value="${pin}"`)
    }
    expect(await state(id)).to.equal('pending')
    expect((await post({ code, pin: GOOD, again: GOOD })).status).to.equal(200)
  })

  it('asks again for two PINs that differ, and for what is missing', async () => {
    const { code } = await pending()
    const differing = await post({ code, pin: GOOD, again: `${GOOD}1` })
    expect(differing.status).to.equal(400)
    expect(differing.text).to.contain(errors.mismatch)
    for (const form of [{ pin: GOOD, again: GOOD }, { code }, { code, pin: GOOD }, {}]) {
      const answer = await post(form)
      expect(answer.status).to.equal(400)
      expect(answer.text).to.contain(errors.missing)
    }
  })

  it('takes the same PIN in another normal form for the same', async () => {
    const { code } = await pending()
    const composed = 'blåbær-é1'.normalize('NFC')
    const answer = await post({ code, pin: composed, again: composed.normalize('NFD') })
    expect(answer.status).to.equal(200)
  })

  it('escapes what it gives back', async () => {
    const answer = await post({ code: '"><script>alert(1)</script>', pin: '1', again: '1' })
    expect(answer.text).to.not.contain('<script>alert')
    expect(answer.text).to.contain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
  })

  it('refuses a form that is larger than any', async () => {
    const answer = await post({ code: 'x'.repeat(10_000), pin: GOOD, again: GOOD })
    expect(answer.status).to.equal(413)
    expect(answer.text).to.contain(errors.missing)
  })

  it('says in the same dress that there is no such page', async () => {
    const response = await fetch(`${service.url}/enrol/nothing`)
    expect(response.status).to.equal(404)
    expect(await response.text()).to.contain(errors.page)
  })

  it('writes neither code nor PIN into the log', async () => {
    const { code } = await pending()
    service.keepSecret(GOOD)
    await post({ code, pin: GOOD, again: GOOD })
    expect(service.log()).to.not.contain(code)
  })
})
