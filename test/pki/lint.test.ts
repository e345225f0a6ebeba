import { expect } from 'chai'
import { schemes } from '../../hsm/algorithms.ts'
import { lint, rules } from '../../src/pki/lint.ts'
import { profiles, type ProfileName } from '../../src/pki/profiles.ts'
import { extensionDefects } from './support/defectsOfExtensions.ts'
import { fieldDefects } from './support/defectsOfFields.ts'
import { nameDefects } from './support/defectsOfNames.ts'
import { statementDefects } from './support/defectsOfStatements.ts'
import { statusDefects } from './support/defectsOfStatus.ts'
import { broken, partsOf, tbsOf } from './support/sample.ts'

const DEFECTS = [...fieldDefects, ...nameDefects, ...extensionDefects, ...statusDefects, ...statementDefects]

describe('the linter', () => {
  for (const profile of Object.keys(profiles) as ProfileName[]) {
    it(`finds nothing in a certificate of the profile ${profile}`, () => {
      expect(broken(tbsOf(partsOf(profile)), profile)).to.deep.equal([])
    })
  }

  for (const [what, rule, profile, change] of DEFECTS) {
    it(`finds ${what} (${rule})`, () => {
      expect(broken(tbsOf(change(partsOf(profile))), profile)).to.include(rule)
    })
  }

  it('has a defect for each rule', () => {
    const meant = new Set(DEFECTS.map(([, rule]) => rule))
    expect(rules.map(({ id }) => id).filter((id) => !meant.has(id))).to.deep.equal([])
    expect(new Set(rules.map(({ id }) => id)).size).to.equal(rules.length)
  })

  it('finds one certificate wrong by the profile of another', () => {
    for (const one of Object.keys(profiles) as ProfileName[]) {
      for (const other of Object.keys(profiles) as ProfileName[]) {
        const [a, b] = [profiles[one], profiles[other]]
        if (one === other || (a.subject === b.subject && a.policies.join() === b.policies.join())) continue
        expect(broken(tbsOf(partsOf(one)), other), `${one} as ${other}`).not.to.deep.equal([])
      }
    }
  })

  it('reads anything, and refuses what is not DER', () => {
    const good = tbsOf(partsOf('qcp-n-qscd'))
    const { length } = good
    for (let at = 0; at < length; at++) {
      expect(lint(good.subarray(0, at), profiles['qcp-n-qscd']), `${at} octets`).not.to.deep.equal([])
      const altered = Buffer.from(good)
      altered[at] = (altered[at] ?? 0) ^ 0x80
      expect(() => lint(altered, profiles['qcp-n-qscd'])).not.to.throw()
    }
    expect(broken(Buffer.concat([good, Buffer.from([0])]), 'qcp-n-qscd')).to.deep.equal(['tbs_is_der'])
  })

  it('knows the signature algorithms that authorities have', () => {
    for (const name of ['ecdsa-sha384', 'rsa-sha256', 'rsa-sha512', 'ed25519'] as const) {
      const parts = { ...partsOf('ncp-n'), signature: schemes[name].algorithmIdentifier }
      expect(broken(tbsOf(parts), 'ncp-n')).to.deep.equal([])
    }
  })
})
