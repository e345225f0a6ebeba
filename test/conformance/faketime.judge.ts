import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { newIdentity, publicHalf, type Identity } from '../../src/api/admin/identity.ts'
import type { EndpointName } from '../../src/api/admin/matrix.ts'
import { Ground, type Place } from '../chaos/support/ground.ts'
import { until } from '../chaos/support/until.ts'
import { pkcs10Pem, requestOf } from '../pki/support/pkcs10.ts'
import { ask, queryOf } from '../pki/tsaClient.ts'
import { callAdmin, type AdminAnswer } from '../support/tools.ts'
import { firstThere, judge, type Probe } from './judge.ts'

const LIBRARY = firstThere([
  process.env['INTAGLIO_TEST_FAKETIME'] ?? '',
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
])
/** The requirement: nothing is dated later than this after the clock went wrong. */
const STOPS_MS = 1_000
const GOES_ON_MS = 15_000
/** A list follows a change within a second. */
const LIST_MS = 2_500

const probe = (): Probe =>
  LIBRARY !== undefined && existsSync(LIBRARY)
    ? { version: LIBRARY }
    : { missing: 'libfaketime not found; INTAGLIO_TEST_FAKETIME names the library' }

/** A real process whose wall clock jumps while its monotonic clock goes on. */
judge('libfaketime', probe, (tally) => {
  let ground: Ground
  let place: Place
  let folder: string
  const officer: Identity = newIdentity({
    name: 'officer',
    roles: ['registration-officer', 'revocation-officer'],
  })
  before(async function () {
    this.timeout(60_000)
    folder = mkdtempSync(join(tmpdir(), 'intaglio-faketime-'))
    set('+0')
    ground = await Ground.make()
    place = await ground.place({
      env: {
        LD_PRELOAD: LIBRARY ?? '',
        FAKETIME_TIMESTAMP_FILE: join(folder, 'offset'),
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      change: (config) => ({
        ...config,
        clock: { toleranceMs: 500, settleSeconds: 1 },
        operators: [{ name: officer.name, roles: officer.roles, publicKey: publicHalf(officer) }],
      }),
    })
    await place.server.ready()
  })
  after(async () => {
    await ground.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const set = (offset: string): void => writeFileSync(join(folder, 'offset'), `${offset}\n`)
  const answered = async (): Promise<string> =>
    (await ask(place.url, queryOf({})).catch(() => undefined))?.failure ?? 'granted'
  const admin = (endpoint: EndpointName, body: object): Promise<AdminAnswer> =>
    callAdmin(place.url, officer, { endpoint, body })
  const issue = (): Promise<AdminAnswer> => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return admin('POST /certificates', {
      profile: 'ncp-l',
      subject: {
        countryName: 'NO',
        organizationName: 'Narvik AS',
        organizationIdentifier: 'NTRNO-987654321',
        commonName: 'Narvik seal',
      },
      request: pkcs10Pem(requestOf({ keys, scheme: 'ecdsa-sha256' })),
    })
  }
  const issued = async (): Promise<X509Certificate> => {
    const { status, body } = await issue()
    expect(status, JSON.stringify(body)).to.equal(201)
    return new X509Certificate((body as { certificate: string }).certificate)
  }
  const revoke = async ({ serialNumber: serial }: X509Certificate): Promise<number> =>
    (await admin('POST /revocations', { serial, change: 'revoke', reason: 'superseded' })).status
  const count = async (what: string): Promise<number> =>
    (await ground.sql<{ n: number }>(`select count(*)::int as n from ${what}`))[0]?.n ?? 0
  /** The times of all that relying parties could get. */
  const fromTheFuture = (): Promise<number> =>
    count(
      `(select not_before as at from certificate union all select this_update from crl union all
        select this_update from ocsp_answer union all select gen_time from timestamp_token) as dated
        where at > now()`,
    )

  for (const offset of ['+2', '-2', '+3600', '-3600', '-86400']) {
    it(`moves the clock by ${offset} s: nothing is dated, what is revoked is revoked, and all goes on when it is back`, async () => {
      await until(async () => (await answered()) === 'granted', {
        withinMs: GOES_ON_MS,
        otherwise: () => 'no timestamps to begin with',
      })
      const certificate = await issued()
      await until(async () => (await count(`status_change where in_whole_at is null`)) === 0, {
        withinMs: GOES_ON_MS,
        otherwise: () => 'the lists are not made to begin with',
      })
      set(offset)
      const began = performance.now()
      await until(async () => (await answered()) === 'timeNotAvailable', {
        withinMs: STOPS_MS,
        otherwise: () => 'timestamps are still made',
      })
      expect(performance.now() - began).to.be.lessThan(STOPS_MS)
      const [planned, lists] = [await count('certificate'), await count('crl')]
      const refused = await issue()
      expect(refused.status).to.equal(503)
      expect(refused.headers.get('retry-after')).to.equal('10')
      expect(await revoke(certificate)).to.equal(200)
      await new Promise((resolve) => setTimeout(resolve, LIST_MS))
      expect(await count('certificate')).to.equal(planned)
      expect(await count('crl')).to.equal(lists)
      set('+0')
      await until(async () => (await answered()) === 'granted', {
        withinMs: GOES_ON_MS,
        otherwise: () => `timestamps do not go on: ${ground.bugs}`,
      })
      const next = await issued()
      expect(Date.parse(next.validFrom)).to.be.at.most(Date.now())
      await until(async () => (await listed()).includes(certificate.serialNumber), {
        withinMs: GOES_ON_MS,
        otherwise: () => 'the list does not have what was revoked',
      })
      expect(await fromTheFuture()).to.equal(0)
      tally.add('jumps')
    }).timeout(90_000)
  }

  it('is wrong from the start: nothing is dated until it is right', async () => {
    set('+3600')
    await place.server.kill('SIGTERM')
    await place.restart().ready()
    expect(await answered()).to.equal('timeNotAvailable')
    expect((await issue()).status).to.equal(503)
    set('+0')
    await until(async () => (await answered()) === 'granted', {
      withinMs: GOES_ON_MS,
      otherwise: () => 'timestamps are not made by a clock that is right',
    })
    await issued()
    expect(await fromTheFuture()).to.equal(0)
    tally.add('starts')
  }).timeout(90_000)

  /** The whole list of the issuing authority, as openssl reads it. */
  async function listed(): Promise<string> {
    const [authority] = await ground.sql<{ id: string }>(
      `select id from certificate where profile = 'issuing' and state = 'issued'`,
    )
    const response = await fetch(`${place.url}/pki/crl/${authority?.id ?? ''}.crl`)
    const input = Buffer.from(await response.arrayBuffer())
    return execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-text'], { input, encoding: 'utf8' })
  }
})
