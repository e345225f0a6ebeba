import { expect } from 'chai'
import { join } from 'node:path'
import { Files, load, problems, root, type Change } from './files.ts'

const DATABASE = 'postgres://someone@127.0.0.1/intaglio'

describe('configuration', () => {
  let files: Files
  before(() => {
    files = new Files()
  })
  after(() => files.remove())

  describe('files', () => {
    it('dev.json loads, given a database', () => {
      const { config, warnings } = load({ DATABASE_URL: DATABASE })
      expect(config.profile).to.equal('dev')
      expect(config.http.port).to.equal(3000)
      expect(warnings).to.deep.equal([])
    })

    it('test.json loads, given a database', () => {
      const { config } = load({ INTAGLIO_CONFIG: 'config/test.json', DATABASE_URL: DATABASE })
      expect(config.profile).to.equal('test')
      expect(config.http.port).to.equal(0)
    })

    it('production.example.json loads as it stands', () => {
      const { config, warnings } = load({ INTAGLIO_CONFIG: 'config/production.example.json' })
      expect(config.profile).to.equal('production')
      expect(config.operators[0]?.roles).to.deep.equal(['security-officer'])
      expect(warnings).to.deep.equal([])
    })

    it('a missing file is named', () => {
      expect(problems({ INTAGLIO_CONFIG: 'config/nowhere.json' })).to.deep.equal([
        'config/nowhere.json: cannot be read (ENOENT). INTAGLIO_CONFIG names the configuration file.',
      ])
    })

    it('a file that is no JSON is named', () => {
      const path = files.write('broken.json', '{ "profile": ')
      expect(problems({ INTAGLIO_CONFIG: path })[0]).to.match(/broken\.json: is not JSON: /)
    })

    it('a file that is no object is refused', () => {
      const path = files.write('list.json', '[]')
      expect(problems({ INTAGLIO_CONFIG: path })[0]).to.match(/list\.json: Invalid input: expected object/)
    })
  })

  describe('contexts of credentials', () => {
    const withContext = (context: object): string =>
      files.changed('test.json', (config) => (config['jsonld'] = { contexts: [context] }))
    const good = { url: 'https://contexts.example/v1', file: '/c.jsonld', sha256: 'a'.repeat(64) }

    it('are a URL, a file and its SHA-256', () => {
      const env = (context: object) => ({ INTAGLIO_CONFIG: withContext(context), DATABASE_URL: DATABASE })
      expect(load(env(good)).config.jsonld.contexts).to.deep.equal([good])
      expect(problems(env({ ...good, sha256: 'A'.repeat(64) }))[0]).to.match(
        /jsonld\.contexts\.0\.sha256: 64 lower-case hexadecimal digits/,
      )
      expect(problems(env({ ...good, url: 'no' }))[0]).to.match(/jsonld\.contexts\.0\.url: /)
      expect(load({ DATABASE_URL: DATABASE }).config.jsonld.contexts).to.deep.equal([])
    })
  })

  describe('environment', () => {
    const value = (env: Record<string, string>) => load({ DATABASE_URL: DATABASE, ...env }).config

    it('overrides a scalar by its name', () => {
      expect(value({ INTAGLIO_HTTP_PORT: '4000' }).http.port).to.equal(4000)
      expect(value({ INTAGLIO_HTTP_DRAIN_SECONDS: '7' }).http.drainSeconds).to.equal(7)
      expect(value({ INTAGLIO_CSC_NAME: 'Another' }).csc.name).to.equal('Another')
      expect(value({ INTAGLIO_CSC_SPECS: '2.0.0.0' }).csc.specs).to.equal('2.0.0.0')
      expect(value({ INTAGLIO_CSC_STRICT: 'true' }).csc.strict).to.equal(true)
      expect(value({ INTAGLIO_CA_KEY_TYPE: 'RSA-3072' }).ca.keyType).to.equal('RSA-3072')
      expect(value({ INTAGLIO_TOKENS_0_PIN_VERSION: '3' }).tokens[0]?.pin.version).to.equal(3)
      expect(value({ INTAGLIO_TOKENS_0_PIN_ALLOW_FINAL_TRY: 'true' }).tokens[0]?.pin.allowFinalTry).to.equal(
        true,
      )
    })

    it('overrides what is only there by it', () => {
      const url = 'https://messages.example.org/'
      const env = { INTAGLIO_MESSAGES_SENDER: 'webhook', INTAGLIO_MESSAGES_WEBHOOK_URL: url }
      expect(value(env).messages).to.deep.equal({ sender: 'webhook', webhook: { url, isInternal: false } })
    })

    it('overrides a list of strings, separated by commas', () => {
      const env = { INTAGLIO_HTTP_CORS_ORIGINS: 'https://a.example, https://b.example' }
      expect(value(env).http.corsOrigins).to.deep.equal(['https://a.example', 'https://b.example'])
    })

    it('knows the customary names, and prefers its own', () => {
      expect(value({ PORT: '4001' }).http.port).to.equal(4001)
      expect(value({ PORT: '4001', INTAGLIO_HTTP_PORT: '4002' }).http.port).to.equal(4002)
      expect(value({ PKCS11_MODULE: '/opt/other.so' }).tokens[0]?.module).to.equal('/opt/other.so')
      expect(value({}).database.url).to.equal(DATABASE)
    })

    it('takes an empty variable for an absent one', () => {
      expect(value({ INTAGLIO_HTTP_PORT: '' }).http.port).to.equal(3000)
    })

    it('reads a secret from a file', () => {
      const path = files.write('database-url', 'postgres://from-a-file/db\n')
      const config = load({ INTAGLIO_DATABASE_URL_FILE: path, DATABASE_URL: DATABASE }).config
      expect(config.database.url).to.equal('postgres://from-a-file/db')
    })

    it('names a secret’s file that cannot be read', () => {
      expect(problems({ INTAGLIO_DATABASE_URL_FILE: '/nowhere' })).to.deep.equal([
        'INTAGLIO_DATABASE_URL_FILE: /nowhere cannot be read (ENOENT)',
      ])
    })

    it('puts the home into every string that asks for it', () => {
      const config = value({ INTAGLIO_HOME: '/srv/intaglio' })
      expect(config.home).to.equal('/srv/intaglio')
      expect(config.tokens[0]?.pin.file).to.equal('/srv/intaglio/token-pin')
      expect(config.tokens[0]?.environment).to.deep.equal({ SOFTHSM2_CONF: '/srv/intaglio/softhsm2.conf' })
    })

    it('takes .local for the home, and makes it absolute', () => {
      expect(value({}).home).to.equal(join(root, '.local'))
    })

    it('refuses a name that sets nothing', () => {
      expect(problems({ DATABASE_URL: DATABASE, INTAGLIO_HTTP_PROT: '1' })).to.deep.equal([
        'INTAGLIO_HTTP_PROT: no setting has this name',
      ])
    })

    it('leaves other programs’ names alone', () => {
      expect(problems({ DATABASE_URL: DATABASE, HTTP_PROT: '1', INTAGLIO_OPERATOR: 'x.json' })).to.deep.equal(
        [],
      )
    })

    it('names the variable and the path of a bad value', () => {
      expect(problems({ DATABASE_URL: DATABASE, INTAGLIO_HTTP_PORT: 'eighty' })).to.deep.equal([
        'INTAGLIO_HTTP_PORT (http.port): Invalid input: expected number, received string',
      ])
      expect(problems({ DATABASE_URL: DATABASE, PORT: '70000' })).to.deep.equal([
        'PORT (http.port): Too big: expected number to be <=65535',
      ])
    })
  })

  describe('what is refused', () => {
    const first = (change: Change): readonly string[] => {
      const path = files.changed('dev.json', change)
      return problems({ INTAGLIO_CONFIG: path, DATABASE_URL: DATABASE }).map((line) =>
        line.replace(path, 'FILE'),
      )
    }

    it('an unknown key, by its path', () => {
      expect(first((config) => (config['surprise'] = 1))).to.deep.equal(['FILE: surprise: unknown key'])
      expect(first((config) => ((config['http'] as Record<string, unknown>)['prot'] = 1))).to.deep.equal([
        'FILE: http.prot: unknown key',
      ])
    })

    it('an edition of the CSC API that is not spoken', () => {
      const csc = (member: string, value: unknown) => (config: Record<string, unknown>) =>
        ((config['csc'] as Record<string, unknown>)[member] = value)
      expect(first(csc('specs', '1.0.4.0'))[0]).to.match(/^FILE: csc\.specs: Invalid option/)
      expect(first(csc('strict', 'yes'))[0]).to.match(/^FILE: csc\.strict: /)
    })

    it('what is missing, by its path', () => {
      const path = files.changed('dev.json', () => undefined)
      const found = problems({ INTAGLIO_CONFIG: path }).map((line) => line.replace(path, 'FILE'))
      expect(found).to.deep.equal(['FILE: database.url: missing'])
      expect(first((config) => delete config['csc'])).to.deep.equal(['FILE: csc: missing'])
    })

    it('a base URL that is more than an origin', () => {
      for (const url of [
        'https://sign.example.org/',
        'https://sign.example.org/path',
        'ftp://sign.example.org',
      ]) {
        expect(first((config) => (config['baseUrl'] = url))).to.deep.equal([
          'FILE: baseUrl: scheme, host and port only, such as https://sign.example.org',
        ])
      }
    })

    it('every problem at once', () => {
      const found = first((config) => {
        config['surprise'] = 1
        config['profile'] = 'laptop'
      })
      expect(found).to.have.length(2)
    })

    it('operators with incompatible roles', () => {
      const found = first((config) => {
        config['operators'] = [operator(['security-officer', 'administrator'])]
      })
      expect(found).to.deep.equal([
        'FILE: operators.0.roles: one operator cannot be security-officer and administrator',
      ])
    })

    it('an operator’s private key', () => {
      const found = first((config) => {
        const made = operator(['auditor'])
        config['operators'] = [{ ...made, publicKey: { ...made.publicKey, d: 'AAAA' } }]
      })
      expect(found).to.deep.equal(['FILE: operators.0.publicKey.d: unknown key'])
    })

    it('an operator’s key that is no point of its curve', () => {
      const found = first((config) => {
        const made = operator(['auditor'])
        config['operators'] = [{ ...made, publicKey: { ...made.publicKey, x: 'A'.repeat(43) } }]
      })
      expect(found).to.deep.equal(['FILE: operators.0.publicKey: no point of this curve'])
    })
  })
})

function operator(roles: readonly string[]) {
  return {
    name: 'Someone',
    roles,
    publicKey: {
      kty: 'EC',
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
  }
}
