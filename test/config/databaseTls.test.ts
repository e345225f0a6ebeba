import { expect } from 'chai'
import { addressOf, databaseTls, withoutTls } from '../../config/databaseTls.ts'
import { Files, load, problems } from './files.ts'

const URL_ = 'postgres://one@db.example.org/x'
const OWNER = 'postgres://two@db.example.org/x'
const CA = { ca: '/ca.crt' }
const PAIR = { certificate: '/c.crt', key: '/c.key' }

describe('the configuration of the database’s TLS', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  const path = (base: string, database: unknown): string =>
    files.changed(base, (config) => (config['database'] = database))
  const test = (database: unknown): readonly string[] =>
    problems({ INTAGLIO_CONFIG: path('test.json', database) })
  const production = (database: unknown): readonly string[] =>
    problems({ INTAGLIO_CONFIG: path('production.example.json', database) })
  const loaded = (database: unknown) => load({ INTAGLIO_CONFIG: path('test.json', database) }).config.database

  it('is verify-full as soon as there is any', () => {
    expect(databaseTls(loaded({ url: URL_, tls: CA }), 'url')).to.deep.equal({
      mode: 'verify-full',
      ca: { file: '/ca.crt', path: 'database.tls.ca' },
    })
    expect(databaseTls(loaded({ url: `${URL_}?sslrootcert=/ca.crt` }), 'url')).to.deep.equal({
      mode: 'verify-full',
      ca: { file: '/ca.crt', path: 'database.url: sslrootcert' },
    })
    expect(databaseTls(loaded({ url: `${URL_}?ssl=true&sslrootcert=system` }), 'url')?.mode).to.equal(
      'verify-full',
    )
  })

  it('is none where nothing is said of it, and where it is disabled', () => {
    for (const database of [
      { url: URL_ },
      { url: URL_, tls: { mode: 'disable' } },
      { url: `${URL_}?sslmode=disable` },
      { url: `${URL_}?ssl=false` },
    ]) {
      expect(databaseTls(loaded(database), 'url')).to.equal(undefined)
    }
  })

  it('shows the owner’s own certificate where there is one', () => {
    const tls = { ...CA, ...PAIR, ownerCertificate: '/o.crt', ownerKey: '/o.key' }
    const database = loaded({ url: URL_, ownerUrl: OWNER, tls })
    expect(databaseTls(database, 'ownerUrl')?.certificate?.file).to.equal('/o.crt')
    expect(databaseTls(database, 'url')?.certificate?.file).to.equal('/c.crt')
    const shared = loaded({ url: URL_, ownerUrl: OWNER, tls: { ...CA, ...PAIR } })
    expect(databaseTls(shared, 'ownerUrl')?.key?.file).to.equal('/c.key')
  })

  const refusals: [string, unknown, string][] = [
    [
      'no authorities',
      { url: URL_, tls: {} },
      'database.tls.mode: verify-full needs the authorities to verify with: ca (sslrootcert in a URL)',
    ],
    [
      'no authorities for verify-ca',
      { url: `${URL_}?sslmode=verify-ca` },
      'database.url: sslmode: verify-ca needs the authorities to verify with: ca (sslrootcert in a URL)',
    ],
    [
      'a certificate without its key',
      { url: URL_, tls: { ...CA, certificate: '/c.crt' } },
      'database.tls.certificate: a certificate goes together with its key',
    ],
    [
      'a key without its certificate',
      { url: `${URL_}?sslrootcert=/ca&sslkey=/k` },
      'database.url: sslkey: a key goes together with its certificate',
    ],
    [
      'an owner’s certificate without its key',
      { url: URL_, ownerUrl: OWNER, tls: { ...CA, ...PAIR, ownerCertificate: '/o' } },
      'database.tls.ownerCertificate: a certificate goes together with its key',
    ],
    [
      'authorities that require does not ask',
      { url: URL_, tls: { ...CA, mode: 'require' } },
      'database.tls.ca: require verifies nothing; say verify-full or verify-ca',
    ],
    [
      'verify-ca with everybody’s authorities',
      { url: URL_, tls: { ca: 'system', mode: 'verify-ca' } },
      'database.tls.ca: anyone can get a certificate of a public authority; say verify-full',
    ],
    [
      'files that plain connections do not use',
      { url: URL_, tls: { ...CA, mode: 'disable' } },
      'database.tls.ca: is of no use without TLS',
    ],
    [
      'prefer, which may end in plain text',
      { url: `${URL_}?sslmode=prefer` },
      'database.url: sslmode: prefer is not supported; there are verify-full, verify-ca, require, disable',
    ],
    [
      'pg’s own no-verify',
      { url: `${URL_}?sslmode=no-verify` },
      'database.url: sslmode: no-verify is not supported; there are verify-full, verify-ca, require, disable',
    ],
    [
      'parameters that nobody would read',
      { url: `${URL_}?uselibpqcompat=true&sslmode=require` },
      'database.url: uselibpqcompat is not supported; there are sslmode, sslrootcert, sslcert, sslkey',
    ],
    [
      'two places',
      { url: `${URL_}?sslmode=disable`, tls: CA },
      'database.url: says something of TLS, and so does database.tls: say it in one place',
    ],
    [
      'TLS on a Unix socket',
      { url: 'postgres:///x?host=/run/postgresql', tls: CA },
      'database.tls.mode: a Unix socket has no TLS',
    ],
  ]
  for (const [name, database, sentence] of refusals) {
    it(`refuses ${name}`, () => expect(test(database)).to.deep.equal([sentence]))
  }

  describe('in production', () => {
    const FAR = 'production reaches a database on another machine by TLS: set database.tls'

    it('is there for every other machine', () => {
      expect(production({ url: URL_, ownerUrl: OWNER })).to.deep.equal([
        `database.url: ${FAR}`,
        `database.ownerUrl: ${FAR}`,
      ])
      expect(production({ url: URL_, tls: { mode: 'disable' } })).to.deep.equal([`database.url: ${FAR}`])
      // Where the URL names no host, the environment would.
      expect(production({ url: 'postgres://one@/x' })).to.deep.equal([`database.url: ${FAR}`])
    })

    it('need not be there on this machine', () => {
      for (const url of [
        'postgres://one@127.0.0.1/x',
        'postgres://one@[::1]/x',
        'postgres://one@/x?host=/run/postgresql',
      ])
        expect(production({ url }), url).to.deep.equal([])
    })

    it('knows whom it talks to', () => {
      const sentence = 'require encrypts, and does not know to whom: production says verify-full'
      expect(production({ url: URL_, tls: { mode: 'require' } })).to.deep.equal([
        `database.tls.mode: ${sentence}`,
      ])
      expect(production({ url: `${URL_}?sslmode=require` })).to.deep.equal([
        `database.url: sslmode: ${sentence}`,
      ])
      expect(production({ url: URL_, tls: { ...CA, mode: 'verify-ca' } })).to.deep.equal([])
    })
  })

  it('leaves nothing of TLS in a URL that pg reads', () => {
    const kept = `${URL_}?application_name=a%3Fb&options=-c%20x`
    expect(withoutTls(`${kept}&sslmode=require&ssl=1&sslcert=%2Fx&SSL=0`)).to.equal(`${kept}&SSL=0`)
    expect(withoutTls(`${URL_}?sslmode=require`)).to.equal(URL_)
    expect(withoutTls(`${URL_}?%73slmode=require`)).to.equal(URL_)
    expect(withoutTls(URL_)).to.equal(URL_)
  })

  it('finds the host as pg does', () => {
    for (const [url, host] of [
      ['postgres://u:p@db.example.org:5433/x', 'db.example.org'],
      ['postgres://u@[::1]/x', '::1'],
      ['postgres://u@/x?host=/run', '/run'],
      ['postgres://u@127.0.0.1/x?host=db.example.org', 'db.example.org'],
      ['postgres://%2Frun/x', '/run'],
      ['/run x', '/run x'],
      ['socket:/run?db=x', '/run'],
      ['postgres://u@/x', ''],
    ] as const) {
      expect(addressOf(url).host, url).to.equal(host)
    }
    expect(addressOf('postgres://u:hidden@db:5433/x').shown).to.equal('db:5433/x')
  })
})
