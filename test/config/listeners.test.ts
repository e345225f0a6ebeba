import { expect } from 'chai'
import { faces, isLoopback, mayConnect } from '../../config/listeners.ts'
import { Files, load, problems } from './files.ts'

const ALL = [...faces]
const TLS = { certificate: '/x.crt', key: '/x.key' }

describe('the configuration of listeners', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  const file = (base: string, http: unknown, listeners: unknown): string =>
    files.changed(base, (config) => {
      Object.assign(config, { http, ...(listeners === undefined ? {} : { listeners }) })
      if (base === 'test.json') config['database'] = { url: 'postgres://x@127.0.0.1/x' }
      else if (listeners === undefined) delete config['listeners']
    })
  const test = (http: unknown, listeners: unknown): readonly string[] =>
    problems({ INTAGLIO_CONFIG: file('test.json', http, listeners) })
  const production = (http: unknown, listeners?: unknown): readonly string[] =>
    problems({ INTAGLIO_CONFIG: file('production.example.json', http, listeners) })

  it('is one address with everything where there is none', () => {
    expect(test({ host: '127.0.0.1', port: 3000 }, undefined)).to.deep.equal([])
  })

  it('takes an address from one place', () => {
    expect(test({ host: '::1', port: 1 }, [{ port: 2, faces: ALL }])).to.deep.equal([
      'http.host: listeners say where the service listens; leave it out',
      'http.port: listeners say where the service listens; leave it out',
    ])
  })

  it('has each face somewhere', () => {
    expect(test({}, [{ port: 1, faces: ['csc', 'ops'] }])).to.deep.equal([
      "listeners: none serves the face 'oauth'",
      "listeners: none serves the face 'keyservice'",
      "listeners: none serves the face 'vc'",
      "listeners: none serves the face 'admin'",
      "listeners: none serves the face 'enrol'",
      "listeners: none serves the face 'pki'",
      "listeners: none serves the face 'public'",
    ])
  })

  it('has each address once, and takes an address of all for one of each', () => {
    const listeners = [
      { port: 1, faces: ALL },
      { port: 1, faces: ['ops'] },
      { host: '0.0.0.0', port: 2, faces: ['ops', 'ops'] },
      { host: '::1', port: 2, faces: ['ops'] },
      { port: 0, faces: ['ops'] },
      { port: 0, faces: ['ops'] },
    ]
    expect(test({}, listeners)).to.deep.equal([
      'listeners.1: has the address of listeners.0',
      'listeners.2.faces: a face stands twice',
      'listeners.3: has the address of listeners.2',
    ])
  })

  it('names authorities of clients only where clients show certificates', () => {
    const [problem = ''] = test({}, [{ port: 1, faces: ALL, tls: { ...TLS, clientCa: '/ca' } }])
    expect(problem).to.match(
      /: listeners\.0\.tls\.clientCa: is of no use while clientCertificates is 'none'$/,
    )
  })

  it('speaks no older TLS than 1.2, and knows its faces', () => {
    expect(test({}, [{ port: 1, faces: ALL, tls: { ...TLS, minVersion: 'TLSv1.1' } }])[0]).to.match(
      /: listeners\.0\.tls\.minVersion: Invalid option/,
    )
    expect(test({}, [{ port: 1, faces: ['cs'] }])[0]).to.match(/: listeners\.0\.faces\.0: Invalid option/)
  })

  it('takes its settings from environment names as well', () => {
    const path = file('test.json', {}, [{ port: 1, faces: ALL, tls: TLS }])
    const { config } = load({
      INTAGLIO_CONFIG: path,
      INTAGLIO_LISTENERS_0_PORT: '8443',
      INTAGLIO_LISTENERS_0_TLS_KEY: '/y.key',
    })
    expect(config.listeners?.[0]).to.deep.include({
      port: 8443,
      tls: { ...TLS, key: '/y.key', clientCertificates: 'none', minVersion: 'TLSv1.3' },
    })
  })

  it('names proxies by address', () => {
    expect(
      test({ trustedProxies: ['10.0.0.0/8', 'loopback', 'proxy.local', '10.0.0.0/33'] }, undefined),
    ).to.deep.equal([
      'http.trustedProxies.2: proxy.local is no address, no subnet such as 10.1.0.0/16, and not loopback',
      'http.trustedProxies.3: 10.0.0.0/33 is no address, no subnet such as 10.1.0.0/16, and not loopback',
    ])
  })

  describe('in production', () => {
    const plain = (host: string, some = ALL): unknown[] => [{ host, port: 1, faces: some }]

    it('serves no secret by plain HTTP to other machines', () => {
      expect(production({}, plain('0.0.0.0'))).to.deep.equal([
        'listeners.0: production serves csc, oauth, keyservice, vc, admin, enrol by TLS, on a loopback address, or behind http.trustedProxies',
      ])
      expect(production({ host: '192.0.2.1' })).to.deep.equal([
        'http: production serves csc, oauth, keyservice, vc, admin, enrol by TLS, on a loopback address, or behind http.trustedProxies',
      ])
    })

    it('does so on this machine, by TLS, and where there is no secret', () => {
      expect(production({}, plain('127.0.0.1'))).to.deep.equal([])
      expect(production({}, [{ host: '0.0.0.0', port: 1, faces: ALL, tls: TLS }])).to.deep.equal([])
      const split = [...plain('::1'), { host: '0.0.0.0', port: 2, faces: ['ops'] }]
      expect(production({}, split)).to.deep.equal([])
    })

    it('does so behind proxies that are named, and lets nobody else connect', () => {
      const http = { trustedProxies: ['10.1.2.0/24', 'fd00::5'] }
      const path = file('production.example.json', http, plain('0.0.0.0'))
      const { config } = load({ INTAGLIO_CONFIG: path })
      const [listener] = config.listeners ?? []
      if (listener === undefined) throw new Error('no listener')
      const allowed = mayConnect(config, listener)
      for (const [address, expected] of [
        ['10.1.2.3', true],
        ['127.0.0.1', true],
        ['10.1.3.1', false],
      ] as const) {
        expect(allowed?.check(address, 'ipv4'), address).to.equal(expected)
      }
      expect(allowed?.check('::ffff:10.1.2.3', 'ipv6')).to.equal(true)
      expect(allowed?.check('fd00::5', 'ipv6')).to.equal(true)
      expect(allowed?.check('fd00::6', 'ipv6')).to.equal(false)
    })
  })

  it('knows this machine', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
      expect(isLoopback(host), host).to.equal(true)
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.org', ''])
      expect(isLoopback(host), host).to.equal(false)
  })
})
