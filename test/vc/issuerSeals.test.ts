import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, problemsOf, VcClient, type Credential, type Issuer } from './client.ts'

/** TABLE of what somebody who writes to the database alone may alter; $1 is the issuer, $2 another one, of another client. */
const ALTERED = [
  [
    'credential_issuer',
    'client_id',
    'update credential_issuer set client_id = (select client_id from credential_issuer where id = $2::uuid) where id = $1::uuid',
  ],
  [
    'credential_issuer',
    'identifier',
    `update credential_issuer set identifier = identifier || 'x' where id = $1::uuid and $2::uuid is not null`,
  ],
  [
    'credential_issuer_key',
    'scheme',
    `update credential_issuer_key set scheme = 'ecdsa-sha384' where issuer_id = $1::uuid and $2::uuid is not null`,
  ],
  [
    'credential_issuer_key',
    'seal',
    `update credential_issuer_key a set seal = b.seal from credential_issuer_key b where a.issuer_id = $1::uuid and b.issuer_id = $2::uuid`,
  ],
  [
    'key',
    'spki',
    `update key a set spki = b.spki from key b, credential_issuer_key i, credential_issuer_key j
      where a.id = i.key_id and b.id = j.key_id and i.issuer_id = $1::uuid and j.issuer_id = $2::uuid`,
  ],
] as const

describe('an issuer whose row was altered in the database', function () {
  this.timeout(60_000)
  let service: TestService
  let client: VcClient
  let stranger: VcClient
  let strangersId: string
  before(async () => {
    service = await startService()
    client = await VcClient.of(service)
    const other = await service.newClient('A stranger')
    strangersId = other.id
    stranger = await VcClient.of(service, other)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  /** What is found while the database says something else. It is as it was after that. */
  const whileAltered = async (issuer: Issuer, alter: () => Promise<unknown>, look: () => Promise<void>) => {
    const [row] = await service.sql<Record<string, unknown>>(
      `select i.client_id, i.identifier, j.scheme, j.seal, j.verification_method, k.spki
         from credential_issuer i join credential_issuer_key j on j.issuer_id = i.id join key k on k.id = j.key_id
        where i.id = $1::uuid`,
      [issuer.id],
    )
    await alter()
    try {
      await look()
    } finally {
      const { client_id, identifier, scheme, seal, verification_method, spki } = row ?? {}
      await service.sql(
        `with issuer as (update credential_issuer set client_id = $2, identifier = $3 where id = $1::uuid),
              own as (update credential_issuer_key set scheme = $4, seal = $5, verification_method = $6
                       where issuer_id = $1::uuid returning key_id)
         update key set spki = $7 where id in (select key_id from own)`,
        [issuer.id, client_id, identifier, scheme, seal, verification_method, spki],
      )
    }
    expect([await issued(client, issuer.identifier), await document(issuer)]).to.deep.equal([201, 200])
  }
  const document = async ({ id }: Issuer): Promise<number> =>
    (await fetch(`${service.url}/issuers/${id}/did.json`)).status
  const resolved = async ({ identifier }: Issuer): Promise<number> =>
    (await fetch(`${service.url}/1.0/identifiers/${encodeURIComponent(identifier)}`)).status
  const verified = async (credential: Credential): Promise<number> => (await client.verify(credential)).status
  const issued = async (by: VcClient, identifier: string): Promise<number> =>
    (await by.post('/credentials/issue', { credential: credentialOf(identifier) })).status

  for (const [table, column, sql] of ALTERED) {
    it(`signs nothing, is not believed, and has no document: ${table}.${column}`, async () => {
      const mine = await newIssuer(service, { method: 'web' })
      const theirs = await newIssuer(service, { method: 'web', client: strangersId })
      const credential = await client.issue(credentialOf(mine.identifier))
      expect([await verified(credential), await document(mine), await resolved(mine)]).to.deep.equal([
        200, 200, 200,
      ])
      await whileAltered(
        mine,
        () => service.sql(sql, [mine.id, theirs.id]),
        async () => {
          const identifier = column === 'identifier' ? `${mine.identifier}x` : mine.identifier
          expect(await issued(column === 'client_id' ? stranger : client, identifier)).to.equal(500)
          expect(await verified(credential)).to.equal(500)
          expect([await document(mine), await resolved(mine)]).to.deep.equal([500, 500])
          const { officer } = service.operators
          const rotated = await service.admin(officer, 'POST /issuers/:id/rotate', {
            params: { id: mine.id },
            body: {},
          })
          expect(rotated.status, 'a key that an operator gives it').to.equal(500)
          expect(service.log()).to.include('"alarm":"seal_broken"')
        },
      )
    })
  }

  it('signs nothing in another name of its key, and nobody knows the old one', async () => {
    const mine = await newIssuer(service, { method: 'web' })
    const credential = await client.issue(credentialOf(mine.identifier))
    const sql = `update credential_issuer_key set verification_method = verification_method || 'x' where issuer_id = $1::uuid`
    await whileAltered(
      mine,
      () => service.sql(sql, [mine.id]),
      async () => {
        expect([await issued(client, mine.identifier), await document(mine)]).to.deep.equal([500, 500])
        expect(problemsOf(await client.verify(credential))).to.deep.equal(['key-unknown'])
      },
    )
  })

  it('whose key an operator has disabled is not believed, though its DID is its key', async () => {
    const mine = await newIssuer(service)
    const credential = await client.issue(credentialOf(mine.identifier))
    expect(await verified(credential)).to.equal(200)
    const [row] = await service.sql<{ id: string }>(
      'select key_id as id from credential_issuer_key where issuer_id = $1::uuid',
      [mine.id],
    )
    const disabled = await service.admin(service.operators.officer, 'POST /keys/:id/disable', {
      params: { id: row?.id ?? '' },
    })
    expect(disabled.status).to.equal(200)
    expect(problemsOf(await client.verify(credential))).to.deep.equal(['key-unknown'])
  })
})
