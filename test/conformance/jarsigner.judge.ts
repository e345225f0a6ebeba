import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { rootCertificate } from '../../src/pki/hierarchy.ts'
import { pem } from '../pki/tsaClient.ts'
import { startService, type TestService } from '../support/startService.ts'
import { commandPath, judge, type Probe } from './judge.ts'

const COMMANDS = ['jarsigner', 'keytool', 'jar']
const PASSWORD = 'changeit'

function probe(): Probe {
  const missing = COMMANDS.filter((command) => commandPath(command) === undefined)
  if (missing.length > 0) return { missing: `${missing.join(', ')} of a JDK not found` }
  const said = execFileSync('jar', ['--version'], { encoding: 'utf8' })
  return { version: /\d+(\.\d+)*/.exec(said)?.[0] ?? 'of some JDK' }
}

judge('jarsigner', probe, (tally) => {
  let service: TestService
  let folder: string
  before(async function () {
    this.timeout(600_000)
    folder = mkdtempSync(join(tmpdir(), 'intaglio-jar-'))
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })

  const run = async (command: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd: folder })
    return stdout + stderr
  }

  it('takes timestamps from the service, and trusts them', async () => {
    const store = ['-keystore', 'store.p12', '-storepass', PASSWORD]
    const made = [
      '-genkeypair',
      '-alias',
      'me',
      '-keyalg',
      'EC',
      '-groupname',
      'secp256r1',
      '-dname',
      'CN=Me',
    ]
    await run('keytool', ...made, ...store)
    writeFileSync(join(folder, 'root.pem'), pem(await rootCertificate(service.ctx)))
    await run('keytool', '-importcert', '-noprompt', '-alias', 'root', '-file', 'root.pem', ...store)
    for (const hash of ['SHA-256', 'SHA-512']) {
      writeFileSync(join(folder, 'content.txt'), hash)
      await run('jar', '--create', '--file', 'it.jar', 'content.txt')
      const tsa = ['-tsa', `${service.url}/pki/tsa`, '-tsadigestalg', hash, '-tsapolicyid', '2.999.3161']
      const signed = await run('jarsigner', ...store, ...tsa, 'it.jar', 'me')
      expect(signed).to.include('jar signed.')
      const verified = await run('jarsigner', '-verify', '-verbose', '-certs', ...store, 'it.jar')
      expect(verified).to.include('jar verified.')
      expect(verified).to.match(
        /Timestamped by "CN=Time-stamping unit [0-9a-f]{8}, O=Intaglio Test, C=NO" on /,
      )
      expect(verified).to.not.match(/timestamp.*(invalid|untrusted|not trusted)/i)
      tally.add('timestamps')
    }
  }).timeout(600_000)
})
