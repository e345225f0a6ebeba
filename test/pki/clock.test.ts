import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { createCredential } from '../../src/api/admin/credentials.ts'
import { checkTakenSince, ClockRefusal, startClockWatch, trustedTime } from '../../src/pki/clock.ts'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import { CscClient, digest } from '../csc/client.ts'
import { startService, type TestService } from '../support/startService.ts'
import { Lists } from './lists.ts'
import { newNonce, OcspClient } from './ocspClient.ts'
import { pkcs10Pem, requestOf } from './support/pkcs10.ts'
import { served, shift, until } from './support/clocks.ts'

const HOUR = 3_600_000
const JUMPS = [
  ['2 seconds ahead', 2_000],
  ['2 seconds back', -2_000],
  ['an hour ahead', HOUR],
  ['an hour back', -HOUR],
  ['a day back', -24 * HOUR],
] as const
const TRY_LATER = 3
const NOT_TRUSTED = 'The clock of the service is not trusted at the moment'

describe('a clock that nobody trusts', function () {
  this.timeout(60_000)
  let service: TestService
  before(async () => {
    service = await startService({ clock: { toleranceMs: 500, settleSeconds: 1 } })
  })
  afterEach(async () => {
    shift(service, 0)
    await served(service)
    await service.checkState()
  })
  after(() => service.close())

  const request = pkcs10Pem(
    requestOf({ keys: generateKeyPairSync('ec', { namedCurve: 'P-256' }), scheme: 'ecdsa-sha256' }),
  )
  const subject = {
    countryName: 'NO',
    organizationName: 'Narvik AS',
    organizationIdentifier: 'NTRNO-987654321',
    commonName: 'Narvik seal',
  }
  const issue = () =>
    service.admin(service.operators.officer, 'POST /certificates', {
      body: { profile: 'ncp-l', subject, request },
    })
  const count = async (table: string): Promise<number> =>
    (await service.sql<{ n: number }>(`select count(*)::int as n from ${table}`))[0]?.n ?? 0
  const credentialOf = async (id: string) =>
    (
      await service.sql<{ state: string; key_id: string | null }>(
        'select state, key_id from credential where id = $1',
        [id],
      )
    )[0]
  const revoke = async (certificate: Buffer, more: object = {}) =>
    service.admin(service.operators.officer, 'POST /revocations', {
      body: {
        serial: new X509Certificate(certificate).serialNumber,
        change: 'revoke',
        reason: 'keyCompromise',
        ...more,
      },
    })

  describe('dates no certificate', () => {
    for (const [name, ms] of JUMPS) {
      it(`when it has jumped ${name}, and plans none; when it is back, certificates begin in the past`, async () => {
        const planned = await count('certificate')
        shift(service, ms)
        const { status, headers, body } = await issue()
        expect({ status, body, retryAfter: headers.get('retry-after') }).to.deep.equal({
          status: 503,
          body: { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: NOT_TRUSTED },
          retryAfter: '10',
        })
        expect(await count('certificate')).to.equal(planned)
        shift(service, 0)
        await served(service)
        const made = await issue()
        expect(made.status).to.equal(201)
        const { validFrom } = new X509Certificate((made.body as { certificate: string }).certificate)
        expect(Date.parse(validFrom)).to.be.within(Date.now() - 2 * 60_000, Date.now())
      })
    }

    it('of a holder, who loses nothing: the same link works when it is trusted again', async () => {
      const { credentialId: id, code } = await createCredential(service.ctx, 'service', {
        personId: service.person.id,
        clientId: service.client.id,
        keyType: 'P-256',
        scal: 2,
        multisign: 1,
        description: '',
      })
      service.keepSecret(code)
      const enrol = (): Promise<Response> =>
        fetch(`${service.url}/enrol`, {
          method: 'POST',
          body: new URLSearchParams({ code, pin: 'pin-73912846', again: 'pin-73912846' }),
        })
      const keys = await count('key')
      shift(service, HOUR)
      const refused = await enrol()
      expect(refused.status).to.equal(503)
      expect(refused.headers.get('retry-after')).to.equal('60')
      expect(await count('key')).to.equal(keys)
      expect(await credentialOf(id)).to.deep.equal({ state: 'pending', key_id: null })
      shift(service, 0)
      await served(service)
      expect((await enrol()).status).to.equal(200)
      expect((await credentialOf(id))?.state).to.equal('enabled')
    })
  })

  describe('does not keep', () => {
    it('a client from signing', async () => {
      const client = await CscClient.of(service)
      shift(service, HOUR)
      const hashes = [digest('signed in spite of the clock')]
      const SAD = await client.authorize(service.credential, hashes)
      expect(await client.sign(service.credential, hashes, { SAD })).to.have.length(1)
    })

    it('relying parties from answers that are signed already, and signs no others', async () => {
      const ocsp = await OcspClient.of(service)
      const other = await service.newCredential()
      const { certificate } = service.credential
      const before = await ocsp.get(ocsp.request(certificate))
      expect(before.singles[0]?.status).to.equal('good')
      for (const [, ms] of JUMPS) {
        shift(service, ms)
        expect((await ocsp.get(ocsp.request(certificate))).der).to.deep.equal(before.der)
        expect((await ocsp.post(ocsp.request(certificate, { nonce: newNonce() }))).status).to.equal(TRY_LATER)
        expect((await ocsp.get(ocsp.request(other.certificate))).status).to.equal(TRY_LATER)
      }
      shift(service, 0)
      await served(service)
      const after = await ocsp.post(ocsp.request(other.certificate, { nonce: newNonce() }))
      expect(after.singles[0]?.status).to.equal('good')
      expect(after.producedAt?.getTime()).to.be.at.most(Date.now())
      expect(after.singles[0]?.thisUpdate.getTime()).to.be.at.most(Date.now())
    })

    it('anybody from revoking; what says so to relying parties follows when it is trusted again', async () => {
      const lists = await Lists.of(service)
      const ocsp = await OcspClient.of(service)
      const credential = await service.newCredential()
      const shard = await lists.shardOf(credential)
      expect(await ocsp.statusOf(credential.certificate)).to.equal('good')
      const number = await lists.numberOf(shard)
      const numbers = await count('crl')
      shift(service, -24 * HOUR)
      expect(
        (await revoke(credential.certificate, { requestedAt: new Date().toISOString() })).status,
      ).to.equal(200)
      await publishDue(service.ctx)
      expect(await count('crl')).to.equal(numbers)
      // The answer that was signed ahead has gone with the revocation.
      await until('no answer', async () => (await ocsp.statusOf(credential.certificate)) === 'error 3')
      const client = await CscClient.of(service)
      const hashes = [digest('signed by nobody')]
      const refused = await client.call('credentials/authorize', {
        credentialID: credential.id,
        numSignatures: 1,
        hashes,
        hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
        authData: [{ id: 'PIN', value: credential.pin }],
      })
      expect(refused.status).to.equal(400)
      expect(await lists.numberOf(shard)).to.equal(number)
      shift(service, 0)
      await served(service)
      await until('the list', async () => (await lists.numberOf(shard)) > number)
      const serial = new X509Certificate(credential.certificate).serialNumber
      expect((await lists.revoked(lists.path(shard))).map((one) => one.serial)).to.include(serial)
      expect(await ocsp.statusOf(credential.certificate)).to.equal('revoked')
      lists.remove()
    })
  })

  it("agrees to times of the database's, and to none of them that was set meanwhile", () => {
    const since = trustedTime(service.ctx)
    const check = (ms: number): void => checkTakenSince(service.ctx, { taken: new Date(since + ms), since })
    for (const ms of [0, -1_400, 400]) check(ms)
    for (const ms of [-2_000, -HOUR, 2_000, HOUR]) expect(() => check(ms)).to.throw(ClockRefusal)
  })

  describe('is vouched for', () => {
    const look = async () => (await service.admin(service.operators.officer, 'GET /clock')).body
    const vouch = (body: object) => service.admin(service.operators.officer, 'POST /clock/vouch', { body })
    const instance = (): string => service.ctx.instanceId
    const conflict = (detail: string) => ({
      status: 409,
      body: { type: 'about:blank', title: 'Conflict', status: 409, detail },
    })
    const answerOf = ({ status, body }: { status: number; body: unknown }) => ({ status, body })

    it('by nobody while it is trusted', async () => {
      expect(await look()).to.include({ instance: instance(), trusted: true })
      const now = new Date().toISOString()
      expect(answerOf(await vouch({ instance: instance(), now }))).to.deep.equal(
        conflict('The clock has not jumped.'),
      )
    })

    it('by nobody of another replica, whose own clock differs, or while the database says otherwise', async () => {
      shift(service, HOUR)
      await until('distrust', async () => {
        const { troubles } = (await look()) as { troubles: string[] }
        return troubles.includes('jump') && troubles.includes('database')
      })
      const now = new Date().toISOString()
      const elsewhere = '00000000-0000-4000-8000-000000000000'
      expect(answerOf(await vouch({ instance: elsewhere, now }))).to.deep.equal(
        conflict('Another replica answers than the one that was looked at.'),
      )
      const { status, body } = await vouch({ instance: instance(), now })
      expect(status).to.equal(409)
      expect((body as { detail: string }).detail).to.match(
        /^The clock and the operator's differ by 3[56]\d{5} ms\.$/,
      )
      const wrong = new Date(Date.now() + HOUR).toISOString()
      expect(answerOf(await vouch({ instance: instance(), now: wrong }))).to.deep.equal(
        conflict("The database's clock says otherwise."),
      )
      expect(await service.acts('clock.vouch', `instance:${instance()}`)).to.deep.equal([])
    })

    it('by an operator, when it jumped to the right time; it is trusted when it was right for a while', async () => {
      const other = await startService({ clock: { toleranceMs: 500, settleSeconds: 1 } })
      const { ctx, operators } = other
      const state = async () =>
        (await other.admin(operators.officer, 'GET /clock')).body as { trusted: boolean; troubles: string[] }
      const distrusted = (): unknown => expect(() => trustedTime(ctx)).to.throw(ClockRefusal)
      const gauge = async () =>
        (await ctx.metrics.registry.getSingleMetric('intaglio_clock_trusted')?.get())?.values[0]?.value
      // As of a service that was started while the clock was behind, by less than the database's may differ.
      shift(other, -400)
      const endWatch = await startClockWatch(ctx)
      trustedTime(ctx)
      expect(await gauge()).to.equal(1)
      shift(other, 400)
      distrusted()
      expect(await gauge()).to.equal(0)
      const body = { instance: ctx.instanceId, now: new Date(Date.now() + 400).toISOString() }
      const answer = await other.admin(operators.officer, 'POST /clock/vouch', { body })
      expect(answer.status).to.equal(200)
      expect(answer.body).to.deep.include({ instance: ctx.instanceId, trusted: false, troubles: [] })
      distrusted()
      await until('trust', async () => (await state()).trusted)
      const [act] = await other.acts('clock.vouch', `instance:${ctx.instanceId}`)
      expect(act?.actor).to.match(/^operator:/)
      expect((act?.detail as { movedMs: number }).movedMs).to.be.within(790, 810)
      // From now on it has jumped when it shows the time that it showed before.
      shift(other, -400)
      distrusted()
      await endWatch()
      await other.checkState()
      await other.close()
    })
  })
})
