import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { createHash, createVerify, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clone } from './clone.ts'
import { Running } from './running.ts'

describe('The demo', function () {
  this.timeout(60_000)
  let clone: Clone
  let service: Running
  let file: string

  const demo = async (args: string[], env: Record<string, string> = {}): Promise<Running> => {
    const command = [process.execPath, 'scripts/up.mjs', 'demo', ...args] as const
    const running = new Running({ clone, name: 'one', command, env })
    await running.closed
    return running
  }

  before(async () => {
    clone = new Clone({ mode: 0o755 })
    file = join(clone.root, 'some.pdf')
    writeFileSync(file, '%PDF-1.7\nnot much of a document\n')
    service = new Running({ clone, name: 'one' })
    await service.ready()
  })
  beforeEach(() => {
    rmSync(`${file}.sig`, { force: true })
    rmSync(`${file}.pem`, { force: true })
  })
  after(async () => {
    await service.stop()
    clone.remove('one')
  })

  it('signs a file and has openssl verify it', async function () {
    if (spawnSync('openssl', ['version']).status !== 0) {
      console.log('      skipped: openssl is not on the path')
      this.skip()
    }
    const ran = await demo(['some.pdf'])
    expect(await ran.exited, ran.stderr).to.equal(0)
    expect(ran.stdout).to.contain('  Verified OK\n')
    expect(ran.stdout).to.contain('some.pdf.pem: OK\n')
    const [leaf = ''] = readFileSync(`${file}.pem`, 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/)
    const judge = createVerify('sha256').update(readFileSync(file))
    expect(judge.verify(new X509Certificate(leaf).publicKey, readFileSync(`${file}.sig`))).to.equal(true)
  })

  it('verifies with Node where there is no openssl, and says so', async () => {
    const path = join(clone.root, 'path')
    mkdirSync(path)
    symlinkSync(process.execPath, join(path, 'node'))
    const ran = await demo(['some.pdf'], { PATH: path })
    expect(await ran.exited, ran.stderr).to.equal(0)
    expect(ran.stdout).to.contain(
      'Verified with Node, because openssl is not on the path:\n  the signature is good\n',
    )
    expect(ran.stdout).to.contain('  the certificates lead to ')
  })

  it('prints each request as a curl line, and no secret', async () => {
    const ran = await demo(['some.pdf'])
    const { clientSecret, pin, baseUrl } = demoJson(clone)
    expect(ran.stdout).to.not.contain(clientSecret)
    expect(ran.stdout).to.not.contain(`"${pin}"`)
    const lines = ran.stdout.split('\n').filter((line) => line.startsWith('$ curl'))
    const paths = lines.map((line) => line.split(' ').at(-1)?.slice(baseUrl.length))
    expect(paths).to.deep.equal([
      '/oauth2/token',
      '/csc/v2/credentials/list',
      '/csc/v2/credentials/info',
      '/csc/v2/credentials/authorize',
      '/csc/v2/signatures/signHash',
    ])
    const digest = createHash('sha256').update(readFileSync(file)).digest('base64')
    expect(lines[3]).to.contain(`"hashes":["${digest}"]`).and.contain(`{"id":"PIN","value":"'"$PIN"'"}`)
    expect(lines[4]).to.contain(`"SAD":"'"$SAD"'"`)
  })

  it('prints lines that a shell can run', async function () {
    if (spawnSync('curl', ['--version']).status !== 0) {
      console.log('      skipped: curl is not on the path')
      this.skip()
    }
    const ran = await demo(['some.pdf'])
    const lines = ran.stdout.split('\n')
    const set = lines.filter((line) => /^ {2}[A-Z_]+=/.test(line)).join('\n')
    const curls = lines.filter((line) => line.startsWith('$ curl')).map((line) => line.slice(2))
    const member = (name: string) => `| node -p 'JSON.parse(fs.readFileSync(0)).${name}'`
    const script = [
      set,
      `TOKEN=$(${curls[0] ?? ''} ${member('access_token')})`,
      `SAD=$(${curls[3] ?? ''} ${member('SAD')})`,
      `${curls[4] ?? ''} ${member('signatures.length')}`,
    ].join('\n')
    const { stdout, stderr } = spawnSync('sh', ['-c', script], { cwd: clone.root, encoding: 'utf8' })
    expect(stdout, stderr).to.equal('1\n')
  })

  it('asks for a file', async () => {
    const ran = await demo([])
    expect(await ran.exited).to.equal(1)
    expect(ran.stderr).to.equal('Name the file to sign: npm run demo -- some.pdf\n')
  })

  it('says that a file is not there', async () => {
    const ran = await demo(['other.pdf'])
    expect(await ran.exited).to.equal(1)
    expect(ran.stderr).to.equal('There is no file other.pdf.\n')
    expect(statSync(`${file}.sig`, { throwIfNoEntry: false })).to.equal(undefined)
  })

  it('says that the service does not run, and that it never ran', async () => {
    const { baseUrl } = demoJson(clone)
    await service.stop()
    const down = await demo(['some.pdf'])
    expect(await down.exited).to.equal(1)
    expect(down.stderr).to.equal(
      `Nothing answers at ${baseUrl} (ECONNREFUSED). Run npm start in another terminal first.\n`,
    )
    const never = await demo(['some.pdf'], { INTAGLIO_HOME: clone.home('never') })
    expect(await never.exited).to.equal(1)
    expect(never.stderr).to.equal(
      'There is no .local-never/demo.json yet: the service writes it. Run npm start in another terminal first.\n',
    )
  })
})

interface Demo {
  readonly clientSecret: string
  readonly pin: string
  readonly baseUrl: string
}

function demoJson(clone: Clone): Demo {
  return JSON.parse(readFileSync(join(clone.home('one'), 'demo.json'), 'utf8')) as Demo
}
