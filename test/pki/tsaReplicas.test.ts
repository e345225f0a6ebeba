import { createHash, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { rootCertificate } from '../../src/pki/hierarchy.ts'
import { forgetUnit, timestampUnit } from '../../src/pki/tsaUnit.ts'
import { startService as startReplica } from '../../src/service.ts'
import { startService, type TestService } from '../support/startService.ts'
import { ask, certificatesOf, HASHES, infoOf, OpenSsl, pem, queryOf, tsaOf } from './tsaClient.ts'
import { DATA, good } from './tsaRows.ts'

describe('timestamps of several replicas and units', function () {
  this.timeout(60_000)
  let service: TestService
  let openssl: OpenSsl
  let root: string
  before(async () => {
    service = await startService()
    openssl = new OpenSsl()
    root = openssl.file(pem(await rootCertificate(service.ctx)))
  })
  afterEach(() => service.checkState())
  after(async () => {
    openssl.remove()
    await service.close()
  })

  it('of a service that has none are nowhere, and info does not say so', async () => {
    const config = { ...service.config, tsa: undefined }
    const without = await startReplica({ config, log: service.ctx.log })
    try {
      expect((await fetch(`${without.url}/pki/tsa`, { method: 'POST' })).status).to.equal(404)
      for (const mount of ['/csc/v1', '/csc/v2']) {
        const info = await fetch(`${without.url}${mount}/info`, { method: 'POST' })
        expect(((await info.json()) as { methods: string[] }).methods).to.not.include('signatures/timestamp')
        const asked = await fetch(`${without.url}${mount}/signatures/timestamp`, { method: 'POST' })
        expect(asked.status).to.equal(501)
      }
    } finally {
      await without.close()
    }
  })

  it('are no more for callers that nobody knows than the operator allows, and clients get theirs', async () => {
    const config = { ...service.config, tsa: { ...tsaOf(service.ctx), anonymousPerSecond: 1 } }
    const replica = await startReplica({ config, log: service.ctx.log })
    try {
      const replies = await Promise.all([1, 2, 3, 4].map(() => ask(replica.url, good)))
      const refused = replies.filter(({ http }) => http === 503)
      expect(refused).to.have.length(3)
      for (const { failure, text } of refused) {
        expect([failure, text]).to.deep.equal(['systemFailure', 'Too many requests at once'])
      }
      const body = JSON.stringify({
        hash: createHash('sha256').update(DATA).digest('base64'),
        hashAlgo: HASHES.sha256,
      })
      const headers = {
        authorization: `Bearer ${await service.serviceToken()}`,
        'content-type': 'application/json',
      }
      const asked = [1, 2, 3].map(() =>
        fetch(`${replica.url}/csc/v2/signatures/timestamp`, { method: 'POST', headers, body }),
      )
      for (const { status } of await Promise.all(asked)) expect(status).to.equal(200)
    } finally {
      await replica.close()
    }
  })

  it('of two replicas have serial numbers of their own, from one unit', async () => {
    const replica = await startReplica({ config: service.config, log: service.ctx.log })
    try {
      const asked = Array.from({ length: 120 }, (_, index) =>
        ask(index % 2 === 0 ? service.url : replica.url, queryOf({ certReq: true })),
      )
      const tokens = (await Promise.all(asked)).map((reply) => reply.token ?? Buffer.alloc(0))
      expect(new Set(tokens.map((one) => infoOf(one).serial)).size).to.equal(tokens.length)
      const units = new Set(
        tokens.map((one) =>
          certificatesOf(one)
            .map((der) => der.toString('hex'))
            .sort()
            .join(),
        ),
      )
      expect(units.size).to.equal(1)
    } finally {
      await replica.close()
    }
  })

  it('go on with the next unit in time, which one of many makes; what the last one signed stays good', async () => {
    const data = openssl.file(DATA)
    const last = await ask(service.url, queryOf({ certReq: true }))
    const { certificateId } = await timestampUnit(service.ctx)
    await service.sql(`update certificate set not_before = not_before - interval '340 days' where id = $1`, [
      certificateId,
    ])
    forgetUnit(service.ctx)
    const [one, two] = await Promise.all([timestampUnit(service.ctx), timestampUnit({ ...service.ctx })])
    expect(one.certificateId).to.equal(two.certificateId).and.not.equal(certificateId)
    const [made] = await service.sql<{ count: number }>(
      `select count(*)::int as count from certificate where profile = 'tsu' and state = 'issued'`,
    )
    expect(made?.count).to.equal(2)
    const verify = (whole: Buffer): string =>
      openssl.run('ts', '-verify', '-in', openssl.file(whole), '-data', data, '-CAfile', root)
    expect(verify(last.whole)).to.include('Verification: OK')
    expect(verify((await ask(service.url, queryOf({ certReq: true }))).whole)).to.include('Verification: OK')
    const names = [certificateId, one.certificateId].map(async (id) => {
      const [row] = await service.sql<{ der: Buffer }>('select der from certificate where id = $1', [id])
      return new X509Certificate(row?.der ?? '').subject
    })
    expect(new Set(await Promise.all(names)).size).to.equal(2)
  })

  it('are made by no unit whose certificate is revoked: the next one signs', async () => {
    const { certificateId } = await timestampUnit(service.ctx)
    await service.sql(`update certificate set state = 'revoked', revoked_at = now() where id = $1`, [
      certificateId,
    ])
    // The unit is still known: what is reserved asks the database.
    expect(await ask(service.url, good)).to.include({ http: 200, failure: 'systemFailure' })
    expect((await ask(service.url, good)).failure).to.equal(undefined)
    expect((await timestampUnit(service.ctx)).certificateId).to.not.equal(certificateId)
  })
})
