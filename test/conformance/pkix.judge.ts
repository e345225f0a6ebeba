import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'chai'
import type { KeyType } from '../../hsm/algorithms.ts'
import { certificateChain } from '../../src/db/certificates.ts'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import { reinstate, revoke, suspend } from '../../src/pki/revoke.ts'
import { Lists } from '../pki/lists.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { commandPath, judge, type Probe } from './judge.ts'
import { chainThatIsTooLong } from './pkixChain.ts'

const SOURCE = join(import.meta.dirname, 'Pkix.java')
/** Its chains are validated in this long; most of it is the compiler's. */
const PATIENCE_MS = 120_000
const DAY_MS = 86_400_000

/** TABLE of the ways to ask. Whole lists are handed over; shards and answers are fetched from where certificates say. */
const WAYS = ['lists', 'shards', 'ocsp'] as const
type Way = (typeof WAYS)[number]

function probe(): Probe {
  if (commandPath('java') === undefined || commandPath('javac') === undefined)
    return { missing: 'java and javac of a JDK not found' }
  const said = execFileSync('javac', ['-version'], { encoding: 'utf8' })
  return { version: /\d+(\.\d+)*/.exec(said)?.[0] ?? 'of some version' }
}

judge('PKIX of the JDK', probe, (tally) => {
  let service: TestService
  let lists: Lists
  const idOf = async (credential: TestCredential): Promise<string> => {
    const [row] = await service.sql<{ id: string }>(
      'select certificate_id as id from credential where id = $1',
      [credential.id],
    )
    return row?.id ?? ''
  }
  before(async function () {
    this.timeout(PATIENCE_MS)
    // Made anew, so that its authorities' certificates name this port.
    service = await startService({ ca: { endEntityDays: 30 } })
    lists = await Lists.of(service)
  })
  afterEach(() => service.checkState())
  after(async () => {
    lists.remove()
    await service.close()
  })

  const file = (der: Buffer): string => lists.file(`${randomUUID()}.der`, der)
  /** Leaf first, without the root. */
  const chainOf = async (credential: TestCredential): Promise<Buffer[]> =>
    (await certificateChain(service.ctx.db, await idOf(credential))).slice(0, -1)

  interface Path {
    readonly chain: readonly Buffer[]
    readonly way: Way
    readonly at?: number
  }

  const judged = async (paths: readonly Path[]): Promise<string[]> => {
    await publishDue(service.ctx)
    const anchor = file(await lists.octets(`/ca/${lists.root}.cer`))
    const whole = [lists.issuing, lists.root].map((issuer) => lists.octets(lists.path(undefined, issuer)))
    const given = (await Promise.all(whole)).map(file).join(',')
    const lines = paths.map(({ chain, way, at = Date.now() }) =>
      [way, String(at), anchor, way === 'lists' ? given : '', chain.map(file).join(',')].join('\t'),
    )
    const said = await java(lines)
    tally.add('paths', paths.length)
    return said
  }

  /** It asks a service of this process, which must not wait for it meanwhile. */
  function java(lines: readonly string[]): Promise<string[]> {
    const options = ['-Dcom.sun.security.enableCRLDP=true', SOURCE]
    return new Promise((resolve, reject) => {
      const child = execFile('java', options, { timeout: PATIENCE_MS }, (error, stdout, stderr) => {
        if (error) reject(new Error(stderr, { cause: error }))
        else resolve(stdout.trim().split('\n'))
      })
      child.stdin?.end(`${lines.join('\n')}\n`)
    })
  }

  const byEachWay = (chain: readonly Buffer[], more: Partial<Path> = {}): Path[] =>
    WAYS.map((way) => ({ chain, way, ...more }))
  const threeTimes = (verdict: string): string[] => WAYS.map(() => verdict)

  it('finds the paths of good certificates valid, of each type of key', async () => {
    const types: KeyType[] = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'Ed25519']
    const paths: Path[] = []
    for (const keyType of types)
      paths.push(...byEachWay(await chainOf(await service.newCredential({ keyType }))))
    expect(await judged(paths)).to.deep.equal(types.flatMap(() => threeTimes('good')))
  }).timeout(PATIENCE_MS)

  it('finds what was revoked revoked, for each reason', async () => {
    const reasons = {
      keyCompromise: 'KEY_COMPROMISE',
      affiliationChanged: 'AFFILIATION_CHANGED',
      superseded: 'SUPERSEDED',
      cessationOfOperation: 'CESSATION_OF_OPERATION',
      privilegeWithdrawn: 'PRIVILEGE_WITHDRAWN',
      unspecified: 'UNSPECIFIED',
    } as const
    const paths: Path[] = []
    for (const reason of Object.keys(reasons) as (keyof typeof reasons)[]) {
      const credential = await service.newCredential()
      await revoke(service.ctx, { certificateId: await idOf(credential), reason, actor: 'service' })
      paths.push(...byEachWay(await chainOf(credential)))
    }
    expect(await judged(paths)).to.deep.equal(
      Object.values(reasons).flatMap((reason) => threeTimes(`REVOKED ${reason}`)),
    )
  }).timeout(PATIENCE_MS)

  it('finds what is suspended on hold, and valid again when it is reinstated', async () => {
    const [held, back] = [await service.newCredential(), await service.newCredential()]
    for (const one of [held, back])
      await suspend(service.ctx, { certificateId: await idOf(one), actor: 'service' })
    await reinstate(service.ctx, { certificateId: await idOf(back), actor: 'service' })
    const paths = [...byEachWay(await chainOf(held)), ...byEachWay(await chainOf(back))]
    expect(await judged(paths)).to.deep.equal([
      ...threeTimes('REVOKED CERTIFICATE_HOLD'),
      ...threeTimes('good'),
    ])
  }).timeout(PATIENCE_MS)

  it('finds a path expired after its end, and not yet valid before its begin', async () => {
    const chain = await chainOf(service.credential)
    const [after, before] = [Date.now() + 40 * DAY_MS, Date.now() - DAY_MS]
    expect(await judged(byEachWay(chain, { at: before }))).to.deep.equal(threeTimes('NOT_YET_VALID'))
    expect(await judged([{ chain, way: 'ocsp', at: after }])).to.deep.equal(['EXPIRED'])
    // The list that says that the issuing authority is not revoked is asked first, and has ended by then.
    const byLists = WAYS.filter((way) => way !== 'ocsp').map((way) => ({ chain, way, at: after }))
    const ended = byLists.map(() => 'UNDETERMINED_REVOCATION_STATUS')
    expect(await judged(byLists)).to.deep.equal(ended)
  }).timeout(PATIENCE_MS)

  it('finds a path too long that has an authority below the issuing one, whose path length is 0', async () => {
    const chain = await chainThatIsTooLong(service.ctx)
    expect(await judged(byEachWay(chain))).to.deep.equal(threeTimes('PATH_TOO_LONG'))
  }).timeout(PATIENCE_MS)

  it('finds a signature of which one bit was altered wrong', async () => {
    const [leaf = Buffer.alloc(0), ...rest] = await chainOf(service.credential)
    const altered = Buffer.from(leaf)
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    expect(await judged(byEachWay([altered, ...rest]))).to.deep.equal(threeTimes('INVALID_SIGNATURE'))
  }).timeout(PATIENCE_MS)

  it('does not find good by OCSP what was planned and never issued', async () => {
    const planned = await service.newCredential()
    const chain = await chainOf(planned)
    await service.sql(`update certificate set state = 'planned' where id = $1`, [await idOf(planned)])
    expect(await judged([{ chain, way: 'ocsp' }])).to.deep.equal(['UNDETERMINED_REVOCATION_STATUS'])
    await service.sql(`update certificate set state = 'issued' where id = $1`, [await idOf(planned)])
  }).timeout(PATIENCE_MS)
})
