import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { judge, type Probe } from './judge.ts'

/** Of an environment that has pyHanko: python3 -m venv there, there/bin/pip install pyhanko aiohttp */
const PYTHON = process.env['INTAGLIO_TEST_PYTHON'] ?? 'python3'
const SCRIPT = join(import.meta.dirname, 'pyHanko.py')

function probe(): Probe {
  const asked = 'import aiohttp, pyhanko.sign.signers.csc_signer, pyhanko.version as v; print(v.__version__)'
  try {
    const version = execFileSync(PYTHON, ['-c', asked], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return { version: version.trim() }
  } catch {
    return {
      missing: `${PYTHON} has no pyHanko with aiohttp; INTAGLIO_TEST_PYTHON names one of an environment that has`,
    }
  }
}

judge('pyHanko', probe, (tally) => {
  let service: TestService

  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  /** Token and PIN go by the standard input, as secrets do. */
  const run = async (given: Record<string, string>): Promise<unknown> => {
    const running = promisify(execFile)(PYTHON, [SCRIPT])
    running.child.stdin?.end(JSON.stringify(given))
    return JSON.parse((await running).stdout) as unknown
  }

  for (const version of ['v1', 'v2']) {
    for (const keyType of ['P-256', 'RSA-2048'] as const) {
      it(`signs three PDFs by one authorisation at /csc/${version} with ${keyType}, and trusts them`, async () => {
        const { id: credential, pin } = await service.newCredential({ keyType })
        const token = await service.serviceToken()
        const good = { intact: true, valid: true, trusted: true }
        expect(await run({ url: service.url, version, token, credential, pin })).to.deep.equal({
          authorised: [3],
          signatures: [good, good, good],
        })
        tally.add('PDF signatures', 3)
      }).timeout(120_000)
    }
  }
})
