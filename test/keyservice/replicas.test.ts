import { expect } from 'chai'
import { Ground, type Place } from '../chaos/support/ground.ts'
import { credential, KeyClient, throttled, wrongSecrets, type Answer, type MadeKey } from './client.ts'

/** Two processes, one database, one token. */
describe('the key service in two replicas', function () {
  this.timeout(120_000)
  let ground: Ground
  let places: [Place, Place]
  let clients: [KeyClient, KeyClient]
  before(async () => {
    ground = await Ground.make()
    places = [await ground.place(), await ground.place()]
    await Promise.all(places.map(({ server }) => server.ready()))
    const at = ({ url }: Place) =>
      new KeyClient({ url, keepSecret: (value) => ground.keepSecret(value) }, ground.client.accessToken)
    clients = [at(places[0]), at(places[1])]
  })
  after(() => ground.remove())
  afterEach(() => ground.check())

  const client = (n: number): KeyClient => clients[n % 2 === 0 ? 0 : 1]
  const sign = (n: number, key: MadeKey, proof: object): Promise<Answer> =>
    client(n).call('/sign/vc/jwt', { identifier: key.id, verifiable: credential(key.controller), ...proof })

  it('judges six wrong secrets of twelve that come at once, and lets nobody in meanwhile', async () => {
    const key = await client(0).key()
    const begin = Date.now()
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, n) => sign(n, key, { secrets: [`wrong ${n}`] })),
    )
    const seconds = (Date.now() - begin) / 1000
    const judged = all.filter(({ status }) => status === 403)
    for (const { body } of judged) expect(body).to.deep.equal(wrongSecrets)
    for (const { status, body } of all.filter((one) => !judged.includes(one)))
      expect({ status, body }).to.deep.equal({ status: 429, body: throttled })
    // Six, and one more for each time that somebody waited for meanwhile: after 1 s, after 3 s, after 7 s.
    const allowed = 6 + Math.floor(Math.log2(seconds + 1))
    expect(judged.length).to.be.within(6, allowed)
    const [row] = await ground.sql<{ failures: number }>(
      'select failures from activation_attempt join holder_key using (key_id) where id = $1',
      [key.id],
    )
    expect(row?.failures).to.equal(judged.length)
  })

  it('signs by right secrets of many keys at once, whoever is asked, and counts none of them as wrong', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, (_, n) => client(n).key()))
    const turns = Array.from({ length: 8 }, (_, turn) =>
      // In another order each time, and at the other replica.
      (turn % 2 === 0 ? keys : keys.toReversed()).map((key, n) =>
        sign(turn + n, key, { secrets: key.secrets }),
      ),
    )
    const all = await Promise.all(turns.flat())
    expect(new Set(all.map(({ status }) => status))).to.deep.equal(new Set([201]))
    const counted = await ground.sql(
      'select from activation_total join holder_key using (key_id) where id = any($1) and failures <> 0',
      [keys.map(({ id }) => id)],
    )
    expect(counted).to.deep.equal([])
  })

  it('signs as often as an activation allows, whoever is asked', async () => {
    const key = await client(0).key()
    const activation = await client(1).activation(key, 7)
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => sign(n, key, { activation })))
    expect(all.filter(({ status }) => status === 201)).to.have.length(7)
    expect(all.filter(({ body }) => body?.['code'] === 'activation_used_up')).to.have.length(13)
  })

  it('gives an id to one of two who ask for it', async () => {
    const secrets = [client(0).newSecret()]
    for (let n = 0; n < 5; n++) {
      const asked = {
        secrets,
        identifier: `did:web:race.example#${n}`,
        signatureType: 'ES256',
        keyType: 'JWK',
      }
      const both = await Promise.all([0, 1].map((at) => client(at).call('/generate', asked)))
      expect(both.map(({ status }) => status).toSorted()).to.deep.equal([201, 409])
    }
  })

  it('makes one key for an Idempotency-Key, whoever is asked', async () => {
    const asked = {
      secrets: [client(0).newSecret()],
      identifier: 'once',
      signatureType: 'ES256',
      keyType: 'JWK',
    }
    const headers = { 'idempotency-key': 'one-for-both' }
    const all = await Promise.all([0, 1, 2, 3].map((at) => client(at).call('/generate', asked, headers)))
    expect(all.map(({ status }) => status)).to.deep.equal([201, 201, 201, 201])
    expect(new Set(all.map(({ body }) => body?.['id'])).size).to.equal(1)
  })

  it('remembers wrong secrets when both are gone and come back', async () => {
    const key = await client(0).key()
    for (let n = 0; n < 7; n++) {
      await sign(n, key, { secrets: ['wrong'] })
      await ground.sql('update activation_attempt set next_at = now() where failures >= 6')
    }
    await sign(0, key, { secrets: ['wrong'] })
    for (const place of places) await place.server.kill('SIGKILL')
    for (const place of places) await place.restart().ready()
    const [row] = await ground.sql<{ failures: number }>(
      'select failures from activation_attempt join holder_key using (key_id) where id = $1',
      [key.id],
    )
    expect(row?.failures).to.equal(8)
    await sign(0, key, { secrets: ['wrong'] })
    await sign(1, key, { secrets: ['wrong'] })
    const { status } = await sign(1, key, { secrets: key.secrets })
    expect(status).to.equal(429)
  })
})
