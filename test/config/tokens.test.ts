import { expect } from 'chai'
import { Files, load, problems } from './files.ts'

type Token = Record<string, unknown>

describe('the tokens of a configuration', () => {
  const files = new Files()
  after(() => files.remove())

  const env = (tokens: readonly Token[]): Record<string, string> => ({
    DATABASE_URL: 'postgres://one@127.0.0.1/x',
    INTAGLIO_CONFIG: files.changed('dev.json', (config) => {
      const [first] = config['tokens'] as Token[]
      config['tokens'] = tokens.map((token) => ({ ...first, ...token }))
    }),
  })
  const found = (tokens: readonly Token[]): readonly string[] => {
    const given = env(tokens)
    return problems(given).map((line) => line.replace(given['INTAGLIO_CONFIG'] ?? '', 'FILE'))
  }
  const verifier = { module: '/usr/lib/libsoftokn3.so', provider: 'nss' }

  it('are one or more, each with what it is for', () => {
    const tokens = [
      { name: 'one', purposes: ['ca'], capacity: 100 },
      { name: 'two', seals: 'one', signers: 1, verifier },
    ]
    const { config } = load(env(tokens))
    expect(config.tokens.map(({ name, purposes, seals }) => ({ name, purposes, seals }))).to.deep.equal([
      { name: 'one', purposes: ['ca'], seals: undefined },
      { name: 'two', purposes: undefined, seals: 'one' },
    ])
    expect(config.tokens[1]?.verifier).to.deep.equal({ ...verifier, environment: {} })
    expect(found([])[0]).to.match(/^FILE: tokens: Too small/)
  })

  it('have names of their own', () => {
    expect(found([{ name: 'one' }, { name: 'one' }])).to.deep.equal([
      'FILE: tokens.1.name: another token has this name',
    ])
  })

  it('have all purposes between them', () => {
    expect(
      found([
        { name: 'one', purposes: ['ca'] },
        { name: 'two', purposes: [] },
      ])[0],
    ).to.equal("FILE: tokens: no token makes keys of the purpose 'signing'")
    expect(found([{ name: 'one' }, { name: 'two', purposes: [] }])).to.deep.equal([])
  })

  it('have two signers, or one and a verifier', () => {
    expect(found([{ name: 'one', signers: 1 }])).to.deep.equal([
      'FILE: tokens.0.signers: one verifies what another one signed: two or more, or one beside a verifier',
    ])
  })

  it('take their seals from another one that makes its own', () => {
    expect(found([{ name: 'one' }, { name: 'two', seals: 'three' }])).to.deep.equal([
      "FILE: tokens.1.seals: there is no token 'three'",
    ])
    expect(found([{ name: 'one' }, { name: 'two', seals: 'two' }])).to.deep.equal([
      'FILE: tokens.1.seals: a token that makes its own seals goes without this field',
    ])
    expect(
      found([{ name: 'one' }, { name: 'two', seals: 'one' }, { name: 'three', seals: 'two' }]),
    ).to.deep.equal(["FILE: tokens.2.seals: the token 'two' takes its own from elsewhere"])
  })

  it('that share a process agree on its environment, and on how their module is initialised', () => {
    expect(
      found([
        { name: 'one', environment: { CONF: '/a' } },
        { name: 'two', seals: 'one', environment: { CONF: '/b' } },
      ]),
    ).to.deep.equal([
      "FILE: tokens.1.environment: CONF has another value for 'one', and both go into one process",
    ])
    expect(found([{ name: 'one' }, { name: 'two', seals: 'one', libraryParameters: 'x' }])).to.deep.equal([
      "FILE: tokens.1.libraryParameters: must be those of 'one': one process loads their module once",
    ])
  })
})
