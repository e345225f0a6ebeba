import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { sharedFolder, vectorFiles } from '../support/wycheproof.ts'
import { wycheproof } from './wycheproof.suite.ts'

describe('Wycheproof', () => {
  if (!existsSync(sharedFolder)) {
    it('is skipped: there are no vectors beside this checkout', function () {
      this.skip()
    })
    return
  }
  it('is there for each family of algorithms', () => {
    const families = vectorFiles(sharedFolder).map(
      ({ scheme, encoding }) => `${scheme.name} ${encoding ?? ''}`,
    )
    expect(families).to.include.members([
      'ecdsa-sha256 DER',
      'ecdsa-sha256 P1363',
      'rsa-sha256 ',
      'pss-sha256 ',
      'ed25519 ',
    ])
  })
  wycheproof(sharedFolder, () => undefined)
})
