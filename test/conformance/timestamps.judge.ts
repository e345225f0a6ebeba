import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { rootCertificate } from '../../src/pki/hierarchy.ts'
import { startService, type TestService } from '../support/startService.ts'
import { judge, type Probe } from './judge.ts'

/** Of an environment that has pyHanko: python3 -m venv there, there/bin/pip install pyhanko requests */
const PYTHON = process.env['INTAGLIO_TEST_PYTHON'] ?? 'python3'
const SCRIPT = join(import.meta.dirname, 'timestamps.py')
const HASHES = ['sha256', 'sha384', 'sha512']

function probe(): Probe {
  const asked = 'import requests, pyhanko.sign, pyhanko.version as v; print(v.__version__)'
  try {
    const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore']
    return { version: execFileSync(PYTHON, ['-c', asked], { encoding: 'utf8', stdio }).trim() }
  } catch {
    return {
      missing: `${PYTHON} has no pyHanko with requests; INTAGLIO_TEST_PYTHON names one of an environment that has`,
    }
  }
}

judge("pyHanko's HTTPTimeStamper", probe, (tally) => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  it('takes timestamps for PDFs and for PAdES-T signatures, and trusts them by the root alone', async () => {
    const running = promisify(execFile)(PYTHON, [SCRIPT])
    const root = (await rootCertificate(service.ctx)).toString('base64')
    running.child.stdin?.end(JSON.stringify({ url: `${service.url}/pki/tsa`, root, hashes: HASHES }))
    const good = { intact: true, valid: true, trusted: true }
    expect(JSON.parse((await running).stdout)).to.deep.equal({
      documents: HASHES.map(() => good),
      signatures: HASHES.map(() => ({ ...good, timestamp: good })),
    })
    tally.add('timestamped PDFs', HASHES.length)
    tally.add('PAdES-T signatures', HASHES.length)
  }).timeout(120_000)
})
