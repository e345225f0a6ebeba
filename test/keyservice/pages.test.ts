import { expect } from 'chai'
import { needsShell, ShellFolder, ShellPage } from '../docs/shellPage.ts'
import { startService, type TestService } from '../support/startService.ts'

const readme = new ShellPage('README.md')
const page = new ShellPage('docs/key-service.md')

describe("The key service's pages", function () {
  this.timeout(120_000)
  let service: TestService | undefined
  let folder: ShellFolder | undefined
  before(async function () {
    needsShell(this)
    service = await startService()
    folder = new ShellFolder(service)
    for (const secret of ['my-secret-key', 'one of two', 'two of two', 'a new one'])
      service.keepSecret(secret)
  })
  after(async () => {
    folder?.remove()
    await service?.close()
  })
  afterEach(() => service?.checkState())

  it('README: commands for a shell that sign a credential, and verify it', async () => {
    expect(readme.blocks).to.have.length(1)
    expect(await folder?.run(readme)).to.equal('Verified John Doe\n')
    expect(readme.text).to.contain('It prints `Verified John Doe`.')
    // As often as somebody pastes them.
    expect(await folder?.run(readme)).to.equal('Verified John Doe\n')
  })

  it('docs/key-service.md: commands for a shell that activate, sign twice, and rotate', async () => {
    expect(await folder?.run(page)).to.equal('Ada\nrotated\n')
  })

  it('name files that exist', () => {
    page.expectFiles(5)
  })
})
