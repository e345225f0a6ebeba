import { expect } from 'chai'
import type { Config } from '../../config/config.ts'
import { startService as start, type Service } from '../../src/service.ts'
import { createLogger } from '../../src/log.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { startService, type TestService } from '../support/startService.ts'

type Tokens = Config['tokens']

describe('a service with several tokens', function () {
  // Up to six signers are started one after another, several times.
  this.timeout(60_000)
  const soft: SoftToken[] = []
  let tokens: Tokens
  let service: TestService
  const token = (label: string, more: Partial<Tokens[number]>): Tokens[number] => {
    const made = makeSoftToken({ label })
    soft.push(made)
    const { environment, ...config } = made.config
    return { ...config, concurrency: 1, environment: { ...environment }, name: label, ...more }
  }

  before(async () => {
    tokens = [token('people', { purposes: ['signing', 'seal', 'holder'] }), token('service', { capacity: 2 })]
    service = await startService({ tokens })
  })
  after(async () => {
    await service.close()
    for (const one of soft) one.remove()
  })
  afterEach(() => service.checkState())

  const auditor = () => service.operators.auditor

  it('makes each key where its purpose is, and finds it there', async () => {
    const { keyId } = await service.newCredential()
    const [people, other] = soft
    const rows = await service.sql<{ purpose: string; serial: string }>(
      'select distinct purpose, token_serial as serial from key order by purpose',
    )
    expect(rows).to.deep.equal([
      { purpose: 'ca', serial: other?.serial },
      { purpose: 'ceremony', serial: other?.serial },
      { purpose: 'signing', serial: people?.serial },
    ])
    const { body } = await service.admin(auditor(), 'GET /keys/:id', { params: { id: keyId } })
    expect((body as { inToken: { keyType: string } }).inToken.keyType).to.equal('P-256')
  })

  it('lists its tokens, and makes no key in one that has not its purpose', async () => {
    const { body } = await service.admin(auditor(), 'GET /tokens')
    const items = (body as { items: { name: string; serial: string; purposes: string[] }[] }).items
    expect(items.map(({ name, serial }) => [name, serial])).to.deep.equal([
      ['people', soft[0]?.serial],
      ['service', soft[1]?.serial],
    ])
    expect(items[0]?.purposes).to.deep.equal(['signing', 'seal', 'holder'])
    const refused = await service.admin(service.operators.officer, 'POST /tokens/:name/keys', {
      params: { name: 'people' },
      body: { purpose: 'oauth', keyType: 'P-256' },
    })
    expect([refused.status, (refused.body as { detail: string }).detail]).to.deep.equal([
      409,
      "The token makes no keys for 'oauth': its configuration says so.",
    ])
  })

  it('takes a new token at the end of its list, but none in place of the one with its secrets', async () => {
    const lines: string[] = []
    const log = createLogger('info', { write: (line) => void lines.push(line) })
    const attempt = (list: Tokens): Promise<Service> =>
      start({ config: { ...service.config, tokens: list }, log })
    const added = await attempt([...tokens, token('added', { purposes: [] })])
    expect(added.ctx.token.all).to.have.length(3)
    await added.close()
    const replaced = attempt([token('new', {}), ...tokens])
    expect(String(await replaced.catch((error: unknown) => error))).to.equal(
      "TokenError: The token has no secret 'intaglio seal v1'.",
    )
    const fewer = await attempt(tokens.slice(0, 1).map((one) => ({ ...one, purposes: undefined })))
    expect(lines.join('')).to.contain('keys are in a token that is not configured')
    await fewer.close()
  })
})
