import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, refusal } from './client.ts'
import { HASH, UNKNOWN_ID, extendRows } from './rows.ts'

describe('what credentials/extendTransaction refuses', () => {
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    mine = await service.newCredential({ multisign: 10 })
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const refused = async (
    method: string,
    body: unknown,
    expected: { description: string; error?: string | undefined; status?: number },
  ): Promise<void> => {
    const answer = await client.call(method, body)
    expect(answer.body).to.deep.equal(refusal(expected.description, expected.error))
    expect(answer.status).to.equal(expected.status ?? 400)
    expect(answer.headers.get('content-type')).to.equal('application/json; charset=utf-8')
    expect(answer.headers.get('cache-control')).to.equal('no-store')
  }

  const METHOD = 'credentials/extendTransaction'
  let SAD: string

  before(async () => {
    SAD = await client.authorize(mine, [HASH])
  })

  const good = (): Record<string, unknown> => ({
    credentialID: mine.id,
    SAD,
    hashes: [HASH],
    hashAlgorithmOID: OID.sha256,
  })
  for (const [name, change, description] of extendRows) {
    it(`refuses ${name}`, () => refused(METHOD, { ...good(), ...change }, { description }))
  }

  it('refuses the SAD of another credential, and that of another client', async () => {
    const other = await service.newCredential()
    const expected = { description: 'Invalid parameter SAD' }
    await refused(METHOD, { ...good(), credentialID: other.id }, expected)
    const stranger = await service.newClient()
    const theirs = await service.newCredential({ clientId: stranger.id })
    const thief = await CscClient.of(service, stranger)
    const answers: unknown[] = []
    for (const credentialID of [theirs.id, mine.id, UNKNOWN_ID]) {
      const { status, body } = await thief.call(METHOD, { ...good(), credentialID })
      answers.push([status, body])
    }
    const foreign = [400, refusal('Invalid parameter credentialID')]
    expect(answers).to.deep.equal([[400, refusal('Invalid parameter SAD')], foreign, foreign])
  })

  it('refuses what expired, was disabled or revoked', async () => {
    const other = await service.newCredential()
    const body = { ...good(), credentialID: other.id, SAD: await client.authorize(other, [HASH]) }
    const certificate = '(select certificate_id from credential where id = $1)'
    const disabled = 'The credential identified by credentialID is disabled'
    const expired = 'Signing certificate is expired'
    for (const [sql, description] of [
      [`update credential set state = 'disabled' where id = $1`, disabled],
      [`update credential set state = 'enabled' where id = $1`, ''],
      [`update certificate set not_after = now() where id = ${certificate}`, expired],
      [
        `update certificate set state = 'revoked' where id = ${certificate}`,
        'Signing certificate is revoked',
      ],
      [`update authorisation set expires_at = now() where credential_id = $1`, 'SAD expired'],
    ] as const) {
      await service.sql(sql, [other.id])
      if (description !== '') await refused(METHOD, body, { description })
    }
  })

  it('refuses to extend a chain more than a hundred times', async () => {
    const old = await client.authorize(mine, [HASH])
    const before = `insert into authorisation
        (id, key_id, bound, count, expires_at, origin_id, origin_count, origin_expires_at)
      select gen_random_uuid(), key_id, bound, count, expires_at, id, count, expires_at
        from authorisation, generate_series(1, 99) where sad_hash = sha256($1)`
    await service.sql(before, [Buffer.from(old)])
    const last = await client.get(METHOD, { ...good(), SAD: old })
    const expected = { description: 'The SAD cannot be extended again' }
    await refused(METHOD, { ...good(), SAD: last['SAD'] }, expected)
    await client.sign(mine, [HASH], { SAD: last['SAD'] })
  })

  it('has spent nothing by all of these refusals', async () => {
    await client.sign(mine, [HASH], { SAD: (await client.get(METHOD, good()))['SAD'] })
  })
})
