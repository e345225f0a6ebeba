import { expect } from 'chai'
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { intaglio } from '../support/cli.ts'
import { startService, type TestService } from '../support/startService.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/client.md'), 'utf8')
const PROGRAMS = ['curl', 'openssl', 'sh']

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  )
}

describe("The clients' page", () => {
  let service: TestService
  let folder: string
  before(async () => {
    service = await startService()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-client-'))
    const home = join(folder, '.local')
    mkdirSync(join(home, 'operators'), { recursive: true })
    for (const [name, identity] of Object.entries(service.operators)) {
      const file = join(home, 'operators', `${name}.json`)
      writeFileSync(file, JSON.stringify({ ...identity, url: service.url }))
    }
    const { client, person, credential } = service
    const demo = {
      baseUrl: service.url,
      clientId: client.id,
      clientSecret: client.secret,
      userID: person.id,
      credentialID: credential.id,
      pin: credential.pin,
    }
    writeFileSync(join(home, 'demo.json'), JSON.stringify(demo))
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })
  afterEach(() => service.checkState())

  /** @returns the id of the seal; its code is where the page says */
  const createSeal = async (): Promise<string> => {
    const [command = ''] = blocks('console').map((block) => block.trimEnd().slice(2))
    const args = command
      .replace('<person>', service.person.id)
      .replace('--client demo', `--client ${service.client.id}`)
      .split(' ')
    expect(args.slice(0, 2)).to.deep.equal(['npx', 'intaglio'])
    const { code, out, err } = await intaglio(args.slice(2), {
      env: { INTAGLIO_HOME: join(folder, '.local') },
    })
    expect(code, err).to.equal(0)
    const secret = /#(\S+)/.exec(out)?.[1] ?? ''
    service.keepSecret(secret)
    writeFileSync(join(folder, 'seal.code'), secret)
    return /^id +(\S+)$/m.exec(out)?.[1] ?? ''
  }

  it('shows commands for a shell that work, in their order', async function () {
    const missing = PROGRAMS.filter((name) => spawnSync(name, ['--help']).error !== undefined)
    if (missing.length > 0) {
      console.log(`      skipped: ${missing.join(', ')} is not on the path`)
      this.skip()
    }
    const seal = await createSeal()
    const script = ['set -eu', ...blocks('sh')].join('\n').replace('<credential>', seal)
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder })
    service.keepSecret(readFileSync(join(folder, 'seal.pin'), 'utf8'))
    expect(stdout.split('\n')).to.deep.equal(['Verified OK', '{"revokedCredentials":[]}1', '1', '1', ''])
    expect(await service.acts('sign', `credential:${seal}`)).to.have.length(6)
  }).timeout(120_000)

  it('names settings that exist', () => {
    expect(page).to.contain('/docs').and.contain('/openapi.json')
    for (const file of ['test/conformance/pyHanko.py', 'docs/tls.md']) {
      expect(() => readFileSync(resolve(import.meta.dirname, '../..', file))).to.not.throw()
    }
  })
})
