import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clone } from './clone.ts'

const LEFT_OUT = [
  'hsm',
  ...['api', 'credentials', 'deliveries', 'metrics', 'outgoing', 'pki', 'signing'].map((one) => `src/${one}`),
]

describe('Setting up', function () {
  this.timeout(60_000)
  let clone: Clone

  const node = (...args: string[]) =>
    spawnSync(process.execPath, args, {
      cwd: clone.root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    })
  const inBuild = (file: string): string => join(clone.root, 'dist', file)

  before(() => {
    clone = new Clone({ mode: 0o755, unbuilt: true })
    // It is built again and again, and takes its time by the file: those that are left show as much as all would.
    for (const folder of LEFT_OUT) rmSync(join(clone.root, folder), { recursive: true })
    mkdirSync(join(clone.root, 'hsm'))
  })
  after(() => clone.remove())

  it('says that Node is too old', () => {
    const older =
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.1' } })"
    const { status, stderr } = node('--import', `data:text/javascript,${older}`, 'scripts/up.mjs', 'start')
    expect(stderr).to.equal(
      'Intaglio needs Node 20.19 or newer, and this is 20.18.1. ' +
        'Install Node 24 LTS from https://nodejs.org or with your version manager (nvm install 24).\n',
    )
    expect(status).to.equal(1)
  })

  it('names its commands', () => {
    const { status, stderr } = node('scripts/up.mjs', 'nonsense')
    expect(stderr).to.match(/^node scripts\/up\.mjs <command>\n/)
    expect(status).to.equal(1)
  })

  it('says that the command line is not built yet', () => {
    const { status, stderr } = node('scripts/intaglio.mjs', '--help')
    expect(stderr).to.equal('The command line is not built yet. Run npm start once, or npm run build.\n')
    expect(status).to.equal(1)
  })

  it('builds what changed, with what the code reads beside it, and once', () => {
    clone.build()
    expect(existsSync(inBuild('src/db/migrations/0001_core.sql'))).to.equal(true)
    const builtAt = statSync(inBuild('src/server.js')).mtimeMs
    clone.build()
    expect(statSync(inBuild('src/server.js')).mtimeMs).to.equal(builtAt)
    const added = join(clone.root, 'src/added.ts')
    writeFileSync(added, 'export const added = 1\n')
    clone.build()
    expect(existsSync(inBuild('src/added.js'))).to.equal(true)
    rmSync(added)
    clone.build()
    expect(existsSync(inBuild('src/added.js'))).to.equal(false)
  })

  it('waits for no command that is gone', () => {
    mkdirSync(join(clone.root, '.local'), { recursive: true })
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(join(clone.root, '.local', 'build.lock'), `${pid}\n`)
    rmSync(inBuild('.built'), { force: true })
    clone.build()
    expect(existsSync(inBuild('.built'))).to.equal(true)
    expect(existsSync(join(clone.root, '.local', 'build.lock'))).to.equal(false)
  })
})
