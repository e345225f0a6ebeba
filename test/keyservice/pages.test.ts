import { expect } from 'chai'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { startService, type TestService } from '../support/startService.ts'

const root = resolve(import.meta.dirname, '../..')
const PROGRAMS = ['curl', 'sh']

const page = (name: string): string => readFileSync(join(root, name), 'utf8')
const blocks = (name: string): string[] =>
  [...page(name).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text)

describe("The key service's pages", function () {
  this.timeout(120_000)
  let service: TestService
  let folder: string
  before(async function () {
    const missing = PROGRAMS.filter((name) => spawnSync(name, ['--help']).error !== undefined)
    if (missing.length > 0) {
      console.log(`      skipped: ${missing.join(', ')} is not on the path`)
      this.skip()
    }
    service = await startService()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-key-service-'))
    mkdirSync(join(folder, '.local'))
    const { client, url: baseUrl } = service
    const demo = { baseUrl, clientId: client.id, clientSecret: client.secret }
    writeFileSync(join(folder, '.local/demo.json'), JSON.stringify(demo))
    for (const secret of ['my-secret-key', 'one of two', 'two of two', 'a new one'])
      service.keepSecret(secret)
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })
  afterEach(() => service.checkState())

  const run = async (name: string): Promise<string> => {
    const script = ['set -eu', ...blocks(name)].join('\n')
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder })
    return stdout
  }

  it('README: commands for a shell that sign a credential, and verify it', async () => {
    expect(blocks('README.md')).to.have.length(1)
    expect(await run('README.md')).to.equal('Verified John Doe\n')
    expect(page('README.md')).to.contain('It prints `Verified John Doe`.')
    // As often as somebody pastes them.
    expect(await run('README.md')).to.equal('Verified John Doe\n')
  })

  it('docs/key-service.md: commands for a shell that activate, sign twice, and rotate', async () => {
    expect(await run('docs/key-service.md')).to.equal('Ada\nrotated\n')
  })

  it('name files that exist', () => {
    for (const name of ['docs/key-service.md']) {
      const files = [...page(name).matchAll(/\]\((?!#|http)([^)#]+)/g)].map(([, file = '']) => file)
      expect(files.length).to.be.greaterThan(5)
      for (const file of files) expect(existsSync(join(root, dirname(name), file)), file).to.equal(true)
    }
  })
})
