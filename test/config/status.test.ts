import { expect } from 'chai'
import { Files, load, problems } from './files.ts'

describe('the configuration of status lists', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  const file = (status: unknown): string =>
    files.changed('test.json', (config) => {
      config['database'] = { url: 'postgres://x@127.0.0.1/x' }
      if (status !== undefined) config['status'] = status
    })
  const loaded = (status: unknown) => load({ INTAGLIO_CONFIG: file(status) }).config.status
  const refused = (status: unknown): readonly string[] => problems({ INTAGLIO_CONFIG: file(status) })

  it('is what most need where there is none', () => {
    expect(loaded(undefined)).to.deep.equal({ entries: 131_072, validSeconds: 86_400, ttlSeconds: 300 })
  })

  it('takes lists of a million entries, and its settings from environment names', () => {
    expect(loaded({ entries: 1_048_576 }).entries).to.equal(1_048_576)
    const env = { INTAGLIO_CONFIG: file({}), INTAGLIO_STATUS_TTL_SECONDS: '0' }
    expect(load(env).config.status.ttlSeconds).to.equal(0)
  })

  for (const [what, status, path] of [
    ['a list in which a credential hides among fewer than 131,072', { entries: 131_064 }, 'entries'],
    ['half an octet', { entries: 131_076 }, 'entries'],
    ['a list that a relying party would not unpack', { entries: 8_388_616 }, 'entries'],
    ['lists that end within ten minutes', { validSeconds: 599, ttlSeconds: 0 }, 'validSeconds'],
    ['lists that are good for more than thirty days', { validSeconds: 2_592_001 }, 'validSeconds'],
    ['a time in caches below none', { ttlSeconds: -1 }, 'ttlSeconds'],
  ] as const) {
    it(`refuses ${what}`, () => {
      const [problem = '', ...others] = refused(status)
      expect(problem).to.contain(`status.${path}: `)
      expect(others).to.deep.equal([])
    })
  }

  it('refuses a time in caches of more than half of what lists are good for: they would end there', () => {
    const [problem = ''] = refused({ validSeconds: 600, ttlSeconds: 301 })
    expect(problem).to.match(/status\.ttlSeconds: is above half of validSeconds$/)
    expect(refused({ validSeconds: 600, ttlSeconds: 300 })).to.deep.equal([])
  })

  it('knows its fields', () => {
    expect(refused({ length: 131_072 })[0]).to.match(/: status\.length: unknown key$/)
  })
})
