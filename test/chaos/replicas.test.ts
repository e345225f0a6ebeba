import { Agent } from 'node:http'
import { expect } from 'chai'
import { OID } from '../csc/client.ts'
import { Ground, type Place } from './support/ground.ts'
import { RECOVERY_MS } from './support/kills.ts'
import { sha256 } from './support/ledger.ts'
import { call, Load, type Answer } from './support/load.ts'
import { until } from './support/until.ts'

const CLIENTS = 16
const RACES = 100

/** Two processes, one database, one token. */
describe('two replicas under one load', function () {
  this.timeout(120_000)
  let ground: Ground
  let places: [Place, Place]
  before(async () => {
    ground = await Ground.make()
    places = [await ground.place(), await ground.place()]
    await Promise.all(places.map(({ server }) => server.ready()))
  })
  after(() => ground.remove())

  const urls = (): string[] => places.map(({ url }) => url)
  const ask = (n: number, method: string, body: object): Promise<Answer> =>
    call(`${urls()[n % 2]}/csc/v2/${method}`, {
      agent: new Agent(),
      accessToken: ground.client.accessToken,
      body,
    })
  const authorise = (n: number, more: { hashes: string[]; pin: string }): Promise<Answer> =>
    ask(n, 'credentials/authorize', {
      credentialID: ground.credentials[0]?.id,
      numSignatures: more.hashes.length,
      hashes: more.hashes,
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: more.pin }],
    })

  it('make one signature when both are asked at once for the only one authorised', async () => {
    const hashes = [sha256('one of forty').toString('base64')]
    const { text } = await authorise(0, { hashes, pin: ground.credentials[0]?.pin ?? '' })
    const { SAD } = JSON.parse(text) as { SAD: string }
    ground.keepSecret(SAD)
    const body = { credentialID: ground.credentials[0]?.id, SAD, hashes, signAlgo: OID.ecdsa256 }
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ask(n, 'signatures/signHash', body)),
    )
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
    const refused = answers.filter(({ status }) => status !== 200).map(({ status, text }) => [status, text])
    const used = { error: 'invalid_request', error_description: 'Hash is not authorized by the SAD' }
    expect(refused).to.deep.equal(Array(39).fill([400, JSON.stringify(used)]))
  })

  it('answer a race of single requests with one signature and one refusal, each time', async () => {
    const pin = ground.credentials[0]?.pin ?? ''
    const hashes = Array.from({ length: RACES }, (_, n) => sha256(`race ${n}`).toString('base64'))
    const { text } = await authorise(0, { hashes, pin })
    const { SAD } = JSON.parse(text) as { SAD: string }
    ground.keepSecret(SAD)
    const seen: string[] = []
    for (const hash of hashes) {
      const body = { credentialID: ground.credentials[0]?.id, SAD, hashes: [hash], signAlgo: OID.ecdsa256 }
      const both = await Promise.all([0, 1].map((n) => ask(n, 'signatures/signHash', body)))
      seen.push(
        both
          .map(({ status }) => status)
          .toSorted((a, b) => a - b)
          .join(),
      )
    }
    expect(new Set(seen), ground.bugs).to.deep.equal(new Set(['200,400']))
    await ground.check()
  })

  it('nobody notices that one leaves by SIGTERM, and comes back', async () => {
    const load = await startLoad()
    // To be noticed is: any answer but a signature or a true refusal; any connection that breaks under a request. A
    // connection that is refused is not: the client goes to the neighbour, as a load balancer does.
    for (const place of places) {
      await load.progress(100)
      const ended = await place.server.kill('SIGTERM')
      expect(ended.code).to.equal(0)
      await load.progress(100)
      await place.restart().ready()
    }
    await load.progress(100)
    await load.stop()
    const noticed = [...load.answers.keys()].filter(
      (answer) =>
        !/^(200|400 .*Hash is not authorized by the SAD.*|0 ECONNREFUSED|503 The service is starting.*)$/s.test(
          answer,
        ),
    )
    expect(noticed, ground.bugs).to.deep.equal([])
    expect(load.abandoned).to.equal(0)
    await ground.check()
  })

  it('one that is killed costs what it was working on, and the other one closes what it left', async () => {
    const load = await startLoad()
    await load.progress(100)
    const killed = performance.now()
    const [gone] = places
    await gone.server.kill('SIGKILL')
    await load.progress(200)
    // Each client had one request under way at most; none is told "not now" by the one that stays.
    const cut = [...load.answers].filter(([answer]) => /^0 (?!ECONNREFUSED)/.test(answer))
    expect(cut.reduce((sum, [, count]) => sum + count, 0)).to.be.at.most(CLIENTS)
    expect([...load.answers.keys()].filter((answer) => answer.startsWith('503'))).to.deep.equal([])
    expect(load.abandoned).to.equal(0)
    await load.stop()
    await until(async () => (await ground.open()) === 0, {
      withinMs: killed + RECOVERY_MS - performance.now(),
      otherwise: () => 'what the killed one left open is not closed',
    })
    await ground.check()
    await gone.restart().ready()
  })

  it('lock a credential after five wrong PINs, however they are spread', async () => {
    const hashes = [sha256('guess').toString('base64')]
    const wrong = Array.from({ length: 12 }, (_, n) => authorise(n, { hashes, pin: `wrong-${n}` }))
    const answers = (await Promise.all(wrong)).map(({ status, text }) => `${status} ${text}`)
    const failed = JSON.stringify({
      error: 'invalid_authentication_data',
      error_description: 'The authentication data is invalid',
    })
    const locked = JSON.stringify({ error: 'invalid_request', error_description: 'Credential locked' })
    expect(answers.toSorted()).to.deep.equal(
      [...Array<string>(5).fill(`400 ${failed}`), ...Array<string>(7).fill(`400 ${locked}`)].toSorted(),
    )
    for (const n of [0, 1]) {
      const right = await authorise(n, { hashes, pin: ground.credentials[0]?.pin ?? '' })
      expect([right.status, right.text]).to.deep.equal([400, locked])
    }
    await ground.check()
  })

  async function startLoad(): Promise<Load> {
    const load = new Load(ground, { urls, clients: CLIENTS, thinkingMs: 20, perAuthorisation: 150 })
    await load.stock(urls()[0] ?? '', 6_000)
    load.start()
    return load
  }
})
