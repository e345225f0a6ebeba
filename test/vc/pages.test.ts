import { expect } from 'chai'
import { vc } from '../../src/api/vc/router.ts'
import { needsShell, ShellFolder, ShellPage } from '../docs/shellPage.ts'
import { startService, type TestService } from '../support/startService.ts'
import { newIssuer } from './client.ts'

const page = new ShellPage('docs/vc-api.md')

describe('The page of the VC API', function () {
  this.timeout(120_000)

  describe('beside a running service', () => {
    let service: TestService | undefined
    let folder: ShellFolder | undefined
    before(async function () {
      needsShell(this)
      service = await startService()
      const { identifier: issuer } = await newIssuer(service)
      folder = new ShellFolder(service, { issuer })
    })
    after(async () => {
      folder?.remove()
      await service?.close()
    })
    afterEach(() => service?.checkState())

    it('shows commands for a shell that issue, verify and revoke, as often as somebody pastes them', async () => {
      expect(page.blocks).to.have.length(1)
      expect(page.text).to.contain(
        'It prints `true`, `The credential was revoked.` and `BitstringStatusList`.',
      )
      for (let times = 0; times < 2; times++) {
        expect(await folder?.run(page)).to.equal('true\nThe credential was revoked.\nBitstringStatusList\n')
      }
    })
  })

  it('names every endpoint that is served, and files that exist', () => {
    for (const { path } of vc.endpoints) {
      const short = path.replace('/presentations/verify/proof', '…/verify/proof')
      expect(page.text, path).to.contain(short)
    }
    page.expectFiles(8)
  })

  it('names every option of issue', () => {
    const table = /### Options of issue(.*?)###/s.exec(page.text)?.[1] ?? ''
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
