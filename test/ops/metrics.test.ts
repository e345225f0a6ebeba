import { expect } from 'chai'
import { Metrics } from '../../src/metrics.ts'
import { digest, CscClient } from '../csc/client.ts'
import { startService, type TestService } from '../support/startService.ts'
import { METRIC_NAMES } from './metricNames.ts'
import { namesOf, samplesOf, scrape, type Samples } from './scrape.ts'

describe('metrics', () => {
  let service: TestService
  let client: CscClient
  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  /** Not by HTTP, whose answer may be a second old. */
  const now = async (): Promise<Samples> => samplesOf(await service.ctx.metrics.registry.metrics())
  /** A request is counted when its connection is free again, which may be after its answer has come. */
  const grown = async (before: Samples, expected: Readonly<Record<string, number>>): Promise<void> => {
    const difference = async () => {
      const samples = await now()
      return Object.fromEntries(
        Object.keys(expected).map((name) => [name, (samples.get(name) ?? 0) - (before.get(name) ?? 0)]),
      )
    }
    const until = Date.now() + 2_000
    while (Date.now() < until && JSON.stringify(await difference()) !== JSON.stringify(expected)) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await difference()).to.deep.equal(expected)
  }

  it('have the names that rules are written for, in the text format of Prometheus', async () => {
    const { response, text } = await scrape(service.url)
    expect(response.status).to.equal(200)
    expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8')
    expect(response.headers.get('cache-control')).to.equal('no-store')
    expect(namesOf(text).sort()).to.deep.equal(METRIC_NAMES)
  })

  it('count a request of two signatures by its steps, its hashes and its endpoint', async () => {
    const hashes = [digest('one'), digest('two')]
    const SAD = await client.authorize(service.credential, hashes)
    const before = await now()
    await client.sign(service.credential, hashes, { SAD })
    await grown(before, {
      'intaglio_signature_step_seconds_count{step="authorise"}': 1,
      'intaglio_signature_step_seconds_count{step="reserve"}': 1,
      'intaglio_signature_step_seconds_count{step="sign"}': 1,
      'intaglio_signature_step_seconds_count{step="complete"}': 1,
      intaglio_signature_seconds_count: 1,
      'intaglio_signature_seconds_bucket{le="+Inf"}': 1,
      intaglio_signature_hashes_count: 1,
      intaglio_signature_hashes_sum: 2,
      'intaglio_signature_hashes_bucket{le="1"}': 0,
      'intaglio_signature_hashes_bucket{le="2"}': 1,
      'intaglio_attempts_total{outcome="signed"}': 1,
      'intaglio_attempts_total{outcome="unknown"}': 0,
      'intaglio_group_commit_requests_sum{statement="authorisation-reserve"}': 1,
      'intaglio_database_statement_seconds_count{statement="authorisation-complete"}': 1,
      'intaglio_http_requests_total{face="csc",mount="v2",endpoint="/signatures/signHash",status="2xx"}': 1,
      'intaglio_http_request_seconds_count{face="csc",mount="v2"}': 1,
    })
  })

  it('count a wrong PIN, a refusal and an unknown address, by no word of whoever asked', async () => {
    const before = await now()
    await client.call('credentials/authorize', {
      credentialID: service.credential.id,
      numSignatures: 1,
      hashes: [digest('one')],
      hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      authData: [{ id: 'PIN', value: 'not-the-pin' }],
    })
    await client.call('signatures/signHash', {})
    await client.at('/csc/v1').call('signatures/signHash', {})
    await fetch(`${service.url}/csc/v2/guess-7f3a`)
    await fetch(`${service.url}/csc/v7/guess-7f3a`)
    await fetch(`${service.url}/guess-7f3a`)
    await grown(before, {
      'intaglio_activations_total{outcome="wrong"}': 1,
      'intaglio_refusals_total{face="csc",mount="v2",code="activation_failed"}': 1,
      'intaglio_refusals_total{face="csc",mount="v2",code="invalid_request"}': 1,
      'intaglio_http_requests_total{face="csc",mount="v2",endpoint="/credentials/authorize",status="4xx"}': 1,
      'intaglio_http_requests_total{face="csc",mount="v2",endpoint="none",status="4xx"}': 1,
      'intaglio_http_requests_total{face="csc",mount="v1",endpoint="/signatures/signHash",status="4xx"}': 1,
      'intaglio_http_requests_total{face="csc",mount="none",endpoint="none",status="4xx"}': 1,
      'intaglio_refusals_total{face="csc",mount="v1",code="invalid_request"}': 1,
      'intaglio_http_request_seconds_count{face="csc",mount="v1"}': 1,
      'intaglio_http_requests_total{face="none",mount="none",endpoint="none",status="4xx"}': 1,
    })
    expect((await scrape(service.url)).text).to.not.contain('7f3a')
  })

  it('count refusals of the faces of W3C credentials, the one that is for anybody too', async () => {
    const before = await now()
    const post = (path: string) =>
      fetch(`${service.url}${path}`, { method: 'POST', body: '{}' }).then((answer) => answer.text())
    for (const path of ['/credentials/issue', '/presentations/verify', '/sign/vc/jwt']) await post(path)
    await post('/status/guess-7f3a/revocation')
    await fetch(`${service.url}/status/guess-7f3a/revocation`)
    await fetch(`${service.url}/issuers/guess-7f3a/did.json`)
    await grown(before, {
      'intaglio_refusals_total{face="vc",mount="none",code="unauthenticated"}': 2,
      'intaglio_refusals_total{face="keyservice",mount="none",code="unauthenticated"}': 1,
      'intaglio_refusals_total{face="public",mount="none",code="not_found"}': 2,
      'intaglio_refusals_total{face="public",mount="none",code="method_not_allowed"}': 1,
      'intaglio_http_requests_total{face="vc",mount="none",endpoint="/credentials/issue",status="4xx"}': 1,
      'intaglio_http_requests_total{face="public",mount="none",endpoint="/status/:list/:form",status="4xx"}': 1,
    })
    expect((await scrape(service.url)).text).to.not.contain('7f3a')
    expect(service.log()).to.not.contain('7f3a')
  })

  it('show within seconds how old the last record is', async () => {
    await service.newClient()
    const age = async () => (await now()).get('intaglio_audit_last_row_age_seconds') ?? Infinity
    const until = Date.now() + 15_000
    while (Date.now() < until && (await age()) > 60) await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await age()).to.be.within(0, 60)
  })

  it('show the token, the database and the build', async () => {
    const samples = await now()
    const { name = '', signers } = service.config.tokens[0] ?? {}
    const of = (metric: string) => samples.get(`intaglio_${metric}{token="${name}"}`)
    expect([of('token_up'), of('signers'), of('signers_ready')]).to.deep.equal([1, signers, signers])
    expect([of('signer_restarts_total'), of('token_queued_inputs')]).to.deep.equal([0, 0])
    expect(of('token_canary_age_seconds')).to.be.within(0, 60)
    for (const flag of ['count_low', 'final_try', 'locked']) {
      expect(samples.get(`intaglio_token_pin_flag{token="${name}",flag="${flag}"}`)).to.equal(0)
    }
    expect(samples.get('intaglio_database_up')).to.equal(1)
    expect(samples.get('intaglio_database_last_write_age_seconds')).to.be.within(0, 10)
    expect(samples.get('intaglio_attempts_open')).to.equal(0)
    expect(samples.get('intaglio_alarms_total{alarm="no_signer"}')).to.equal(0)
    expect([...samples.keys()].find((sample) => sample.startsWith('intaglio_build_info'))).to.match(
      /version="[0-9.]+",schema="[0-9]+",node="/,
    )
  })

  it('name nobody and nothing that is anybody’s', async () => {
    await service.serviceToken()
    const { text } = await scrape(service.url)
    const { client: own, person, credential, token } = service
    const [serial = ''] = service.ctx.token.metrics().map((one) => one.serial)
    for (const value of [own.id, own.secret, person.id, credential.id, credential.keyId, credential.pin]) {
      expect(text).to.not.contain(value)
    }
    for (const value of [token.pin, serial, service.ctx.instanceId, '127.0.0.1'])
      expect(text).to.not.contain(value)
  })

  it('are the same text for a hundred who ask at once, and leave health alone', async () => {
    const began = performance.now()
    const answers = await Promise.all(Array.from({ length: 100 }, () => scrape(service.url)))
    // Kept for a second: one text for each that began meanwhile, on a machine that takes so long.
    const seconds = Math.floor((performance.now() - began) / 1000)
    expect(new Set(answers.map(({ text }) => text)).size).to.be.at.most(2 + seconds)
    expect((await fetch(`${service.url}/health`)).status).to.equal(200)
  })

  it('of two services in one process are apart', async () => {
    const other = new Metrics()
    other.tokenIssued()
    expect(samplesOf(await other.registry.metrics()).get('intaglio_oauth_tokens_issued_total')).to.equal(1)
    expect((await now()).get('intaglio_oauth_tokens_issued_total')).to.be.greaterThan(1)
  })
})
