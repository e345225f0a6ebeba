import { expect } from 'chai'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import { CscClient, digest, OID, refusal } from '../csc/client.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'

describe('revocation by operators', function () {
  this.timeout(60_000)
  let service: TestService
  let client: CscClient
  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const serialOf = async ({ id }: TestCredential): Promise<string> => {
    const rows = await service.sql<{ serial: string }>(
      `select upper(encode(ce.serial, 'hex')) as serial
         from certificate ce join credential c on c.certificate_id = ce.id where c.id = $1`,
      [id],
    )
    return rows[0]?.serial ?? ''
  }
  const post = (body: Record<string, unknown>, by = service.operators.officer) =>
    service.admin(by, 'POST /revocations', { body })
  const authorize = async (credential: TestCredential) =>
    client.call('credentials/authorize', {
      credentialID: credential.id,
      numSignatures: 1,
      hashes: [digest('a')],
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: credential.pin }],
    })
  const sign = (credential: TestCredential, SAD: unknown) =>
    client.call('signatures/signHash', {
      credentialID: credential.id,
      SAD,
      hashes: [digest('a')],
      hashAlgorithmOID: OID.sha256,
      signAlgo: OID.ecdsa256,
    })

  it('suspends: nothing is signed, also with what was authorised before, until it is reinstated', async () => {
    const mine = await service.newCredential()
    const serial = await serialOf(mine)
    const { SAD } = (await authorize(mine)).body
    const suspended = await post({ change: 'suspend', serial: serial.replaceAll(/(..)(?=.)/g, '$1:') })
    expect(suspended.status).to.equal(200)
    expect(suspended.body).to.include({ serial, status: 'revoked', reason: 'certificateHold' })
    const no = { status: 400, body: refusal('Signing certificate is suspended') }
    for (const answer of [await sign(mine, SAD), await authorize(mine)])
      expect({ status: answer.status, body: answer.body }).to.deep.equal(no)
    const info = await client.get('credentials/info', { credentialID: mine.id })
    expect([info['status'], (info['cert'] as { status: string }).status]).to.deep.equal([
      'invalid',
      'suspended',
    ])

    const reinstated = await post({ change: 'reinstate', serial })
    expect(reinstated.body).to.include({ serial, status: 'issued' })
    expect((await sign(mine, SAD)).status).to.equal(200)
    const [row] = await service.sql<{ id: string }>(
      'select certificate_id as id from credential where id = $1',
      [mine.id],
    )
    for (const act of ['certificate.suspend', 'certificate.reinstate']) {
      const acts = await service.acts(act, `certificate:${row?.id ?? ''}`)
      expect(acts).to.have.length(1)
      expect(acts[0]?.actor).to.match(/^operator:/)
      expect(acts[0]?.subjects).to.include(`credential:${mine.id}`)
    }
  })

  it('keeps when a revocation was asked for, decided and published, who decided it, and why', async () => {
    const mine = await service.newCredential()
    const serial = await serialOf(mine)
    const requestedAt = new Date(Date.now() - 7_200_000).toISOString()
    const answer = await post({ change: 'revoke', serial, reason: 'keyCompromise', requestedAt })
    expect(answer.body).to.include({ status: 'revoked', reason: 'keyCompromise' })
    await publishDue(service.ctx)
    const listed = await service.admin(service.operators.auditor, 'GET /revocations', { query: { serial } })
    const [item, ...more] = (listed.body as { items: Record<string, string>[] }).items
    expect(more).to.deep.equal([])
    expect(item).to.include({ serial, change: 'revoke', reason: 'keyCompromise', requestedAt })
    expect(item?.['actor']).to.match(/^operator:/)
    const [decided, published] = [item?.['decidedAt'], item?.['publishedAt']].map((at) =>
      Date.parse(at ?? ''),
    )
    expect(Number(published) - Number(decided)).to.be.within(0, 10_000)
    const [row] = await service.sql<{ asked: Date }>(
      `select revocation_requested_at as asked from certificate where upper(encode(serial, 'hex')) = $1`,
      [serial],
    )
    expect(row?.asked.toISOString()).to.equal(requestedAt)
  })

  it('reports how long changes took, and which took too long', async () => {
    const report = async (query = {}): Promise<Record<string, unknown>> =>
      (await service.admin(service.operators.auditor, 'GET /revocations/report', { query })).body as Record<
        string,
        unknown
      >
    const before = await report()
    const mine = await service.newCredential()
    await post({
      change: 'revoke',
      serial: await serialOf(mine),
      requestedAt: new Date(Date.now() - 90_000_000).toISOString(),
    })
    await publishDue(service.ctx)
    const after = await report()
    expect(after['changes']).to.equal(Number(before['changes']) + 1)
    expect(after['published']).to.equal(after['changes'])
    expect(after['late']).to.equal(Number(before['late']) + 1)
    expect(after['lateFromDecision']).to.equal(0)
    expect(after['longestToPublished']).to.be.within(90_000, 90_030)
    expect(after['longestToDecision']).to.be.within(90_000, 90_030)
    expect(after['longestFromDecision']).to.be.within(0, 10)
    expect(after).to.include({ dutySeconds: 86_400, publicationDutySeconds: 3_600 })
    const none = await report({ from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' })
    expect(none).to.include({ changes: 0, late: 0, longestToPublished: null })
  })

  it('revokes what was planned and never stored: it may have been signed', async () => {
    const serial = '43'.repeat(16)
    await service.sql(
      `insert into certificate (id, serial, profile, key_id, issuer_id, tbs, state, not_before, not_after)
       select gen_random_uuid(), decode($1, 'hex'), 'tsu', key_id, id, '\\x3000', 'void', now(), now() + interval '1 day'
         from certificate where profile = 'issuing'`,
      [serial],
    )
    expect((await post({ change: 'suspend', serial })).status).to.equal(409)
    expect((await post({ change: 'revoke', serial })).body).to.include({
      status: 'revoked',
      reason: 'unspecified',
    })
    await publishDue(service.ctx)
    const [row] = await service.sql<{ entries: number }>(
      `select c.entries from crl_list l join crl c on c.list_id = l.id and c.number = l.published
        where l.shard = $1 and l.issuer_id = (select id from certificate where profile = 'issuing')`,
      [0x43],
    )
    // Those of the other tests are random: one of them may be of the same shard.
    const [listed] = await service.sql<{ count: number }>(
      `select count(*)::int as count from certificate
        where state in ('revoked', 'suspended') and get_byte(serial, 15) & 127 = $1`,
      [0x43],
    )
    expect(row?.entries).to.equal(listed?.count).and.to.be.greaterThan(0)
  })

  it('refuses what is not possible, and what is asked for again changes nothing', async () => {
    const mine = await service.newCredential()
    const serial = await serialOf(mine)
    const said = async (body: Record<string, unknown>) => {
      const answer = await post(body)
      return [answer.status, (answer.body as { detail?: string }).detail]
    }
    expect(await said({ change: 'reinstate', serial })).to.deep.equal([200, undefined])
    expect(await said({ change: 'suspend', serial })).to.deep.equal([200, undefined])
    expect(await said({ change: 'suspend', serial })).to.deep.equal([200, undefined])
    expect(await said({ change: 'revoke', serial, reason: 'superseded' })).to.deep.equal([200, undefined])
    const again = await post({ change: 'revoke', serial, reason: 'keyCompromise' })
    expect(again.body).to.include({ reason: 'superseded' })
    for (const change of ['suspend', 'reinstate'])
      expect(await said({ change, serial })).to.deep.equal([409, 'The certificate is revoked.'])
    expect(await said({ change: 'revoke', serial: '4F'.repeat(16) })).to.deep.equal([
      404,
      'There is no such certificate.',
    ])
    const [root] = await service.sql<{ serial: string }>(
      `select encode(serial, 'hex') as serial from certificate where profile = 'root'`,
    )
    expect(await said({ change: 'revoke', serial: root?.serial })).to.deep.equal([
      409,
      "The certificate is its own issuer's.",
    ])
    const future = new Date(Date.now() + 60_000).toISOString()
    expect(await said({ change: 'revoke', serial, requestedAt: future })).to.deep.equal([
      400,
      'requestedAt: is yet to come',
    ])
    expect((await said({ change: 'revoke', serial, reason: 'certificateHold' }))[0]).to.equal(400)
    expect((await said({ change: 'suspend', serial, reason: 'superseded' }))[0]).to.equal(400)
    expect((await said({ change: 'forget', serial }))[0]).to.equal(400)
    const changes = await service.sql(
      `select change from status_change s join certificate c on c.id = s.certificate_id
        where upper(encode(c.serial, 'hex')) = $1 order by decided_at`,
      [serial],
    )
    expect(changes).to.deep.equal([{ change: 'suspend' }, { change: 'revoke' }])
    expect((await post({ change: 'revoke', serial }, service.operators.auditor)).status).to.equal(403)
  })
})
