import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import { revoke, suspend } from '../../src/pki/revoke.ts'
import { Lists, pemOf } from '../pki/lists.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { commandPath, judge, type Probe } from './judge.ts'

/** Python of an environment that has pkilint: python3 -m venv there, there/bin/pip install pkilint */
const PYTHON = process.env['INTAGLIO_TEST_PKILINT']
const LINT =
  PYTHON === undefined
    ? commandPath('lint_crl')
    : [join(dirname(PYTHON), 'lint_crl')].find((path) => existsSync(path))
const PATIENCE_MS = 300_000
/** TABLE of reasons, the one for what is on hold aside, as GnuTLS does not name them. */
const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const

function pkilint(): Probe {
  if (LINT === undefined)
    return {
      missing: 'there is no lint_crl; INTAGLIO_TEST_PKILINT names the Python of an environment with pkilint',
    }
  const asked = 'import importlib.metadata as m; print(m.version("pkilint"))'
  const version = execFileSync(join(dirname(LINT), 'python3'), ['-c', asked], { encoding: 'utf8' })
  return { version: version.trim() }
}

function certtool(): Probe {
  if (commandPath('certtool') === undefined) return { missing: 'certtool of GnuTLS not found' }
  const [first = ''] = execFileSync('certtool', ['--version'], { encoding: 'utf8' }).split('\n')
  return { version: first.replace('certtool ', '') }
}

/** What lists there are to be judged: of each issuer the whole one and shards, without entries and with all kinds of them. */
class Published {
  readonly lists: Lists
  readonly #service: TestService

  private constructor(service: TestService, lists: Lists) {
    this.#service = service
    this.lists = lists
  }

  static async by(service: TestService): Promise<Published> {
    return new Published(service, await Lists.of(service))
  }

  /** Revokes one certificate for each reason, and holds one. */
  async fill(): Promise<TestCredential[]> {
    const { ctx } = this.#service
    const all: TestCredential[] = []
    for (const reason of [...REASONS, undefined]) {
      const credential = await this.#service.newCredential()
      const certificateId = await this.#idOf(credential)
      if (reason === undefined) await suspend(ctx, { certificateId, actor: 'service' })
      else await revoke(ctx, { certificateId, reason, actor: 'service' })
      all.push(credential)
    }
    await publishDue(ctx)
    return all
  }

  async #idOf({ id }: TestCredential): Promise<string> {
    const asked = 'select certificate_id as id from credential where id = $1'
    return (await this.#service.sql<{ id: string }>(asked, [id]))[0]?.id ?? ''
  }
}

const open = (): { readonly published: () => Published; readonly checkState: () => Promise<void> } => {
  let service: TestService
  let published: Published
  before(async () => {
    service = await startService()
    published = await Published.by(service)
  })
  after(async () => {
    published.lists.remove()
    await service.close()
  })
  return { published: () => published, checkState: () => service.checkState() }
}

judge('pkilint, of revocation lists', pkilint, (tally) => {
  const { published, checkState } = open()
  afterEach(checkState)

  /** Its status is the number of its findings. */
  const findings = (der: Buffer, type: 'CRL' | 'ARL'): unknown => {
    const file = published().lists.file('list.crl', der)
    const options = [
      'lint',
      '-t',
      type,
      '-p',
      'PKIX',
      '-s',
      'WARNING',
      '-f',
      'JSON',
      '--document-format',
      'DER',
    ]
    const { stdout, stderr } = spawnSync(LINT ?? '', [...options, file], { encoding: 'utf8' })
    if (!stdout.startsWith('{')) throw new Error(stderr)
    tally.add('lists')
    return (JSON.parse(stdout) as { results: unknown[] }).results
  }

  it('finds neither error nor warning in lists without entries, whole and sharded, of both authorities', async () => {
    const { lists } = published()
    for (const shard of [undefined, 0, 127]) {
      expect(findings(await lists.octets(lists.path(shard)), 'CRL')).to.deep.equal([])
    }
    const ofRoot = lists.path(undefined, lists.root)
    expect(findings(await lists.octets(ofRoot), 'ARL')).to.deep.equal([])
  }).timeout(PATIENCE_MS)

  it('finds neither in lists with entries, of each reason and of what is on hold, and they keep what has expired', async () => {
    const { lists } = published()
    const credentials = await published().fill()
    const whole = await lists.octets(lists.path())
    expect(await lists.text(lists.path())).to.match(/2\.5\.29\.60|Expired Certs On CRL/i)
    expect(findings(whole, 'CRL')).to.deep.equal([])
    const shards = new Set(await Promise.all(credentials.map((one) => lists.shardOf(one))))
    for (const shard of shards) {
      const octets = await lists.octets(lists.path(shard))
      expect(findings(octets, 'CRL')).to.deep.equal([])
    }
  }).timeout(PATIENCE_MS)
})

judge('certtool of GnuTLS, of revocation lists', certtool, (tally) => {
  const { published, checkState } = open()
  afterEach(checkState)

  it('verifies them by their issuers, whole and sharded, and finds the entries that there are', async () => {
    const { lists } = published()
    const credentials = await published().fill()
    const shard = await lists.shardOf(credentials[1] ?? credentials[0] ?? expect.fail('no credential'))
    for (const [path, issuer] of [
      [lists.path(), lists.issuing],
      [lists.path(shard), lists.issuing],
      [lists.path(0), lists.issuing],
      [lists.path(undefined, lists.root), lists.root],
    ] as const) {
      const file = lists.file('list.pem', pemOf(await lists.octets(path), 'X509 CRL'))
      const ca = await lists.pem('issuer.pem', `/ca/${issuer}.cer`)
      const options = ['--verify-crl', '--infile', file, '--load-ca-certificate', ca]
      const { status, stdout, stderr } = spawnSync('certtool', options, { encoding: 'utf8' })
      expect(status, stderr).to.equal(0)
      expect(stdout).to.match(/Verification output: Verified\./)
      const shown = execFileSync('certtool', ['--crl-info', '--infile', file], { encoding: 'utf8' })
      const serials = (await lists.revoked(path)).map(({ serial }) => serial.toLowerCase())
      const found = [...shown.matchAll(/Serial Number \(hex\): ([0-9a-f]+)/g)].map(([, serial]) => serial)
      expect(found).to.deep.equal(serials)
      tally.add('lists')
      tally.add('entries', found.length)
    }
  }).timeout(PATIENCE_MS)
})
