import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { certIdOf, newNonce, OcspClient, requestFor, serialOf } from '../pki/ocspClient.ts'
import { copyOf } from '../pki/ocspCopies.ts'
import { startService, type TestService } from '../support/startService.ts'
import { commandPath, judge, type Probe } from './judge.ts'

/** Python of an environment that has pkilint: python3 -m venv there, there/bin/pip install pkilint */
const PYTHON = process.env['INTAGLIO_TEST_PKILINT']
const LINT =
  PYTHON === undefined
    ? commandPath('lint_ocsp_response')
    : [join(dirname(PYTHON), 'lint_ocsp_response')].find((path) => existsSync(path))

function pkilint(): Probe {
  if (LINT === undefined)
    return {
      missing:
        'there is no lint_ocsp_response; INTAGLIO_TEST_PKILINT names the Python of an environment with pkilint',
    }
  const asked = 'import importlib.metadata as m; print(m.version("pkilint"))'
  const version = execFileSync(join(dirname(LINT), 'python3'), ['-c', asked], { encoding: 'utf8' })
  return { version: version.trim() }
}

judge('pkilint, of OCSP responses', pkilint, (tally) => {
  let service: TestService
  let folder: string
  before(async () => {
    service = await startService()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-pkilint-'))
  })
  afterEach(() => service.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })

  const ROWS = [
    ['good', ''],
    ['revoked', `state = 'revoked', revoked_at = now(), revocation_reason = 'keyCompromise'`],
    ['revoked without a reason', `state = 'revoked', revoked_at = now(), revocation_reason = 'unspecified'`],
    ['unknown', `state = 'planned', der = null`],
    ['expired', `not_before = now() - interval '2 days', not_after = now() - interval '1 day'`],
  ] as const
  for (const [what, change] of ROWS) {
    it(`finds neither error nor warning in an answer about what is ${what}`, async () => {
      const client = await OcspClient.of(service)
      const leaf = service.credential.certificate
      const [serial = serialOf(leaf)] = await copyOf(service, leaf, { count: 1, change })
      for (const hash of ['sha1', 'sha256'] as const) {
        for (const nonce of [undefined, newNonce()]) {
          const { der } = await client.post(
            requestFor([certIdOf({ issuer: client.issuer, serial, hash })], nonce),
          )
          expect(findings(der)).to.deep.equal([])
          tally.add('answers')
        }
      }
    }).timeout(300_000)
  }

  function findings(der: Buffer): unknown {
    const file = join(folder, 'answer.der')
    writeFileSync(file, der)
    const options = ['lint', '-s', 'WARNING', '-f', 'JSON', '--document-format', 'DER', file]
    return (JSON.parse(run(options)) as { results: unknown[] }).results
  }

  /** Its status is the number of its findings. */
  function run(options: readonly string[]): string {
    try {
      return execFileSync(LINT ?? '', options, { encoding: 'utf8' })
    } catch (error) {
      const { stdout } = error as { stdout?: unknown }
      if (typeof stdout === 'string' && stdout.startsWith('{')) return stdout
      throw error
    }
  }
})
