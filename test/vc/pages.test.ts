import { expect } from 'chai'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { vc } from '../../src/api/vc/router.ts'
import { startService, type TestService } from '../support/startService.ts'
import { newIssuer } from './client.ts'

const root = resolve(import.meta.dirname, '../..')
const PROGRAMS = ['curl', 'sh']
const PAGE = 'docs/vc-api.md'
const page = readFileSync(join(root, PAGE), 'utf8')
const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text)

describe('The page of the VC API', function () {
  this.timeout(120_000)

  describe('beside a running service', () => {
    let service: TestService
    let folder: string
    before(async function () {
      const missing = PROGRAMS.filter((name) => spawnSync(name, ['--help']).error !== undefined)
      if (missing.length > 0) {
        console.log(`      skipped: ${missing.join(', ')} is not on the path`)
        this.skip()
      }
      service = await startService()
      folder = mkdtempSync(join(tmpdir(), 'intaglio-vc-api-'))
      mkdirSync(join(folder, '.local'))
      const { client, url: baseUrl } = service
      const { identifier: issuer } = await newIssuer(service)
      const demo = { baseUrl, clientId: client.id, clientSecret: client.secret, issuer }
      writeFileSync(join(folder, '.local/demo.json'), JSON.stringify(demo))
    })
    after(async () => {
      rmSync(folder, { recursive: true, force: true })
      await service.close()
    })
    afterEach(() => service.checkState())

    it('shows commands for a shell that issue, verify and revoke, as often as somebody pastes them', async () => {
      expect(blocks).to.have.length(1)
      expect(page).to.contain('It prints `true`, `The credential was revoked.` and `BitstringStatusList`.')
      for (let times = 0; times < 2; times++) {
        const script = ['set -eu', ...blocks].join('\n')
        const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder })
        expect(stdout).to.equal('true\nThe credential was revoked.\nBitstringStatusList\n')
      }
    })
  })

  it('names every endpoint that is served, and files that exist', () => {
    for (const { path } of vc.endpoints) {
      const short = path.replace('/presentations/verify/proof', '…/verify/proof')
      expect(page, path).to.contain(short)
    }
    const files = [...page.matchAll(/\]\((?!#|http)([^)#]+)/g)].map(([, file = '']) => file)
    expect(files.length).to.be.greaterThan(8)
    for (const file of files) expect(existsSync(join(root, dirname(PAGE), file)), file).to.equal(true)
  })

  it('names every option of issue', () => {
    const table = /### Options of issue(.*?)###/s.exec(page)?.[1] ?? ''
    for (const name of [
      'enveloped',
      'format',
      'cryptosuite',
      'mandatoryPointers',
      'selective',
      'holder',
      'status',
      'credentialId',
    ])
      expect(table).to.contain(`\`${name}\``)
  })
})
