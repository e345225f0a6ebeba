import { renameSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { createLogger } from '../../src/log.ts'
import { startService as startReplica, type Service } from '../../src/service.ts'
import { Proxy } from '../chaos/support/proxy.ts'
import { startService, type TestService } from '../support/startService.ts'
import { newNonce, OcspClient } from './ocspClient.ts'

/** After this nobody is told anything that Postgres has not said since. */
const BOUND_MS = 500
/** Answers come by then, whatever hangs. */
const DEADLINE_MS = 4_000
const HEALING_MS = 20_000
const TRY_LATER = 'error 3'

describe('OCSP, where something is away,', function () {
  this.timeout(90_000)
  let service: TestService
  let replica: Service
  let proxy: Proxy
  let ocsp: OcspClient
  let lines = ''
  before(async () => {
    service = await startService()
    const { config } = service
    proxy = await Proxy.to(Number(new URL(config.database.url).port))
    const database = { ...config.database, url: proxy.through(config.database.url) }
    const log = createLogger('info', { write: (line) => void (lines += line) })
    replica = await startReplica({ config: { ...config, database }, log })
    ocsp = (await OcspClient.of(service)).at(replica.url)
  })
  after(async () => {
    await replica.close()
    await proxy.close()
    await service.close()
  })
  afterEach(() => service.checkState())

  const status = (): Promise<string> => ocsp.statusOf(service.credential.certificate)
  const live = async (): Promise<string> => {
    const asked = ocsp.request(service.credential.certificate, { nonce: newNonce() })
    const { status: code, singles } = await ocsp.post(asked)
    return code === 0 ? (singles[0]?.status ?? '') : `error ${String(code)}`
  }
  const becomes = async (ask: () => Promise<string>, expected: string): Promise<void> => {
    const until = performance.now() + HEALING_MS
    while ((await ask()) !== expected) {
      expect(performance.now(), expected).to.be.lessThan(until)
      await pause(20)
    }
  }

  for (const mode of ['cut', 'silent'] as const) {
    it(`says "try later" while the way to Postgres is ${mode}, of what it has in memory, too, and heals`, async () => {
      expect(await status()).to.equal('good')
      proxy.set(mode)
      await pause(BOUND_MS)
      const startedAt = performance.now()
      expect(await Promise.all([status(), live()])).to.deep.equal([TRY_LATER, TRY_LATER])
      expect(performance.now() - startedAt).to.be.lessThan(DEADLINE_MS)
      proxy.set('pass')
      await becomes(status, 'good')
      await becomes(live, 'good')
    })
  }

  it('says "try later" to who wants a signature while the token is away, and gives what was signed before', async () => {
    expect([await status(), await live()]).to.deep.equal(['good', 'good'])
    const away = `${service.token.objects}.away`
    renameSync(service.token.objects, away)
    for (const [, pid] of lines.matchAll(/"pid":([0-9]+)/g)) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // Gone already.
      }
    }
    await becomes(live, TRY_LATER)
    expect(await status()).to.equal('good')
    // Nor is a key planned for each stranger who asks while there is no responder and none can be made.
    await service.sql(`update certificate set state = 'revoked', revoked_at = now() where profile = 'ocsp'`)
    await pause(BOUND_MS)
    const keys = await service.sql(`select from key`)
    for (let asked = 0; asked < 20; asked++)
      expect(await Promise.all([status(), live()])).to.deep.equal([TRY_LATER, TRY_LATER])
    expect(await service.sql(`select from key`)).to.have.length(keys.length)
    renameSync(away, service.token.objects)
    await becomes(live, 'good')
  })

  it('has said nothing that is a bug', () => {
    expect(lines).not.to.match(/"a request failed"/)
  })
})
