import { expect } from 'chai'
import { intaglio, type Ran } from '../support/cli.ts'
import { install, type Installation } from '../support/serverProcess.ts'

describe('the command line of issuers', function () {
  this.timeout(60_000)
  let installation: Installation
  let url: string
  before(async () => {
    installation = await install('dev')
    url = await installation.run().ready()
  })
  after(() => installation.remove())

  const run = (...args: string[]): Promise<Ran> =>
    intaglio(['issuer', ...args], { env: { INTAGLIO_HOME: installation.home } })
  /** Runs with --json, and expects it to work. */
  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, out, err } = await run(...args, '--json')
    expect(code, err).to.equal(0)
    return JSON.parse(out) as Record<string, unknown>
  }
  const keysOf = (issuer: Record<string, unknown>) =>
    (issuer['keys'] as { keyType: string; state: string }[]).map(({ keyType, state }) => [keyType, state])

  it('makes one, shows it, and lists it', async () => {
    const made = await json('create', '--client', 'demo')
    expect(made['identifier']).to.match(/^did:key:zDn/)
    expect(await json('show', String(made['id']))).to.deep.equal(made)
    const { items } = await json('list', '--client', 'demo')
    const ids = (items as { id: string }[]).map(({ id }) => id)
    expect(ids).to.include(made['id'])
    // Beside the one of demo.json.
    expect(ids).to.have.length(2)
    const printed = await run('list', '--client', 'demo')
    expect(printed.out).to.contain(String(made['identifier']))
  })

  it('gives one of the web another key, and stops and resumes it', async () => {
    const made = await json('create', '--client', 'demo', '--method', 'web', '--key-type', 'Ed25519')
    const id = String(made['id'])
    expect(keysOf(made)).to.deep.equal([['Ed25519', 'enabled']])
    const rotated = await json('rotate', id, '--key-type', 'P-256')
    expect(keysOf(rotated)).to.deep.equal([
      ['P-256', 'enabled'],
      ['Ed25519', 'rotated'],
    ])
    expect((await fetch(`${url}/issuers/${id}/did.json`)).status).to.equal(200)
    expect(await json('disable', id)).to.include({ id, state: 'disabled' })
    expect(await json('enable', id)).to.include({ id, state: 'enabled' })
  })

  it('says what was wrong, and ends with 1', async () => {
    const made = await json('create', '--client', 'demo')
    for (const [args, sentence] of [
      [['rotate', String(made['id'])], 'A did:key is its key: make another issuer.\n'],
      [['create', '--client', 'nobody'], 'There is no such client.\n'],
      [['show', '00000000-0000-4000-8000-000000000000'], 'There is no such issuer.\n'],
    ] as const) {
      const { code, err } = await run(...args)
      expect([code, err]).to.deep.equal([1, sentence])
    }
  })

  it('wants to know whose one is to be', async () => {
    const { code, err } = await run('create')
    expect(code).to.equal(2)
    expect(err).to.contain('--client')
  })
})
