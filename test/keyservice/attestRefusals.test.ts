import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import type { Issuer } from '../vc/client.ts'
import { attesting, configure, count, keyIdOf, refused, said } from './attesting.ts'
import { badRequest, KeyClient, problem, shown, unknownKey, type Answer, type MadeKey } from './client.ts'

describe('key attestations', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  let key: MadeKey
  before(async () => {
    service = await startService()
    client = await KeyClient.of(service)
    key = await client.key()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const attest = (identifiers: readonly unknown[], by = client): Promise<Answer> =>
    by.call('/keys/attest', { identifiers })

  describe('are made of all keys that are asked for, or of none:', () => {
    let issuer: Issuer
    before(async () => {
      issuer = await attesting(service)
    })
    const noneOf = async (identifiers: readonly unknown[], body: ReturnType<typeof problem>, by = client) => {
      const before = await count(service, issuer)
      expect(said(await attest(identifiers, by))).to.deep.equal(refused(body))
      expect(await count(service, issuer)).to.equal(before)
    }

    it("not of another client's, nor of one that there is not", async () => {
      const stranger = await KeyClient.of(service, await service.newClient('A stranger'))
      const theirs = await stranger.key()
      expect((await attest([theirs.id], stranger)).status).to.equal(201)
      await noneOf([key.id, theirs.id], unknownKey)
      await noneOf([theirs.id, key.id], unknownKey, stranger)
      await noneOf([key.id, 'did:web:nobody.example'], unknownKey)
    })

    it('not of one that is disabled, rotated, deleted or meant by a name of several', async () => {
      const [disabled, rotated, deleted] = [await client.key(), await client.key(), await client.key()]
      const at = ({ id }: MadeKey, verb: string): string => `/keys/${encodeURIComponent(id)}/${verb}`
      await client.call(at(disabled, 'disable'), {})
      await noneOf([key.id, disabled.id], problem(409, 'key_not_enabled', 'The key is disabled.'))
      const { status } = await client.call(at(rotated, 'rotate'), { secrets: [client.newSecret()] })
      expect(status).to.equal(201)
      await noneOf([key.id, rotated.id], problem(409, 'key_not_enabled', 'The key is rotated.'))
      expect((await attest([rotated.controller])).status, 'the new key').to.equal(201)
      await client.call('/delete', { identifier: deleted.id })
      await noneOf([key.id, deleted.id], unknownKey)
      const other = await client.key({ identifier: key.controller })
      const several = 'Several enabled keys have this identifier: name one by its id.'
      await noneOf([key.controller], problem(409, 'conflict', several))
      await client.call('/delete', { identifier: other.id })
      await noneOf([key.id, key.controller], badRequest('identifiers: two of them are of one key'))
    })

    it('not of one in another token than they are about', async () => {
      configure(service, { issuer: issuer.id, validSeconds: 60, token: 'another' })
      await noneOf(
        [key.id],
        problem(409, 'conflict', 'The key is in another token than attestations are about.'),
      )
      configure(service, { issuer: issuer.id, validSeconds: 60, token: service.config.tokens[0]?.name })
      expect((await attest([key.id])).status).to.equal(201)
    })

    for (const [body, detail] of [
      [{}, 'identifiers: is missing'],
      [{ identifiers: 'a' }, 'identifiers: a list is wanted'],
      [{ identifiers: [] }, 'identifiers: is empty'],
      [{ identifiers: Array<string>(101).fill('a') }, 'identifiers: 100 at most'],
      [{ identifiers: [''] }, 'identifiers.0: is empty'],
      [{ identifiers: ['a', 7] }, 'identifiers.1: a string is wanted'],
      [{ identifiers: ['a'], nonce: '' }, 'nonce: is empty'],
      [{ identifiers: ['a'], nonce: 'n'.repeat(10_001) }, 'nonce: 10000 characters at most'],
      [{ identifiers: ['a'], secrets: ['b'] }, 'secrets: there is no such member'],
    ] as const) {
      it(`${detail}, for ${shown(body)}`, async () => {
        expect(said(await client.call('/keys/attest', body))).to.deep.equal(refused(badRequest(detail)))
      })
    }
  })

  describe('are not had by who only writes the database', () => {
    const attackers = () =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' })
    const ALTERED = {
      'a public key of his own in the row of a key': [
        'update key set spki = $2::bytea where id = $1::uuid',
        'update key set spki = $2::bytea where id = $1::uuid',
      ],
      'another type of key': [
        `update key set key_type = 'P-384' where id = $1::uuid and $2::bytea is not null`,
        `update key set key_type = 'P-256' where id = $1::uuid and $2::bytea is not null`,
      ],
      'a row of his own, under the seal of another': [
        `with made as (
           insert into key (id, token_serial, cka_id, key_type, purpose, spki, seal, state)
           select gen_random_uuid(), token_serial, 'his own'::bytea, key_type, purpose, $2::bytea, seal, 'enabled'
             from key where id = $1::uuid returning id)
         update holder_key set key_id = made.id from made where key_id = $1::uuid`,
        `with his as (select id from key where cka_id = 'his own'::bytea and $2::bytea is not null)
         update holder_key set key_id = $1::uuid from his where key_id = his.id`,
      ],
      "a key of the service's own, which no secret of a holder opens": [
        `update holder_key set key_id = (select key_id from credential_issuer_key limit 1)
          where key_id = $1::uuid and $2::bytea is not null`,
        `update holder_key set key_id = $1::uuid
          where key_id in (select key_id from credential_issuer_key) and $2::bytea is not null`,
      ],
    } as const
    for (const [what, [alter, restore]] of Object.entries(ALTERED)) {
      it(`for ${what}`, async () => {
        const issuer = await attesting(service)
        const altered = await client.key()
        expect((await attest([altered.id])).status).to.equal(201)
        const keyId = await keyIdOf(service, altered)
        const [row] = await service.sql<{ spki: Buffer }>('select spki from key where id = $1::uuid', [keyId])
        const before = await count(service, issuer)
        const from = service.log().length
        await service.sql(alter, [keyId, attackers()])
        try {
          expect(said(await attest([key.id, altered.id]))).to.deep.equal({
            status: 500,
            body: { type: 'about:blank', title: 'Internal Server Error', status: 500, code: 'internal' },
          })
          expect(service.log().slice(from)).to.include('"alarm":"seal_broken"')
          expect(await count(service, issuer)).to.equal(before)
        } finally {
          await service.sql(restore, [keyId, row?.spki])
          await service.sql(`delete from key where cka_id = 'his own'::bytea`)
        }
        expect((await attest([altered.id])).status).to.equal(201)
      })
    }
  })
})
