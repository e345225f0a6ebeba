import { expect } from 'chai'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { alarms, Lasting, raise } from '../../src/alarms.ts'
import { createLogger } from '../../src/log.ts'
import { startWatch } from '../../src/watch.ts'
import { digest, CscClient } from '../csc/client.ts'
import { credential, KeyClient } from '../keyservice/client.ts'
import { withClient } from '../support/database.ts'
import { startService, type TestService } from '../support/startService.ts'
import { METRIC_NAMES } from './metricNames.ts'
import { samplesOf } from './scrape.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const known = Object.entries(alarms)
const WAIT_MS = 15_000
const OVER = '"over":"lease_not_renewed"'

/** Every name that stands in the code as an alarm, wherever it is raised. */
function raisedInCode(): string[] {
  const files = ['src', 'hsm'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'alarms.ts')
      .map((file) => join(folder, file)),
  )
  const raised =
    /\balarm: '([a-z_]+)'|\braise\([a-z.]+, '([a-z_]+)'|\.note\('([a-z_]+)'|\braiseSeldom\('([a-z_]+)'/g
  const names = files.flatMap((file) =>
    [...read(file).matchAll(raised)].flatMap((found) => found.slice(1).filter(Boolean)),
  )
  return [...new Set(names)].sort()
}

describe('alarms', () => {
  it('that the code raises, those of the table and those of the page are the same', () => {
    const names = known.map(([name]) => name).sort()
    const page = [...read('docs/alarms.md').matchAll(/^### (\S+)$/gm)].map(([, name]) => name)
    expect(raisedInCode()).to.deep.equal(names)
    expect(page.sort()).to.deep.equal(names)
  })

  it('have on the page how urgent they are, what they mean, and what to look at, to do and not to do', () => {
    const sections = read('docs/alarms.md').split(/^###? /m)
    for (const [name, severity] of known) {
      const section = sections.find((text) => text.startsWith(`${name}\n`)) ?? ''
      expect(section.split('\n')[1]?.toLowerCase(), name).to.match(
        new RegExp(`^${severity}\\. \\*\\*means:\\*\\*`),
      )
      for (const part of ['Look at', 'Do', 'Do not']) expect(section, name).to.contain(`- **${part}:** `)
    }
  })

  it('are told apart by the rules for Prometheus as by the table, and the rules name metrics that exist', () => {
    const rules = read('docs/prometheus-rules.yaml')
    const critical = known.filter(([, severity]) => severity === 'critical').map(([name]) => name)
    for (const [, listed = ''] of rules.matchAll(/alarm(?:=|!)~"([^"]+)"/g)) {
      expect(listed.split('|').sort()).to.deep.equal(critical.sort())
    }
    const expressions = rules.match(/(?<=expr: (?:>-\n +)?).+/g) ?? []
    const named = expressions.flatMap((text) => text.match(/\b(?:intaglio|nodejs|process)_[a-z_]+/g) ?? [])
    expect(named).to.have.length.greaterThan(15)
    expect(METRIC_NAMES).to.include.members(named.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
  })

  it('that last are raised once, are said to be over, and are raised again', () => {
    const lines: string[] = []
    const lasting = new Lasting(createLogger('info', { write: (line) => void lines.push(line) }))
    const says = 'it lasts'
    const steps: readonly [on: boolean, about: string][] = [
      [true, 'one'],
      [true, 'one'],
      [true, 'two'],
      [false, 'one'],
      [true, 'one'],
    ]
    for (const [on, about] of steps) lasting.note('no_signer', { on, about, says })
    lasting.note('database_away', { on: true, patienceMs: 60_000, says })
    const seen = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(seen.map(({ level, alarm, over, about }) => ({ level, alarm, over, about }))).to.deep.equal([
      { level: 'error', alarm: 'no_signer', over: undefined, about: 'one' },
      { level: 'error', alarm: 'no_signer', over: undefined, about: 'two' },
      { level: 'warn', alarm: undefined, over: 'no_signer', about: 'one' },
      { level: 'error', alarm: 'no_signer', over: undefined, about: 'one' },
    ])
    expect(seen[0]).to.include({ severity: 'critical', msg: says })
  })

  describe('of a running service', () => {
    let service: TestService
    before(async () => {
      service = await startService()
    })
    after(() => service.close())
    afterEach(() => service.checkState())

    const counted = async (alarm: string): Promise<number | undefined> =>
      samplesOf(await service.ctx.metrics.registry.metrics()).get(`intaglio_alarms_total{alarm="${alarm}"}`)
    const logged = (alarm: string): number => service.log().split(`"alarm":"${alarm}"`).length - 1

    it('are counted wherever they are raised', async () => {
      raise(service.ctx.log, 'signer_hangs', { says: 'it hangs' })
      expect([await counted('signer_hangs'), await counted('seal_broken')]).to.deep.equal([1, 0])
    })

    it('tell of a record that the database refuses, once, and nothing is signed', async () => {
      const client = await CscClient.of(service)
      const SAD = await client.authorize(service.credential, [digest('one')])
      const body = {
        credentialID: service.credential.id,
        SAD,
        hashes: [digest('one')],
        signAlgo: '1.2.840.10045.4.3.2',
      }
      await service.sql('revoke insert on audit from intaglio_service')
      const twice = [1, 2].map(() => client.call('signatures/signHash', body))
      expect((await Promise.all(twice)).map(({ status }) => status)).to.deep.equal([500, 500])
      await service.sql('grant insert on audit to intaglio_service')
      expect([await counted('audit_not_written'), logged('audit_not_written')]).to.deep.equal([1, 1])
      expect(service.log()).to.match(
        /"alarm":"audit_not_written".*"statement":"authorisation-reserve","code":"42501"/,
      )
      expect((await client.call('signatures/signHash', body)).status).to.equal(200)
    })

    it('tell of it whichever statement it is that records', async () => {
      const other = await startService()
      const client = await KeyClient.of(other)
      const key = await client.key()
      const body = { identifier: key.id, secrets: key.secrets, verifiable: credential(key.controller) }
      await other.sql('revoke insert on audit from intaglio_service')
      expect((await client.call('/sign/vc/jwt', body)).status).to.equal(500)
      await other.sql('grant insert on audit to intaglio_service')
      expect(other.log()).to.match(
        /"alarm":"audit_not_written".*"statement":"authorisation-take-key","code":"42501"/,
      )
      expect((await client.call('/sign/vc/jwt', body)).status).to.equal(201)
      await other.checkState()
      await other.close()
    })

    it('tell of a lease that cannot be renewed; metrics are given meanwhile, and wait for nothing', async () => {
      const name = new URL(service.database.superUrl).pathname.slice(1)
      const elsewhere = new URL(service.database.superUrl)
      elsewhere.pathname = '/postgres'
      const watch = startWatch(service.ctx)
      await watch.look()
      expect(watch.watched.observation?.openAttempts).to.equal(0)
      await withClient(elsewhere.href, async (client) => {
        await client.query(`alter database ${name} allow_connections false`)
        const sessions = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1'
        await client.query(sessions, [name])
      })
      await watch.look()
      expect(watch.watched.observation).to.equal(undefined)
      const before = performance.now()
      expect((await fetch(`${service.url}/metrics`)).status).to.equal(200)
      expect(performance.now() - before).to.be.below(1_000)
      for (const until = Date.now() + WAIT_MS; Date.now() < until && logged('lease_not_renewed') === 0;) {
        await pause(50)
      }
      expect(logged('lease_not_renewed')).to.equal(1)
      await withClient(elsewhere.href, (client) =>
        client.query(`alter database ${name} allow_connections true`),
      )
      for (const until = Date.now() + WAIT_MS; Date.now() < until && !service.log().includes(OVER);)
        await pause(50)
      expect(service.log()).to.contain(OVER)
      await watch.stop()
    })

    it('tell of a clock that jumps, of one that is wrong, and of authorities that end', async () => {
      let shiftMs = 0
      const watch = startWatch({ ...service.ctx, clock: () => Date.now() + shiftMs })
      await watch.look()
      expect([logged('clock_jump'), logged('clock_skew'), logged('authority_ends')]).to.deep.equal([0, 0, 0])
      shiftMs = 60_000
      await watch.look()
      await watch.look()
      expect([logged('clock_jump'), logged('clock_skew')]).to.deep.equal([1, 1])
      shiftMs = 0
      await watch.look()
      expect(service.log()).to.contain('"over":"clock_skew"')
      await watch.stop()

      // Ten years is an issuing authority's life; what it issues lives for one.
      const later = startWatch({ ...service.ctx, clock: () => Date.now() + 9 * 365 * 86_400_000 })
      await later.look()
      await later.stop()
      expect(logged('authority_ends')).to.equal(1)
      expect(service.log()).to.match(/"alarm":"authority_ends".*"about":"issuing"/)
    })
  })
})
