import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import {
  badRequest,
  shown,
  credential,
  KeyClient,
  problem,
  throttled,
  unknownKey,
  wrongSecrets,
  type MadeKey,
} from './client.ts'

describe('the secrets of a key', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  before(async () => {
    service = await startService()
    client = await KeyClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const open = (key: MadeKey, secrets: readonly string[] = key.secrets) =>
    client.call('/activate', { identifier: key.id, secrets, numSignatures: 1 })
  const sign = (key: MadeKey, secrets: readonly string[]) =>
    client.call('/sign/vc/jwt', { identifier: key.id, secrets, verifiable: credential(key.controller) })
  const failuresOf = async (key: MadeKey): Promise<number> => {
    const [row] = await service.sql<{ failures: number }>(
      `select a.failures from activation_attempt a join holder_key h using (key_id)
        where h.id = $1 and a.client_id = $2`,
      [key.id, service.client.id],
    )
    return row?.failures ?? 0
  }
  /** The time that a client has to wait for is over. */
  const waited = (key: MadeKey) =>
    service.sql(
      `update activation_attempt set next_at = now() where key_id = (select key_id from holder_key where id = $1)`,
      [key.id],
    )

  describe('are a set', () => {
    it('in any order, and of any Unicode that is canonically the same', async () => {
      const key = await client.key({ secrets: ['alpha', 'beta', 'caf\u00e9'] })
      expect((await open(key, ['cafe\u0301', 'beta', 'alpha'])).status).to.equal(201)
    })

    const others = [['abc'], ['a', 'bc'], ['ab', 'c', 'd'], ['ab'], ['c', 'ab '], ['AB', 'c']]
    for (const other of others) {
      it(`of which ${JSON.stringify(['ab', 'c'])} is not ${JSON.stringify(other)}`, async () => {
        const key = await client.key({ secrets: ['ab', 'c'] })
        const { status, body } = await sign(key, other)
        expect({ status, body }).to.deep.equal({ status: 403, body: wrongSecrets })
        expect((await sign(key, ['c', 'ab'])).status).to.equal(201)
      })
    }

    it('of up to ten, of a thousand characters each', async () => {
      const secrets = Array.from({ length: 9 }, (_, n) => `${n}`.padEnd(1000, 'x'))
      const longest = '\u{1F511}'.repeat(1000)
      const key = await client.key({ secrets: [...secrets, longest] })
      expect((await open(key)).status).to.equal(201)
    })
  })

  describe('that are none are refused before anything is counted', () => {
    const rows: readonly [unknown, string][] = [
      [undefined, 'secrets: is missing'],
      ['a secret', 'secrets: a list is wanted'],
      [[], 'secrets: is empty'],
      [Array.from({ length: 11 }, String), 'secrets: 10 at most'],
      [['a', ''], 'secrets.1: is empty'],
      [[7], 'secrets.0: a string is wanted'],
      [['x'.repeat(1001)], 'secrets.0: 1000 characters at most'],
      [['\u{1F511}'.repeat(1001)], 'secrets.0: 1000 characters at most'],
      [['\ud800'], 'secrets.0: not well-formed Unicode'],
      [['twice', 'twice'], 'secrets: one secret stands there twice'],
      [['caf\u00e9', 'cafe\u0301'], 'secrets: one secret stands there twice'],
    ]
    for (const [secrets, detail] of rows) {
      it(shown(secrets), async () => {
        const key = await client.key()
        const asked = {
          identifier: key.id,
          secrets,
          numSignatures: 1,
          signatureType: 'ES256',
          keyType: 'JWK',
        }
        const { numSignatures, ...made } = asked
        const { identifier } = asked
        for (const [path, body] of [
          ['/activate', { identifier, secrets, numSignatures }],
          ['/generate', { ...made, identifier: 'another' }],
        ] as const) {
          const answer = await client.call(path, body)
          expect({ status: answer.status, body: answer.body }, path).to.deep.equal({
            status: 400,
            body: badRequest(detail),
          })
        }
        expect(await failuresOf(key)).to.equal(0)
      })
    }
  })

  describe('that are wrong', () => {
    it('six times in a row make the client wait, each time twice as long, up to a quarter of an hour', async () => {
      const key = await client.key()
      for (let n = 0; n < 5; n++) expect((await sign(key, ['wrong'])).status).to.equal(403)
      const waits: string[] = []
      for (let n = 0; n < 12; n++) {
        const { status, body } = await open(key, ['wrong'])
        expect({ status, body }).to.deep.equal({ status: 403, body: wrongSecrets })
        for (const secrets of [key.secrets, ['wrong']]) {
          const { status: now, body: no, headers } = await sign(key, secrets)
          // A slow machine may have let the first second pass.
          if (n === 0 && now !== 429) continue
          expect({ status: now, body: no }).to.deep.equal({ status: 429, body: throttled })
          waits.push(headers.get('retry-after') ?? '')
        }
        await waited(key)
      }
      const expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
      const asked = [...new Set(waits.map(Number))]
      for (const wait of asked) {
        const nearest = expected.find((one) => wait <= one && wait > one - 3)
        expect(nearest, `Retry-After: ${wait}`).to.not.equal(undefined)
      }
      expect(Math.max(...asked)).to.be.within(898, 900)
    })

    it('count in a row: what is right begins anew, for this client and no other', async () => {
      const key = await client.key()
      for (let n = 0; n < 4; n++) await sign(key, ['wrong'])
      expect(await failuresOf(key)).to.equal(4)
      expect((await sign(key, key.secrets)).status).to.equal(201)
      expect(await failuresOf(key)).to.equal(0)
    })

    it('a hundred times lock the key until an operator looks at it', async () => {
      const key = await client.key()
      await sign(key, ['wrong'])
      await service.sql(
        `update activation_total set failures = 100 where key_id = (select key_id from holder_key where id = $1)`,
        [key.id],
      )
      const { status, body } = await sign(key, key.secrets)
      expect({ status, body }).to.deep.equal({
        status: 403,
        body: problem(
          403,
          'key_locked',
          'The secrets were wrong too often: an operator has to unlock the key.',
        ),
      })
      const [row] = await service.sql<{ id: string }>('select key_id as id from holder_key where id = $1', [
        key.id,
      ])
      const params = { id: row?.id ?? '' }
      const unlocked = await service.admin(service.operators.officer, 'POST /keys/:id/unlock', { params })
      expect(unlocked.status).to.equal(200)
      expect(await service.acts('key.unlock', `key:${params.id}`)).to.have.length(1)
      expect((await sign(key, key.secrets)).status).to.equal(201)
    })

    it('are recorded, and tell nobody which', async () => {
      const key = await client.key({ secrets: ['one of two', 'two of two'] })
      await sign(key, ['one of two', 'wrong'])
      const [row] = await service.sql<{ id: string }>('select key_id as id from holder_key where id = $1', [
        key.id,
      ])
      const [act] = await service.acts('activation.failed', `key:${row?.id ?? ''}`)
      expect(act).to.deep.include({ actor: `client:${service.client.id}`, detail: { wrong: 'secrets' } })
    })

    it('by a stranger count for nobody: the key is not there', async () => {
      const stranger = await KeyClient.of(service, await service.newClient('A stranger'))
      const key = await client.key()
      const asked = { identifier: key.id, secrets: ['guess'], verifiable: credential(key.controller) }
      for (let n = 0; n < 10; n++) {
        const { status, body } = await stranger.call('/sign/vc/jwt', asked)
        expect({ status, body }).to.deep.equal({ status: 404, body: unknownKey })
      }
      expect(await failuresOf(key)).to.equal(0)
      expect((await sign(key, key.secrets)).status).to.equal(201)
    })
  })

  it('that are right, twenty at once, do not look like guessing', async () => {
    const key = await client.key()
    const all = await Promise.all(Array.from({ length: 20 }, () => sign(key, key.secrets)))
    expect(new Set(all.map(({ status }) => status))).to.deep.equal(new Set([201]))
    expect(await failuresOf(key)).to.equal(0)
  })

  it('of many keys at once are judged each by its own, whatever becomes of the others', async () => {
    const keys = await Promise.all(Array.from({ length: 12 }, () => client.key()))
    // Known to be enabled for a second more.
    await Promise.all(keys.map((key) => sign(key, key.secrets)))
    const [gone] = keys as [MadeKey, ...MadeKey[]]
    await service.sql(`update holder_key set state = 'disabled' where id = $1`, [gone.id])
    const isWrong = (n: number): boolean => n % 3 === 1
    const all = await Promise.all(keys.map((key, n) => sign(key, isWrong(n) ? ['wrong'] : key.secrets)))
    const expected = keys.map((_, n) => (isWrong(n) ? 403 : n === 0 ? 409 : 201))
    expect(all.map(({ status }) => status)).to.deep.equal(expected)
    expect(all[0]?.body).to.include({ code: 'key_not_enabled' })
    expect(await Promise.all(keys.map(failuresOf))).to.deep.equal(keys.map((_, n) => (isWrong(n) ? 1 : 0)))
    const made = await service.sql(
      `select from authorisation a join holder_key h using (key_id) where h.id = any($1::text[])`,
      [keys.map(({ id }) => id)],
    )
    expect(made).to.have.length(12 + 7)
  })

  it('of a key that is somebody else’s, or that there is not, cost the KDF all the same', async () => {
    const stranger = await KeyClient.of(service, await service.newClient('A stranger with a watch'))
    const key = await client.key()
    const times = { foreign: [] as number[], unknown: [] as number[] }
    for (let n = 0; n < 15; n++) {
      for (const [kind, identifier] of [
        ['foreign', key.id],
        ['unknown', 'did:web:nowhere.example#1'],
      ] as const) {
        const begin = performance.now()
        await stranger.call('/activate', { identifier, secrets: ['guess'], numSignatures: 1 })
        times[kind].push(performance.now() - begin)
      }
    }
    // The KDF alone takes some 10 ms: neither is answered without.
    for (const each of Object.values(times)) expect(Math.min(...each)).to.be.greaterThan(3)
  })

  it('altered verifiers open nothing, and are noticed', async () => {
    const key = await client.key()
    const other = await client.key()
    await service.sql(
      `update activation a set salt = b.salt, verifier = b.verifier, seal = b.seal from activation b
        where a.key_id = (select key_id from holder_key where id = $1)
          and b.key_id = (select key_id from holder_key where id = $2)`,
      [key.id, other.id],
    )
    expect((await sign(key, other.secrets)).status).to.equal(500)
    expect(service.log()).to.contain('seal_broken')
    expect(await failuresOf(key)).to.equal(0)
  })
})
