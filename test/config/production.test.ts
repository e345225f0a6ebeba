import { expect } from 'chai'
import { Files, load, problems, type Change } from './files.ts'

describe('the configuration of production', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  const production = (change: Change): readonly string[] =>
    problems({ INTAGLIO_CONFIG: files.changed('production.example.json', change) })

  it('wants its public URL', () => {
    expect(production((config) => delete config['baseUrl'])).to.deep.equal([
      'baseUrl: production needs the public https URL of this service',
    ])
  })

  it('refuses http', () => {
    expect(production((config) => (config['baseUrl'] = 'http://sign.example.org'))).to.deep.equal([
      'baseUrl: production is reached by https only',
    ])
  })

  it('refuses one database role for owner and service', () => {
    const found = production((config) => {
      config['database'] = { url: 'postgres://one:a@127.0.0.1/x', ownerUrl: 'postgres://one:b@127.0.0.1/x' }
    })
    expect(found).to.deep.equal([
      'database.ownerUrl: must log in as another role than database.url: the service must not be able to change its audit log',
    ])
  })

  it('needs no owner: then nothing is migrated at the start', () => {
    expect(
      production((config) => (config['database'] = { url: 'postgres://one@127.0.0.1/x' })),
    ).to.deep.equal([])
  })

  for (const [key, value] of [
    ['provider', 'softhsm'],
    ['module', '/usr/lib/softhsm/libsofthsm2.so'],
  ] as const) {
    it(`refuses SoftHSM by its ${key}`, () => {
      const found = production((config) => {
        const [token] = config['tokens'] as Record<string, unknown>[]
        if (token !== undefined) token[key] = value
      })
      expect(found).to.deep.equal([
        'tokens.0.module: SoftHSM keeps keys in files: production needs a hardware token',
      ])
    })
  }

  it('calls no private address', () => {
    const found = production((config) => (config['outgoing'] = { privateHosts: ['localhost'] }))
    expect(found).to.deep.equal(['outgoing.privateHosts: production calls public addresses only'])
  })

  it('refuses the sender that leaves codes in files', () => {
    expect(production((config) => (config['messages'] = { sender: 'file' }))).to.deep.equal([
      'messages.sender: the file sender leaves one-time codes in files: production has none of it',
    ])
  })

  it('takes a gateway of the operator’s own, by https, at an address that holds no secret', () => {
    const webhook = (url: string) => ({ sender: 'webhook', webhook: { url } })
    const gateway = 'https://messages.example.org:8443/intaglio'
    expect(production((config) => (config['messages'] = webhook(gateway)))).to.deep.equal([])
    for (const url of [
      'http://messages.example.org/',
      'https://user:password@messages.example.org/',
      'https://messages.example.org/?key=secret',
      'https://messages.example.org/#part',
    ]) {
      const [problem] = production((config) => (config['messages'] = webhook(url)))
      expect(problem, url).to.match(/: messages\.webhook\.url: https, without user, query and fragment$/)
    }
    for (const messages of [{ sender: 'webhook' }, { ...webhook(gateway), sender: 'none' }]) {
      const [problem] = production((config) => (config['messages'] = messages))
      expect(problem).to.match(
        /: messages\.webhook: goes with the sender 'webhook', and that sender with it$/,
      )
    }
  })

  it('has no RSA key below 3072 bits to choose for its authorities', () => {
    const path = files.changed(
      'production.example.json',
      (config) => ((config['ca'] as Record<string, unknown>)['keyType'] = 'RSA-2048'),
    )
    expect(problems({ INTAGLIO_CONFIG: path })[0]).to.match(/: ca\.keyType: Invalid option/)
  })

  it('warns of timestamps by a clock that nobody compares', () => {
    const path = files.changed('production.example.json', (config) => (config['tsa'] = { policy: '1.2.3' }))
    expect(load({ INTAGLIO_CONFIG: path }).warnings).to.deep.equal([
      'clock.ntpServers: timestamps want a clock that is compared with others; name three servers or more',
    ])
    const compared = files.changed('production.example.json', (config) => {
      config['tsa'] = { policy: '1.2.3' }
      config['clock'] = { ntpServers: ['ntp1.example.org', 'ntp2.example.org', '10.1.0.1:1123'] }
    })
    expect(load({ INTAGLIO_CONFIG: compared }).warnings).to.deep.equal([])
  })

  it('promises no time that is more accurate than its clock, and nothing qualified on a laptop', () => {
    const tsa = { policy: '1.2.3', accuracyMs: 100, qualified: true }
    expect(production((config) => (config['tsa'] = tsa))).to.deep.equal([
      'clock.toleranceMs: a timestamp is no more accurate than the clock: at most tsa.accuracyMs',
    ])
    const path = files.changed('dev.json', (config) => (config['tsa'] = { ...tsa, accuracyMs: 1000 }))
    expect(problems({ INTAGLIO_CONFIG: path, DATABASE_URL: 'postgres://one@127.0.0.1/x' })).to.deep.equal([
      'tsa.qualified: nothing that a laptop makes is qualified',
    ])
  })

  it('warns on a Node that gets no fixes any more', () => {
    const { warnings } = load({ INTAGLIO_CONFIG: 'config/production.example.json' }, '20.19.0')
    expect(warnings).to.deep.equal([
      'Node 20.19.0 gets no security fixes any more: run a maintained LTS (22 or newer)',
    ])
  })

  it('warns when the last try of a PIN is allowed', () => {
    const env = {
      INTAGLIO_CONFIG: 'config/production.example.json',
      INTAGLIO_TOKENS_0_PIN_ALLOW_FINAL_TRY: 'true',
    }
    expect(load(env).warnings).to.deep.equal([
      'tokens.0.pin.allowFinalTry is on: a wrong PIN would lock the token; set it for one start only',
    ])
  })
})
