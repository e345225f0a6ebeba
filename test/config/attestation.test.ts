import { expect } from 'chai'
import { Files, load, problems } from './files.ts'

const ISSUER = '4f0c7d7e-2b1c-4a54-9d0e-6f5f5a2f4c11'
const AT = 'https://certified.example/1'

describe('the configuration of key attestations', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  const file = (attestation: unknown, tokens = 1): string =>
    files.changed('test.json', (config) => {
      config['database'] = { url: 'postgres://x@127.0.0.1/x' }
      if (attestation !== undefined) config['attestation'] = attestation
      const [token] = config['tokens'] as Record<string, unknown>[]
      config['tokens'] = Array.from({ length: tokens }, (_, n) => ({ ...token, name: `t${String(n)}` }))
    })
  const loaded = (attestation: unknown, tokens?: number) =>
    load({ INTAGLIO_CONFIG: file(attestation, tokens) }).config.attestation
  const refused = (attestation: unknown, tokens?: number): readonly string[] =>
    problems({ INTAGLIO_CONFIG: file(attestation, tokens) })

  it('is none where nobody writes it: nothing is attested', () => {
    expect(loaded(undefined)).to.equal(undefined)
  })

  it('claims nothing by default, and is good for a day', () => {
    expect(loaded({ issuer: ISSUER })).to.deep.equal({ issuer: ISSUER, validSeconds: 86_400 })
  })

  it('takes what an operator claims, and settings from environment names', () => {
    const all = {
      issuer: ISSUER,
      token: 't0',
      keyStorage: ['iso_18045_high', 'iso_18045_moderate', 'iso_18045_enhanced-basic', 'iso_18045_basic'],
      userAuthentication: ['iso_18045_basic'],
      certification: AT,
      validSeconds: 60,
    }
    expect(loaded(all)).to.deep.equal(all)
    expect(loaded({ ...all, certification: [AT, `${AT}/b`] })?.certification).to.deep.equal([AT, `${AT}/b`])
    const env = { INTAGLIO_CONFIG: file(all), INTAGLIO_ATTESTATION_VALID_SECONDS: '600' }
    expect(load(env).config.attestation?.validSeconds).to.equal(600)
    expect(loaded({ ...all, token: 't1' }, 2)?.token).to.equal('t1')
  })

  for (const [what, attestation, path] of [
    ['no issuer', {}, 'issuer'],
    ['an issuer by its DID', { issuer: 'did:web:a.example' }, 'issuer'],
    ['a value that ISO/IEC 18045 has not', { keyStorage: ['iso_18045_low'] }, 'keyStorage.0'],
    ['no value at all', { keyStorage: [] }, 'keyStorage'],
    ['a value twice', { keyStorage: ['iso_18045_high', 'iso_18045_high'] }, 'keyStorage'],
    ['a value that is no list', { userAuthentication: 'iso_18045_high' }, 'userAuthentication'],
    ['a certification that is no address', { certification: 'EAL4' }, 'certification'],
    ['one that is no address of the web', { certification: 'file:///a' }, 'certification'],
    ['a list of none', { certification: [] }, 'certification'],
    ['one that ends on the way', { validSeconds: 59 }, 'validSeconds'],
    ['one of more than thirty days', { validSeconds: 2_592_001 }, 'validSeconds'],
  ] as const) {
    it(`refuses ${what}`, () => {
      const issuer = path === 'issuer' ? {} : { issuer: ISSUER }
      const [problem = '', ...others] = refused({ ...issuer, ...attestation })
      expect(problem).to.contain(`attestation.${path}: `)
      expect(others).to.deep.equal([])
    })
  }

  it('says which of several tokens it is about, by a name that one has', () => {
    expect(refused({ issuer: ISSUER }, 2)).to.deep.equal([
      'attestation.token: missing: there are several tokens',
    ])
    expect(refused({ issuer: ISSUER, token: 'other' })).to.deep.equal([
      "attestation.token: there is no token 'other'",
    ])
  })

  it('knows its fields', () => {
    expect(refused({ issuer: ISSUER, status: {} })[0]).to.match(/: attestation\.status: unknown key$/)
  })
})
