import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { badRequest, KeyClient, problem, unknownKey } from './client.ts'

describe('keys of the key service', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  let stranger: KeyClient
  before(async () => {
    service = await startService()
    client = await KeyClient.of(service)
    stranger = await KeyClient.of(service, await service.newClient('A stranger'))
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const conflict = (detail: string) => problem(409, 'conflict', detail)
  const TAKEN = conflict('The identifier is, or was, that of another key: an id is given once.')

  describe('are made', () => {
    const algorithms = [
      ['Ed25519', { kty: 'OKP', crv: 'Ed25519' }, 'z6Mk'],
      ['ES256', { kty: 'EC', crv: 'P-256' }, 'zDn'],
      ['ES384', { kty: 'EC', crv: 'P-384' }, 'z82'],
      ['ES512', { kty: 'EC', crv: 'P-521' }, 'z2J9'],
      ['PS256', { kty: 'RSA', alg: 'PS256', e: 'AQAB' }, 'z2Ws'],
      ['RS256', { kty: 'RSA', alg: 'RS256', e: 'AQAB' }, 'z2Ws'],
    ] as const
    for (const [signatureType, jwk, prefix] of algorithms) {
      it(`for ${signatureType}, and shown in either form, by either name of it`, async () => {
        for (const keyType of ['JWK', 'JsonWebKey']) {
          const { id, method } = await client.key({
            signatureType,
            keyType,
            identifier: 'did:web:keys.example',
          })
          expect(Object.keys(method)).to.deep.equal(['id', 'type', 'controller', 'publicKeyJwk'])
          expect(method).to.deep.include({ type: 'JsonWebKey', controller: 'did:web:keys.example' })
          expect(method['publicKeyJwk']).to.include(jwk).and.not.have.any.keys('d', 'p')
          expect(id.startsWith(`did:web:keys.example#${prefix}`), id).to.equal(true)
        }
        for (const keyType of ['VerificationKey2020', 'Multikey']) {
          const { id, method } = await client.key({
            signatureType,
            keyType,
            identifier: 'did:web:keys.example',
          })
          expect(Object.keys(method)).to.deep.equal(['id', 'type', 'controller', 'publicKeyMultibase'])
          expect(method['type']).to.equal('Multikey')
          expect(id).to.equal(`did:web:keys.example#${String(method['publicKeyMultibase'])}`)
        }
      }).timeout(60_000)
    }

    it('with the id that they are asked for by, where it has a #', async () => {
      const identifier = 'did:web:ex.example%3A8443:users:a_b-c?v=1#key-1'
      const { id, controller } = await client.key({ identifier })
      expect({ id, controller }).to.deep.equal({
        id: identifier,
        controller: 'did:web:ex.example%3A8443:users:a_b-c?v=1',
      })
    })

    it('once for each id and client, whoever is first', async () => {
      const identifier = 'did:web:once.example#k'
      const asked = { secrets: [client.newSecret()], identifier, signatureType: 'ES256', keyType: 'JWK' }
      const both = await Promise.all([client.call('/generate', asked), client.call('/generate', asked)])
      expect(both.map(({ status }) => status).toSorted()).to.deep.equal([201, 409])
      expect(both.find(({ status }) => status === 409)?.body).to.deep.equal(TAKEN)
      expect((await client.call('/generate', asked)).body).to.deep.equal(TAKEN)
      expect((await stranger.call('/generate', asked)).status).to.equal(201)
      const left = await service.sql(
        `select state from key k where purpose = 'holder' and state <> 'destroyed'
            and not exists (select from holder_key where key_id = k.id)`,
      )
      expect(left, 'keys that nobody owns').to.deep.equal([])
    })

    it('twice with one identifier that has none, which then names neither', async () => {
      const secrets = [client.newSecret()]
      const [one, two] = [
        await client.key({ identifier: 'twice', secrets }),
        await client.key({ identifier: 'twice', secrets }),
      ]
      expect(one.id).to.not.equal(two.id)
      const { status, body } = await client.call('/activate', {
        identifier: 'twice',
        secrets,
        numSignatures: 1,
      })
      expect({ status, body }).to.deep.equal({
        status: 409,
        body: conflict('Several enabled keys have this identifier: name one by its id.'),
      })
      await client.call(`/keys/${encodeURIComponent(one.id)}/disable`, {})
      expect(
        (await client.call('/activate', { identifier: 'twice', secrets, numSignatures: 1 })).status,
      ).to.equal(201)
    })
  })

  describe('with an Idempotency-Key', () => {
    const asked = (more: object = {}) => ({
      secrets: ['to be repeated'],
      identifier: 'repeated',
      signatureType: 'ES256',
      keyType: 'JWK',
      ...more,
    })
    const USED = conflict('The Idempotency-Key was used for another request.')

    it('are made once, however often they are asked for', async () => {
      const headers = { 'idempotency-key': '"8e03978e-40d5-43e8-bc93-6894a57f9324"' }
      const at = () => client.call('/generate', asked(), headers)
      const together = await Promise.all([at(), at(), at()])
      const again = await at()
      expect([...together, again].map(({ status }) => status)).to.deep.equal([201, 201, 201, 201])
      for (const { body } of together) expect(body).to.deep.equal(again.body)
      expect((await client.call('/generate', asked({ signatureType: 'ES384' }), headers)).body).to.deep.equal(
        USED,
      )
      expect((await client.call('/generate', asked({ secrets: ['others'] }), headers)).body).to.deep.equal(
        USED,
      )
      expect((await stranger.call('/generate', asked(), headers)).body?.['id']).to.not.equal(
        again.body?.['id'],
      )
    })

    it('are another one when a day is over, however many names are forgotten meanwhile', async () => {
      const headers = { 'idempotency-key': 'used-again-tomorrow' }
      const { body } = await client.call('/generate', asked(), headers)
      const [row] = await service.sql<{ name: Buffer }>(
        `update idempotent_request r set expires_at = now() - interval '1 second' from holder_key h
          where h.key_id = r.key_id and h.id = $1 returning r.name_hash as name`,
        [body?.['id']],
      )
      await service.sql(
        `insert into idempotent_request (client_id, name_hash, request_hash, key_id, expires_at)
         select client_id, sha256(n::text::bytea), request_hash, key_id, now() - interval '1 hour'
           from idempotent_request, generate_series(1, 20) as n where name_hash = $1::bytea`,
        [row?.name],
      )
      const again = await client.call('/generate', asked(), headers)
      expect(again.status, again.text).to.equal(201)
      expect(again.body?.['id']).not.to.equal(body?.['id'])
    })

    it('are not made again when they were deleted', async () => {
      const headers = { 'idempotency-key': 'deleted-meanwhile' }
      const { body } = await client.call('/generate', asked(), headers)
      await client.call('/delete', { identifier: body?.['id'] })
      expect((await client.call('/generate', asked(), headers)).body).to.deep.equal(USED)
    })

    it('that is none are refused', async () => {
      const { status, body } = await client.call('/generate', asked(), { 'idempotency-key': 'x'.repeat(256) })
      expect({ status, body }).to.deep.equal({
        status: 400,
        body: badRequest('Idempotency-Key: 1 to 255 visible characters'),
      })
    })
  })

  describe('can be seen', () => {
    it('each page after the other, by their client alone', async () => {
      const owner = await KeyClient.of(service, await service.newClient('An owner'))
      const made = []
      for (let n = 0; n < 5; n++) made.push((await owner.key()).id)
      const seen: unknown[] = []
      for (let query = '?limit=2'; query !== '';) {
        const { body } = await owner.call(`/keys${query}`)
        seen.push(...(body?.['keys'] as { id: string }[]).map(({ id }) => id))
        const next = body?.['next']
        query = typeof next === 'string' ? `?limit=2&cursor=${next}` : ''
      }
      expect(seen).to.deep.equal(made)
      const nobody = await KeyClient.of(service, await service.newClient('Nobody'))
      expect((await nobody.call('/keys')).body).to.deep.equal({ keys: [] })
      const foreign = Buffer.from('00000000-0000-4000-8000-000000000000').toString('base64url')
      expect((await owner.call(`/keys?cursor=${foreign}`)).body).to.deep.equal({ keys: [] })
    })

    const refusals: readonly [string, string][] = [
      ['?limit=0', 'limit: at least 1'],
      ['?limit=201', 'limit: 200 at most'],
      ['?limit=1&limit=2', 'A parameter is given twice.'],
      ['?cursor=eA', 'cursor: not one that this list gave out'],
      ['?page=2', 'page: there is no such member'],
    ]
    for (const [query, detail] of refusals) {
      it(`not by ${query}`, async () => {
        const { status, body } = await client.call(`/keys${query}`)
        expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
      })
    }

    it('one by one, with what they are and whether they sign', async () => {
      const key = await client.key({
        identifier: 'did:web:one.example#a/b',
        signatureType: 'Ed25519',
        keyType: 'Multikey',
      })
      const { status, body } = await client.call(`/keys/${encodeURIComponent(key.id)}`)
      expect(status).to.equal(200)
      const { created, ...more } = body ?? {}
      expect(created).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      expect(more).to.deep.equal({
        ...key.method,
        identifier: key.id,
        signatureType: 'Ed25519',
        state: 'enabled',
      })
    })

    it('as disabled where an operator has disabled them, which their client cannot undo', async () => {
      const key = await client.key()
      const at = `/keys/${encodeURIComponent(key.id)}`
      const [row] = await service.sql<{ id: string }>('select key_id as id from holder_key where id = $1', [
        key.id,
      ])
      const params = { id: row?.id ?? '' }
      await service.admin(service.operators.officer, 'POST /keys/:id/disable', { params })
      expect((await client.call(at)).body).to.include({ state: 'disabled' })
      expect((await client.call(`${at}/enable`, {})).body).to.include({ state: 'disabled' })
      await service.admin(service.operators.officer, 'POST /keys/:id/enable', { params })
      expect((await client.call(at)).body).to.include({ state: 'enabled' })
    })

    it('by nobody else: what is another client’s is not there', async () => {
      const key = await client.key()
      for (const path of ['', '/disable', '/enable', '/rotate']) {
        for (const name of [key.id, 'no such key']) {
          const body = path === '' ? undefined : path === '/rotate' ? { secrets: ['a'] } : {}
          const answer = await stranger.call(`/keys/${encodeURIComponent(name)}${path}`, body)
          expect({ status: answer.status, body: answer.body }, path).to.deep.equal({
            status: 404,
            body: unknownKey,
          })
        }
      }
      for (const [path, more] of [
        ['/delete', {}],
        ['/activate', { secrets: key.secrets, numSignatures: 1 }],
      ] as const) {
        const answer = await stranger.call(path, { identifier: key.id, ...more })
        expect({ status: answer.status, body: answer.body }, path).to.deep.equal({
          status: 404,
          body: unknownKey,
        })
      }
    })
  })
})
