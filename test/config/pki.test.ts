import { expect } from 'chai'
import { naturalProfiles } from '../../config/pki.ts'
import { profiles, type ProfileName } from '../../src/pki/profiles.ts'
import { Files, load, problems } from './files.ts'

describe('what certificates assert', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  const DEVICE = { token: 'main', certifiedAs: 'qscd', certificate: 'EN 419 221-5, example 2025/1' }
  const PDS = [{ language: 'en', url: 'https://www.example.org/pds' }]
  const production = (ca: object): readonly string[] =>
    problems({
      INTAGLIO_CONFIG: files.changed('production.example.json', (config) => {
        config['ca'] = { ...(config['ca'] as object), ...ca }
      }),
    })

  it('is nothing of a device where none is declared', () => {
    for (const [name, device] of Object.entries(naturalProfiles)) {
      const expected =
        device === undefined
          ? []
          : [`ca.naturalPersons: ${name} asserts a certified device, and ca.device declares none`]
      expect(production({ naturalPersons: name, pds: PDS }), name).to.deep.equal(expected)
    }
  })

  it('is what the declared device is certified as', () => {
    for (const name of Object.keys(naturalProfiles)) {
      expect(production({ naturalPersons: name, pds: PDS, device: DEVICE }), name).to.deep.equal([])
    }
    const device = { ...DEVICE, certifiedAs: 'secure' }
    expect(production({ naturalPersons: 'qcp-n', pds: PDS, device })).to.deep.equal([])
    expect(production({ naturalPersons: 'qcp-n-qscd', pds: PDS, device })).to.deep.equal([
      'ca.naturalPersons: qcp-n-qscd asserts a QSCD, and ca.device is certified as none',
    ])
  })

  it('is never of software', () => {
    const file = files.changed('test.json', (config) => {
      config['ca'] = {
        ...(config['ca'] as object),
        naturalPersons: 'qcp-n-qscd',
        pds: PDS,
        device: { ...DEVICE, token: 'softhsm' },
      }
    })
    expect(problems({ INTAGLIO_CONFIG: file, DATABASE_URL: 'postgres://a@127.0.0.1/b' })).to.deep.equal([
      "ca.device.token: 'softhsm' is SoftHSM: software is no certified device",
    ])
  })

  it('is of a token that there is', () => {
    expect(production({ device: { ...DEVICE, token: 'other' } })).to.deep.equal([
      "ca.device.token: there is no token 'other'",
    ])
  })

  it('is explained in English, by https', () => {
    const pds = [{ language: 'nb', url: 'https://www.example.org/pds' }]
    expect(production({ naturalPersons: 'qcp-n', pds, device: DEVICE })).to.deep.equal([
      'ca.pds: qcp-n names a PKI disclosure statement in English',
    ])
    const [found] = production({ pds: [{ language: 'en', url: 'http://www.example.org/pds' }] })
    expect(found).to.match(/: ca\.pds\.0\.url: https$/)
  })

  it('has a row for each profile that the configuration may choose', () => {
    for (const [name, device] of Object.entries(naturalProfiles)) {
      const row = profiles[name as ProfileName]
      expect({ subject: row.subject, purpose: row.purpose, device: row.device }).to.deep.equal({
        subject: 'natural person',
        purpose: 'signing',
        device,
      })
    }
    const natural = Object.values(profiles).filter(({ subject }) => subject === 'natural person')
    expect(natural.map(({ name }) => name).sort()).to.deep.equal(Object.keys(naturalProfiles).sort())
  })

  it('warns of lists that are reached by https alone', () => {
    const file = files.changed('production.example.json', (config) => {
      delete (config['ca'] as Record<string, unknown>)['publicUrl']
    })
    expect(load({ INTAGLIO_CONFIG: file }).warnings).to.deep.equal([
      'ca.publicUrl: revocation lists are to be reached by plain http (EN 319 412-2, GEN-4.3.11-4): set it before the first start',
    ])
  })
})
