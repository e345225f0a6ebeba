import { expect } from 'chai'
import pg from 'pg'
import { OID, digest } from '../csc/client.ts'
import { Ground, type Place } from './support/ground.ts'
import type { Failpoint } from './support/failpoints.ts'
import { until } from './support/until.ts'

const REQUESTS = 20
const TIMES = 5
/** From the death of a process until another has signed, or closed, what it left. */
const SETTLED_MS = 30_000

type Body = Record<string, unknown>

/** kill -9 of the service while it holds requests that it has accepted, and while it signs them. */
describe('kill -9 of the service, in asynchronous operation', function () {
  this.timeout(10 * 60_000)
  let ground: Ground
  let place: Place
  before(async () => {
    ground = await Ground.make()
    place = await ground.place()
    await place.server.ready()
    await ground.sql(`create function hold() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(4711); return new; end $$`)
    await ground.sql(`create trigger hold before update on job
      for each row when (new.kind = 'signature' and new.state = 'running') execute function hold()`)
  })
  afterEach(async () => {
    await until(async () => (await ground.open()) === 0, {
      withinMs: SETTLED_MS,
      otherwise: () => `attempts stay open: ${ground.bugs}`,
    })
    await ground.check()
  })
  after(() => ground.remove())

  const call = async (method: string, body: Body): Promise<{ status: number; body: Body }> => {
    const answer = await fetch(`${place.url}/csc/v2/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ground.client.accessToken}` },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Body }
  }
  let asked = 0
  const ask = async (): Promise<string> => {
    const [credential] = ground.credentials
    if (credential === undefined) throw new Error('no credential')
    const hashes = [digest(`document ${++asked}`)]
    const authorised = await call('credentials/authorize', {
      credentialID: credential.id,
      numSignatures: 1,
      hashes,
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: credential.pin }],
    })
    const { SAD } = authorised.body
    const request = { credentialID: credential.id, SAD, hashes, signAlgo: OID.ecdsa256, operationMode: 'A' }
    const { status, body } = await call('signatures/signHash', request)
    expect(status, JSON.stringify(body)).to.equal(200)
    return String(body['responseID'])
  }
  const polled = async (requestID: string): Promise<number> => {
    let status = 202
    const ended = async (): Promise<boolean> => {
      status = (await call('signatures/signPolling', { requestID })).status
      return status !== 202
    }
    const otherwise = (): string => `${requestID} does not end: ${ground.bugs}`
    await until(ended, { withinMs: SETTLED_MS, otherwise })
    return status
  }

  it('loses nothing that was accepted: the next process signs it', async () => {
    const holder = new pg.Client({ connectionString: ground.database.superUrl })
    await holder.connect()
    await holder.query('select pg_advisory_lock(4711)')
    const ids: string[] = []
    for (let n = 0; n < REQUESTS; n++) ids.push(await ask())
    await place.server.kill('SIGKILL')
    await holder.end()
    await place.restart().ready()
    for (const id of ids) expect(await polled(id)).to.equal(200)
  })

  for (const [point, outcomes] of [
    ['before sign', [500]],
    ['signed', [500]],
  ] as const satisfies readonly (readonly [Failpoint, readonly number[]])[]) {
    it(`signs nothing twice that it was at when it died (${point}), and says so`, async () => {
      for (let n = 0; n < TIMES; n++) {
        place.server.arm({ point, pass: 1 })
        const id = await ask()
        await place.server.ended
        await place.restart().ready()
        expect(outcomes).to.include(await polled(id))
      }
    })
  }
})
