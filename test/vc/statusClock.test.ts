import { expect } from 'chai'
import { publishDue } from '../../src/credentials/status/publish.ts'
import { served, shift, until } from '../pki/support/clocks.ts'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, problemsOf, VcClient, type Issuer } from './client.ts'

const HOUR = 3_600_000

describe('status lists while nobody trusts the clock', function () {
  this.timeout(60_000)
  let service: TestService
  let client: VcClient
  before(async () => {
    service = await startService({ clock: { toleranceMs: 500, settleSeconds: 1 } })
    client = await VcClient.of(service)
  })
  afterEach(async () => {
    shift(service, 0)
    await served(service)
    await service.checkState()
  })
  after(() => service.close())

  const published = async (issuer: Issuer): Promise<number> =>
    (await service.acts('status-list.publish', `issuer:${issuer.id}`)).length
  const revoke = (credentialId: unknown) =>
    client.post('/credentials/status', {
      credentialId,
      credentialStatus: { type: 'BitstringStatusListEntry', statusPurpose: 'revocation' },
    })
  const listOf = (made: Record<string, unknown>): string =>
    (made['credentialStatus'] as { statusListCredential: string }).statusListCredential
  const bodyOf = async (url: string): Promise<string> => (await fetch(url)).text()

  for (const [how, ms] of [
    ['ahead', HOUR],
    ['back', -HOUR],
  ] as const) {
    it(`are dated by none that jumped an hour ${how}, and follow when it is trusted again`, async () => {
      const issuer = await newIssuer(service)
      const made = await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
      const before = await bodyOf(listOf(made))
      const count = await published(issuer)
      shift(service, ms)
      expect((await revoke(made['id'])).status).to.equal(200)
      await publishDue(service.ctx)
      expect(await bodyOf(listOf(made))).to.equal(before)
      expect(await published(issuer)).to.equal(count)
      shift(service, 0)
      await served(service)
      await until('the list', async () => (await published(issuer)) > count)
      const { validFrom } = JSON.parse(await bodyOf(listOf(made))) as { validFrom: string }
      expect(Date.parse(validFrom)).to.be.within(Date.now() - 60_000, Date.now())
      expect(problemsOf(await client.verify(made))).to.deep.equal(['revoked'])
    })
  }

  it('are not begun: who would get the first entry is told to come back', async () => {
    const issuer = await newIssuer(service)
    const asked = { credential: credentialOf(issuer.identifier), options: { status: ['revocation'] } }
    shift(service, HOUR)
    await publishDue(service.ctx)
    const { status, headers, body } = await client.post('/credentials/issue', asked)
    expect({ status, body }).to.deep.equal({
      status: 503,
      body: {
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        code: 'unavailable',
        detail: 'The status list cannot be made now',
      },
    })
    expect(headers.get('retry-after')).to.match(/^[0-9]+$/)
    shift(service, 0)
    await served(service)
    expect((await client.post('/credentials/issue', asked)).status).to.equal(201)
  })
})
